//! How a TCP listener presents itself: its certificate, and the URL that others use. Opens nothing.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use url::Url;

use super::host::path;
use super::reader::{Field, Section};

/// How a TCP listener presents itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrontConfig {
    /// PEM files of certificate and key; none for plain HTTP.
    pub tls: Option<TlsConfig>,
    /// The URL under which others reach the listener, for example that of a reverse proxy.
    pub public_url: Option<Url>,
}

/// PEM files. They are read again when they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// The certificate, followed by intermediate certificates.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl FrontConfig {
    /// Whether others reach the listener over TLS: its own, or that of a reverse proxy.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.tls.is_some() || self.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }

    /// The URL to show to people, for a listener at an address.
    #[must_use]
    pub fn url(&self, address: SocketAddr) -> String {
        match &self.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None if self.tls.is_some() => format!("https://{address}"),
            None => format!("http://{address}"),
        }
    }
}

/// Reads `tls`, `public-url` and `plaintext`. `listen` is the listener's address with its field, if it has one.
pub(super) fn read(section: &Section<'_>, folder: &Path, listen: Option<(&Field<'_>, SocketAddr)>) -> FrontConfig {
    let tls_section = section.section("tls");
    let tls = tls_section.is_present().then(|| {
        let file = |key| {
            let field = tls_section.required(key, "the path of a PEM file", &format!("{key} = \"tls/{key}.pem\""))?;
            path(&field, folder)
        };
        Some(TlsConfig { certificate: file("certificate")?, key: file("key")? })
    });
    tls_section.finish();
    let plaintext = section.field("plaintext").and_then(|field| field.boolean()).unwrap_or(false);
    if let Some((field, listen)) = listen
        && !listen.ip().is_loopback()
        && tls.is_none()
        && !plaintext
    {
        field.wrong_found(
            format!("the address {listen}, which other machines can reach, without TLS"),
            "`tls` with `certificate` and `key` for an address that is not loopback, because tokens and customers' data would be readable \
             on the way",
            "add `tls = { certificate = \"…\", key = \"…\" }`, listen on 127.0.0.1 behind a proxy, or, if a proxy on another machine ends \
             TLS, add `plaintext = true`",
        );
    }
    let public_url = section.field("public-url").and_then(|field| public_url(&field));
    FrontConfig { tls: tls.flatten(), public_url }
}

fn public_url(field: &Field<'_>) -> Option<Url> {
    let url: Url = field.parse("a URL", "https://handoff.dealer.example")?;
    let is_plain =
        url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    if !(matches!(url.scheme(), "http" | "https") && url.has_host() && is_plain) {
        field.wrong(
            "an http or https URL without user, query and fragment",
            "write it as clients do: \"https://handoff.dealer.example\"",
        );
        return None;
    }
    Some(url)
}
