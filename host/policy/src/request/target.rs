//! The target of a request: a URL parsed strictly, and whether a grant names this target. It knows nothing of methods
//! or path patterns.

use std::net::IpAddr;

use url::{Host, Url};

use crate::address;
use handoff_model::grants::HttpGrant;
use handoff_model::http::HttpError;

use super::{path, show};

/// Longest URL: what common servers accept (RFC 9110, section 4.1 asks for at least 8,000).
const MAX_URL_BYTES: usize = 8_192;

/// A URL in the form in which it is sent.
#[derive(Clone, Debug)]
pub struct Target {
    url: Url,
    /// Normal form, lower-case; an IPv6 address without brackets.
    host: String,
    port: u16,
}

impl Target {
    /// Parses a URL and refuses every form that two parsers could read differently.
    pub fn parse(text: &str) -> Result<Self, HttpError> {
        if text.len() > MAX_URL_BYTES {
            return Err(invalid(format!("has {} bytes; expected at most {MAX_URL_BYTES}", text.len())));
        }
        check_characters(text)?;
        let (scheme, rest) = text
            .split_once("://")
            .filter(|(scheme, _)| matches!(*scheme, "https" | "http"))
            .ok_or_else(|| invalid(format!("`{}` is not absolute; expected `https://host/path`", show(text))))?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        if authority.contains('@') {
            return Err(invalid("contains user info (`user@`); use an auth profile instead".to_owned()));
        }
        let raw_path = tail.split('?').next().unwrap_or_default();
        let raw_path = if raw_path.is_empty() { "/" } else { raw_path };
        path::check(raw_path)?;
        let url = Url::parse(text).map_err(|error| invalid(format!("`{}` does not parse: {error}", show(text))))?;
        let port = url.port_or_known_default().filter(|port| *port != 0);
        let (Some(host), Some(port)) = (url.host_str(), port) else {
            return Err(invalid("has no host or port 0; expected `https://host/path`".to_owned()));
        };
        check_authority(authority, host, port)?;
        if url.scheme() != scheme || url.path() != raw_path || !url.username().is_empty() || url.password().is_some() {
            return Err(invalid(format!("is not in its normal form; expected `{}`", show(url.as_str()))));
        }
        let host = bare(host).to_ascii_lowercase();
        Ok(Self { url, host, port })
    }

    /// The URL to send.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The host in normal form, an IPv6 address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port; the default port of the scheme if the URL names none.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The path as sent.
    #[must_use]
    pub fn path(&self) -> &str {
        self.url.path()
    }

    /// Scheme, host and port, for messages.
    #[must_use]
    pub fn origin(&self) -> String {
        show(&self.url.origin().ascii_serialization())
    }

    /// Whether the grant is for this scheme, host and port.
    #[must_use]
    pub fn is_at(&self, grant: &HttpGrant) -> bool {
        let scheme_granted = self.url.scheme() == "https" || grant.plaintext;
        let port = grant.port.or_else(|| self.url.scheme().eq("https").then_some(443)).unwrap_or(80);
        scheme_granted && bare(&grant.host) == self.host && port == self.port
    }

    /// A literal address needs no DNS for the check.
    pub fn check_literal_address(&self, grant: &HttpGrant) -> Result<(), HttpError> {
        let address = match self.url.host() {
            Some(Host::Ipv4(v4)) => IpAddr::V4(v4),
            Some(Host::Ipv6(v6)) => IpAddr::V6(v6),
            _ => return Ok(()),
        };
        address::check_address(address, grant.private_addresses)
            .map_err(|problem| HttpError::Denied(format!("url: {problem} (grant `{}`)", grant.name)))
    }
}

/// A grant's target in words.
#[must_use]
pub fn describe(grant: &HttpGrant) -> String {
    let scheme = if grant.plaintext { "http or https" } else { "https" };
    let port = grant.port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{scheme}://{}{port}", show(&grant.host))
}

fn check_characters(text: &str) -> Result<(), HttpError> {
    match text.chars().find(|c| !matches!(c, '!'..='~') || matches!(c, '\\' | '#')) {
        None => Ok(()),
        Some('#') => Err(invalid("contains a fragment (`#`), which is never sent to the server; remove it".to_owned())),
        Some('\\') => Err(invalid("contains a backslash; expected `/`".to_owned())),
        Some(other) => Err(invalid(format!(
            "contains `{}`; expected printable ASCII: write host names in their `xn--` form and percent-encode the rest",
            other.escape_default()
        ))),
    }
}

/// The authority as written must equal the host as parsed: `0x7f.1`, `2130706433`, `%61pi.example.com` and
/// `[::ffff:1.2.3.4]` all parse as something else.
fn check_authority(authority: &str, host: &str, port: u16) -> Result<(), HttpError> {
    let (raw_host, raw_port) = match authority.rsplit_once(':') {
        Some((left, right)) if !right.contains(']') => (left, Some(right)),
        _ => (authority, None),
    };
    if !raw_host.eq_ignore_ascii_case(host) {
        return Err(invalid(format!("host `{}` is not in its normal form; expected `{}`", show(raw_host), show(host))));
    }
    match raw_port {
        Some(text) if text != port.to_string() => {
            Err(invalid(format!("port `{}` is not in its normal form; expected `{port}` or none", show(text))))
        }
        _ => Ok(()),
    }
}

fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host)
}

fn invalid(problem: String) -> HttpError {
    HttpError::Invalid(format!("url: {problem}"))
}
