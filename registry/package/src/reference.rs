//! The location of a registry: a folder or a URL. It only parses the text and opens nothing.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use url::{Host, Url};

/// The location of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistryRef {
    /// A folder with one OCI image layout per package.
    Folder(PathBuf),
    /// An OCI registry.
    Oci(OciRef),
}

/// An OCI registry and the path prefix of its packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OciRef {
    /// Scheme, host and port.
    pub origin: Url,
    /// Prefix of `publisher/name`, without leading and trailing slashes; may be empty.
    pub prefix: String,
}

/// The text does not name a registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a registry ({problem}): expected `https://HOST[:PORT][/PREFIX]`, or a folder such as `/srv/packages` or `./packages`"
)]
pub struct InvalidReference {
    text: String,
    problem: String,
}

impl OciRef {
    /// `host` or `host:port`, as in login files.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self.origin.host_str().unwrap_or_default();
        self.origin.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Whether the connection is unencrypted.
    pub fn is_plain(&self) -> bool {
        self.origin.scheme() == "http"
    }

    /// Whether the host is this machine, where nobody can intercept traffic.
    pub fn is_loopback(&self) -> bool {
        match self.origin.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

impl fmt::Display for RegistryRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Oci(oci) if oci.prefix.is_empty() => f.write_str(oci.origin.as_str().trim_end_matches('/')),
            Self::Oci(oci) => write!(f, "{}{}", oci.origin, oci.prefix),
        }
    }
}

impl FromStr for RegistryRef {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let refused = |problem: &str| InvalidReference { text: shown(text), problem: problem.to_owned() };
        if text.is_empty() || text.len() > 2048 {
            return Err(refused("it is empty or longer than 2,048 bytes"));
        }
        if !text.contains("://") {
            // `ghcr.io/acme` would silently become a folder of that name.
            let is_path = Path::new(text).is_absolute() || text.starts_with("./") || text.starts_with("../");
            return if is_path {
                Ok(Self::Folder(text.into()))
            } else {
                Err(refused("it does not begin with `https://`, `/` or `./`"))
            };
        }
        let mut url = Url::parse(text).map_err(|error| refused(&error.to_string()))?;
        if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
            return Err(refused("only https and http are supported"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("credentials are not allowed in the URL: use `handoff login`"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refused("it contains `?` or `#`"));
        }
        let prefix = url.path().trim_matches('/').to_owned();
        if !prefix.is_empty() && !prefix.split('/').all(is_component) {
            return Err(refused(
                "the prefix must consist of words of lower-case letters, digits, `.`, `_` and `-`, joined by slashes",
            ));
        }
        url.set_path("");
        Ok(Self::Oci(OciRef { origin: url, prefix }))
    }
}

/// The repository name rule of the distribution specification, as far as a prefix needs it.
fn is_component(part: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    part.bytes().next().is_some_and(inner)
        && part.bytes().last().is_some_and(inner)
        && part.bytes().all(|byte| inner(byte) || matches!(byte, b'.' | b'_' | b'-'))
}

/// Shortens hostile or private texts before they appear in an error, and removes credentials from a URL.
fn shown(text: &str) -> String {
    let text = match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => {
            format!("{}…{}", text.get(..scheme + 3).unwrap_or_default(), text.get(at..).unwrap_or_default())
        }
        _ => text.to_owned(),
    };
    text.chars().take(120).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_a_url_or_a_path_and_never_a_guess() {
        for (text, host) in [("https://ghcr.io/acme", "ghcr.io"), ("http://127.0.0.1:5000", "127.0.0.1:5000")] {
            let Ok(RegistryRef::Oci(oci)) = text.parse() else { panic!("{text}") };
            assert_eq!((oci.host().as_str(), RegistryRef::Oci(oci).to_string().as_str()), (host, text));
        }
        for text in ["/srv/packages", "./packages", "../x"] {
            assert_eq!(text.parse(), Ok(RegistryRef::Folder(text.into())));
        }
        for (text, why) in [
            ("ghcr.io/acme", "does not begin with"),
            ("ftp://x", "only https"),
            ("https://me:secret@x", "handoff login"),
            ("https://x/?a", "`?`"),
            ("https://x/Up", "prefix"),
            ("", "empty"),
        ] {
            let error = text.parse::<RegistryRef>().err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(why) && !error.contains("secret"), "{text}: {error}");
        }
    }
}
