//! The address of a host, and the token for it.

use std::fmt;
use std::path::PathBuf;

use url::Url;

use super::ClientError;

/// The address of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Its Unix socket. File permissions decide who may use it.
    Socket(PathBuf),
    /// Its TCP listener, with a token.
    Tcp {
        /// Scheme, host and port.
        url: Url,
        /// Bearer token.
        token: Token,
    },
}

impl Target {
    /// The base URL. Refuses to send a token unencrypted over a network.
    pub(super) fn base(&self) -> Result<Url, ClientError> {
        match self {
            Self::Socket(_) => Url::parse("http://localhost/").map_err(|error| ClientError::Setup(error.to_string())),
            Self::Tcp { url, .. } => {
                check_url(url)?;
                Ok(url.clone())
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "{}", path.display()),
            Self::Tcp { url, .. } => write!(f, "{url}"),
        }
    }
}

/// A bearer token. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Creates a token. Leading and trailing white space is removed.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

fn check_url(url: &Url) -> Result<(), ClientError> {
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        "http" => Err(ClientError::Setup(format!(
            "{url} would send the token in the clear: use https, or a tunnel to a loopback address"
        ))),
        other => Err(ClientError::Setup(format!("`{other}` is not a scheme for a host: use https://host:port"))),
    }
}
