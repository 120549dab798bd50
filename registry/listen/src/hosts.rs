//! The host names that a listener answers to. A page of another site can make a browser resolve its own name to this
//! machine (DNS rebinding); then only the name in the request shows that the caller meant another server. It decides by
//! the request's head alone and never resolves a name.

use std::net::IpAddr;

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Uri, Version};
use url::Url;

/// Maximum number of characters of a foreign name in an error.
const SHOWN_CHARS_MAX: usize = 120;

/// The names of one listener: the address that it is bound to, the loopback names, and the host of its public URL.
#[derive(Debug, Clone)]
pub struct Hosts {
    bound: IpAddr,
    public: Option<String>,
}

/// Why a request is not for this listener.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostProblem {
    /// HTTP/1.1 without `Host`.
    #[error("HTTP/1.1 requires the header field `Host`")]
    Missing,
    /// More than one `Host`: a proxy and this server could understand different ones.
    #[error("the header field `Host` is there more than once")]
    Repeated,
    /// The request is for another server.
    #[error(
        "the request names the host `{0}`, which is not a name of this server: use the address that it listens on, or have its \
         operator set `public-url` to the URL that clients use"
    )]
    Foreign(String),
}

impl Hosts {
    /// The names of a listener that is bound to this address.
    #[must_use]
    pub fn new(bound: IpAddr, public_url: Option<&Url>) -> Self {
        let public = public_url.and_then(Url::host_str).map(|host| bare(host).to_owned());
        Self { bound: bound.to_canonical(), public }
    }

    /// Checks the head of a request that arrived at the address `local`: exactly one `Host` (RFC 9112, section 3.2)
    /// that is a name of this listener, and no other name in the request's target. HTTP/1.0 knows no `Host`; no
    /// browser speaks it.
    ///
    /// # Errors
    /// The request is ambiguous, or for another server.
    pub fn check(&self, local: IpAddr, version: Version, headers: &HeaderMap, uri: &Uri) -> Result<(), HostProblem> {
        let mut hosts = headers.get_all(HOST).iter();
        let host = match (hosts.next(), hosts.next()) {
            (Some(host), None) => Some(host),
            (None, _) if version < Version::HTTP_11 => None,
            (None, _) => return Err(HostProblem::Missing),
            (Some(_), Some(_)) => return Err(HostProblem::Repeated),
        };
        let foreign = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            HostProblem::Foreign(text.chars().filter(|c| !c.is_control()).take(SHOWN_CHARS_MAX).collect())
        };
        if let Some(host) = host {
            let is_own = Authority::try_from(host.as_bytes()).is_ok_and(|host| self.is_own(local, &host));
            if !is_own {
                return Err(foreign(host.as_bytes()));
            }
        }
        match uri.authority() {
            Some(target) if !self.is_own(local, target) => Err(foreign(target.as_str().as_bytes())),
            _ => Ok(()),
        }
    }

    /// The port is not compared: behind a port forward it differs, and a name alone tells whom the caller meant.
    fn is_own(&self, local: IpAddr, authority: &Authority) -> bool {
        let host = bare(authority.host());
        if authority.as_str().contains('@') {
            return false;
        }
        if let Ok(address) = host.parse::<IpAddr>() {
            let address = address.to_canonical();
            let is_bound =
                if self.bound.is_unspecified() { address == local.to_canonical() } else { address == self.bound };
            return is_bound || address.is_loopback() || self.is_public(host);
        }
        host.eq_ignore_ascii_case("localhost") || self.is_public(host)
    }

    fn is_public(&self, host: &str) -> bool {
        self.public.as_deref().is_some_and(|public| public.eq_ignore_ascii_case(host))
    }
}

/// A host without the brackets of an IPv6 address, and without the dot that ends a full name.
fn bare(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address,
        None => host.strip_suffix('.').unwrap_or(host),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    const LOCAL: [u8; 4] = [192, 0, 2, 1];

    fn check(hosts: &Hosts, host: &[&str], target: &str) -> Result<(), HostProblem> {
        let mut headers = HeaderMap::new();
        for host in host {
            headers.append(HOST, host.parse().unwrap());
        }
        hosts.check(LOCAL.into(), Version::HTTP_11, &headers, &target.parse().unwrap())
    }

    #[test]
    fn a_listener_answers_to_its_own_names_only() {
        let url = "https://Registry.Example:8443/".parse().unwrap();
        let public = Hosts::new([10, 1, 2, 3].into(), Some(&url));
        let everywhere = Hosts::new([0, 0, 0, 0].into(), None);
        for (host, named, unnamed) in [
            ("localhost", true, true),
            ("LOCALHOST.:7450", true, true),
            ("127.0.0.1:7450", true, true),
            ("127.1.2.3", true, true),
            ("[::1]:7450", true, true),
            ("10.1.2.3:1", true, false),
            ("192.0.2.1", false, true),
            ("[::ffff:192.0.2.1]", false, true),
            ("registry.example", true, false),
            ("registry.example.:443", true, false),
            ("evil.registry.example", false, false),
            ("evil.example", false, false),
            ("localhost.evil.example", false, false),
            ("evil.example@localhost", false, false),
            ("0.0.0.0:7450", false, false),
            ("192.0.2.1.evil.example", false, false),
            ("a b", false, false),
            ("", false, false),
        ] {
            assert_eq!(check(&public, &[host], "/").is_ok(), named, "{host}");
            assert_eq!(check(&everywhere, &[host], "/").is_ok(), unnamed, "{host}");
        }
        let text = check(&everywhere, &["evil.example"], "/").unwrap_err().to_string();
        assert!(text.contains("`evil.example`") && text.contains("`public-url`"), "{text}");
    }

    #[test]
    fn a_request_names_one_host() {
        let hosts = Hosts::new([127, 0, 0, 1].into(), None);
        assert_eq!(check(&hosts, &[], "/"), Err(HostProblem::Missing));
        assert_eq!(check(&hosts, &["localhost", "localhost"], "/"), Err(HostProblem::Repeated));
        assert_eq!(check(&hosts, &["localhost"], "http://localhost/v2/"), Ok(()));
        assert!(check(&hosts, &["localhost"], "http://evil.example/v2/").is_err(), "the target counts, too");
        let old = hosts.check(LOCAL.into(), Version::HTTP_10, &HeaderMap::new(), &"/".parse().unwrap());
        assert_eq!(old, Ok(()));
    }
}
