//! Which network addresses a connector may connect to. Pure: resolves nothing and opens nothing.
//!
//! Sources: the IANA special-purpose address registries (RFC 6890 and its updates), RFC 6052 (NAT64), RFC 3056 (6to4),
//! RFC 4380 (Teredo), RFC 5214 (ISATAP).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Instance metadata services outside the ranges below: they hand out the credentials of the machine, so no grant
/// allows them.
const METADATA: [IpAddr; 14] = [
    // Amazon (also tasks and pods), Azure, Google, Oracle, DigitalOcean, Hetzner, OpenStack.
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe)),
    IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe)),
    // Azure's host agent.
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    // Alibaba, Tencent, Scaleway.
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 0, 23)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 42, 42)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42)),
    // Oracle's older service.
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
];

/// Why an address may not be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressClass {
    /// A host on the public internet.
    Public,
    /// Loopback, link-local, private or shared address space; a grant with `private-addresses` allows it.
    Private(&'static str),
    /// Never a target: multicast, broadcast, unspecified, documentation, reserved, metadata services.
    Never(&'static str),
}

/// The class of an address. An IPv6 address that embeds an IPv4 address has the class of the latter.
#[must_use]
pub fn classify(address: IpAddr) -> AddressClass {
    if METADATA.contains(&address) {
        return AddressClass::Never("a cloud metadata service");
    }
    match address {
        IpAddr::V4(v4) => classify_v4(v4),
        IpAddr::V6(v6) => match embedded_v4(v6) {
            Some(v4) => classify(IpAddr::V4(v4)),
            None if local_nat64(v6).is_some_and(|inner| inner.iter().any(|v4| METADATA.contains(&IpAddr::V4(*v4)))) => {
                AddressClass::Never("a cloud metadata service behind local NAT64")
            }
            None => classify_v6(v6),
        },
    }
}

/// Whether a connection to the address is allowed; the error names the address, its class and the grant that would
/// allow it.
pub fn check_address(address: IpAddr, private_addresses: bool) -> Result<(), String> {
    match classify(address) {
        AddressClass::Public => Ok(()),
        AddressClass::Private(_) if private_addresses => Ok(()),
        AddressClass::Private(class) => Err(format!(
            "address {address} is {class}; expected a public address, or a grant with `private-addresses = true`"
        )),
        AddressClass::Never(class) => {
            Err(format!("address {address} is {class}; no grant can allow that: use the address of the target system"))
        }
    }
}

fn classify_v4(v4: Ipv4Addr) -> AddressClass {
    use AddressClass::{Never, Private, Public};
    match v4.octets() {
        [0, ..] => Never("unspecified (0.0.0.0/8)"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Private("private (RFC 1918)"),
        [100, 64..=127, ..] => Private("shared address space (RFC 6598)"),
        [127, ..] => Private("loopback"),
        [169, 254, ..] => Private("link-local"),
        [192, 0, 0, _] => Never("reserved for protocols (192.0.0.0/24)"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Never("for documentation (RFC 5737)"),
        [192, 88, 99, _] => Never("a 6to4 relay (RFC 7526)"),
        [198, 18 | 19, ..] => Never("for benchmarks (RFC 2544)"),
        [224..=239, ..] => Never("multicast"),
        [255, 255, 255, 255] => Never("broadcast"),
        [240..=255, ..] => Never("reserved (240.0.0.0/4)"),
        _ => Public,
    }
}

fn classify_v6(v6: Ipv6Addr) -> AddressClass {
    use AddressClass::{Never, Private, Public};
    match v6.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Never("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Private("loopback"),
        [0xfc00..=0xfdff, ..] => Private("unique local (RFC 4193)"),
        [0xfe80..=0xfebf, ..] => Private("link-local"),
        [0xfec0..=0xfeff, ..] => Private("site-local (RFC 3879)"),
        [0xff00..=0xffff, ..] => Never("multicast"),
        [0x64, 0xff9b, 1, ..] => Private("local NAT64 (RFC 8215)"),
        [0x2001, 0, ..] => Never("Teredo (RFC 4380)"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Never("for documentation (RFC 3849, RFC 9637)"),
        [0x2001, 0x1..=0x1ff, ..] => Never("reserved for protocols (2001::/23)"),
        [0x2000..=0x3fff, ..] => Public,
        _ => Never("outside global unicast (2000::/3)"),
    }
}

/// The IPv4 address inside a mapped, compatible, translated, NAT64, 6to4 or ISATAP address.
fn embedded_v4(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match v6.segments() {
        // `::` and `::1` belong to IPv6; the rest of ::/96 is "IPv4-compatible".
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(join(high, low)),
        // ISATAP embeds the IPv4 address behind any prefix.
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => Some(join(high, low)),
        _ => None,
    }
}

/// The IPv4 addresses that a translator of 64:ff9b:1::/48 may read in an address: the position depends on its prefix
/// (RFC 6052 section 2.2: of 48, 56, 64 or 96 bits, around a zero byte).
fn local_nat64(v6: Ipv6Addr) -> Option<[Ipv4Addr; 4]> {
    let [0, 0x64, 0xff, 0x9b, 0, 1, a, b, _, c, d, e, f, g, h, i] = v6.octets() else { return None };
    Some([Ipv4Addr::new(a, b, c, d), Ipv4Addr::new(b, c, d, e), Ipv4Addr::new(c, d, e, f), Ipv4Addr::new(f, g, h, i)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(text: &str) -> AddressClass {
        classify(text.parse().expect("an address"))
    }

    #[test]
    fn private_and_special_addresses_are_refused_in_every_notation() {
        for text in [
            "127.0.0.1",
            "127.255.255.254",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "169.254.1.1",
            "::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "fec0::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::10.0.0.1",
            "2002:7f00:1::",
            "2002:c0a8:101::1",
            "::ffff:0:10.0.0.1",
            "64:ff9b:1::1",
            "2607:f8b0::5efe:10.0.0.1",
            "fe80::200:5efe:192.168.0.1",
        ] {
            assert!(matches!(class(text), AddressClass::Private(_)), "{text}: {:?}", class(text));
        }
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.9",
            "198.18.0.1",
            "192.0.0.192",
            "192.88.99.1",
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::",
            "168.63.129.16",
            "100.100.100.200",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fe80::a9fe:a9fe",
            "169.254.170.23",
            "64:ff9b:1::a9fe:a9fe",
            "64:ff9b:1:a9fe:a9:fe00::",
            "64:ff9b:1:a9:fe:a9fe::",
            "64:ff9b:1:0:a9:fea9:fe00:0",
            "::",
            "ff02::1",
            "2001:db8::1",
            "3fff::1",
            "2001::1",
            "100::1",
            "5f00::1",
            "2001:20::1",
            "4000::1",
        ] {
            assert!(matches!(class(text), AddressClass::Never(_)), "{text}: {:?}", class(text));
        }
    }

    #[test]
    fn neighbours_of_special_ranges_stay_public() {
        for text in [
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.0.1",
            "192.167.0.1",
            "223.255.255.255",
            "2607:f8b0::1",
            "2a00::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ] {
            assert_eq!(class(text), AddressClass::Public, "{text}");
        }
    }

    #[test]
    fn a_grant_allows_private_addresses_but_never_metadata() {
        let check = |text: &str, private| check_address(text.parse().expect("an address"), private);
        assert!(check("127.0.0.1", true).is_ok());
        assert!(check("127.0.0.1", false).is_err());
        assert!(check("169.254.169.254", true).is_err());
        assert!(check("::ffff:169.254.169.254", true).is_err());
        assert!(check("0.0.0.0", true).is_err());
    }
}
