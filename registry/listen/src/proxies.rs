//! Reverse proxies whose word counts for who sent a request. Reads one header field; counts nothing.
//!
//! `X-Forwarded-For` is what nginx, HAProxy, Caddy and the load balancers of clouds write: each proxy appends the address
//! that connected to it. Only what a trusted proxy appended counts, because anyone can send the field.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The shortest prefix of a network of proxies, in bits.
const PREFIX_MIN: u8 = 8;
/// Proxies in a row that are looked at.
const HOPS_MAX: usize = 16;

/// The addresses of reverse proxies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Proxies with addresses in these networks.
    #[must_use]
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Reads addresses, such as `10.0.0.5`, and networks of several proxies, such as `10.1.0.0/16`.
    ///
    /// # Errors
    /// Says which text is neither, or has a prefix of less than 8 bits: a sender in it can pretend to be any other.
    pub fn parse(texts: &[String]) -> Result<Self, String> {
        let read = |text: &String| {
            let one = text.trim().parse::<IpAddr>().ok().map(|address| IpNet::from(address.to_canonical()));
            let network = one.or_else(|| text.trim().parse().ok());
            network.filter(|network: &IpNet| network.prefix_len() >= PREFIX_MIN).ok_or_else(|| {
                format!(
                    "`{text}` is neither the address of a proxy, such as 10.0.0.5, nor a network with a prefix of at least \
                     {PREFIX_MIN} bits, such as 10.1.0.0/16"
                )
            })
        };
        texts.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether an address is one of them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Who sent a request: the peer of the connection, or the last address in the header that is not a trusted proxy's. A
    /// header that cannot be read counts for nothing: the request is the last readable proxy's own.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.contains(client) {
            return client;
        }
        let fields: Vec<&str> = headers.get_all(FORWARDED).iter().map(|one| one.to_str().unwrap_or_default()).collect();
        for entry in fields.iter().rev().flat_map(|field| field.rsplit(',')).take(HOPS_MAX) {
            let Some(address) = read(entry.trim()) else { return client };
            client = address;
            if !self.contains(client) {
                return client;
            }
        }
        client
    }
}

/// An address, with or without a port, and for IPv6 with or without brackets.
fn read(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    let address: Option<IpAddr> = bare.parse().ok();
    address.or_else(|| Some(entry.parse::<std::net::SocketAddr>().ok()?.ip())).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, fields: &[&str]) -> String {
        let networks = ["10.0.0.0/8", "192.0.2.1/32", "fd00::/8"].map(|network| network.parse().expect("a network"));
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(FORWARDED, field.parse().expect("a field"));
        }
        TrustedProxies::new(networks.to_vec()).client(peer.parse().expect("an address"), &headers).to_string()
    }

    #[test]
    fn only_what_a_trusted_proxy_appended_counts() {
        // A stranger's word about itself.
        assert_eq!(client("198.51.100.9", &["203.0.113.7"]), "198.51.100.9");
        assert_eq!(client("10.0.0.1", &["203.0.113.7"]), "203.0.113.7");
        // What the client sent itself stands before what the proxy appended.
        assert_eq!(client("10.0.0.1", &["203.0.113.99, 203.0.113.7"]), "203.0.113.7");
        assert_eq!(client("10.0.0.1", &["203.0.113.99", "203.0.113.7"]), "203.0.113.7");
        // Two proxies in a row.
        assert_eq!(client("10.0.0.1", &["203.0.113.99, 203.0.113.7, 192.0.2.1"]), "203.0.113.7");
        assert_eq!(client("::ffff:10.0.0.1", &["2001:db8::7"]), "2001:db8::7");
    }

    #[test]
    fn addresses_are_read_with_ports_and_brackets() {
        for entry in ["2001:db8::7", "[2001:db8::7]", "[2001:db8::7]:4711", " [2001:db8::7] "] {
            assert_eq!(client("10.0.0.1", &[entry]), "2001:db8::7", "{entry}");
        }
        assert_eq!(client("10.0.0.1", &["203.0.113.7:4711"]), "203.0.113.7");
        assert_eq!(client("10.0.0.1", &["::ffff:203.0.113.7"]), "203.0.113.7");
    }

    #[test]
    fn an_unreadable_header_leaves_the_request_to_the_proxy() {
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        for entry in ["", "unknown", "_hidden", "203.0.113.7 x", "203.0.113.7,"] {
            assert_eq!(client("10.0.0.1", &[entry]), "10.0.0.1", "{entry}");
        }
        assert_eq!(client("10.0.0.1", &["203.0.113.7, ?, 10.0.0.2"]), "10.0.0.2");
        // Endless lists are not followed.
        assert_eq!(client("10.0.0.1", &["10.0.0.3,".repeat(1_000).trim_end_matches(',')]), "10.0.0.3");
    }
}
