//! Whom an address stands for, for limits that apply to each sender. It counts nothing.

use std::net::IpAddr;

/// The sender that an address stands for: an IPv6 sender has a whole /64 of addresses.
#[must_use]
pub fn sender(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            IpAddr::from(((u128::from(address) >> 64) << 64).to_be_bytes())
        }
        whole => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_sender_is_a_64_bit_prefix() {
        for (address, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("::1", "::1"),
        ] {
            let [address, expected]: [IpAddr; 2] = [address, expected].map(|text| text.parse().expect("an address"));
            assert_eq!(sender(address), expected);
        }
    }
}
