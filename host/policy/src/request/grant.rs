//! Grants that can never work: hosts that no address check lets pass, and spellings that no URL has. Pure: a name is not
//! resolved.

use std::net::IpAddr;

use url::Host;

use crate::address::{AddressClass, classify};

/// Names of metadata services, which hand out the credentials of the machine.
const METADATA_NAMES: [&str; 4] =
    ["metadata", "metadata.google.internal", "instance-data", "instance-data.ec2.internal"];

/// Why a grant's host can never be sent to, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HopelessHost {
    /// What it is.
    pub found: String,
    /// What to do.
    pub advice: String,
}

/// Checks the host of a grant: lower-case, an IPv6 address without brackets.
pub fn check_host(host: &str, private_addresses: bool) -> Result<(), HopelessHost> {
    let hopeless = |found: String, advice: String| Err(HopelessHost { found, advice });
    let literal = host.parse::<IpAddr>().ok();
    let written = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let Ok(parsed) = Host::parse(&written) else {
        let found = format!("the host \"{host}\", which no URL can have");
        return hopeless(found, "write a host name like \"api.example.com\" or an address".to_owned());
    };
    let normal = parsed.to_string();
    let normal = normal.trim_start_matches('[').trim_end_matches(']');
    if normal != host {
        let found = format!("the host \"{host}\", which a URL writes as \"{normal}\"");
        return hopeless(found, format!("write host = \"{normal}\""));
    }
    let private = |class: &str| {
        let found = format!("the host \"{host}\", which is {class}, in a grant for public addresses");
        hopeless(found, "add `private-addresses = true`, or write the public host of the target".to_owned())
    };
    match literal.map(classify) {
        Some(AddressClass::Never(class)) => hopeless(
            format!("the host \"{host}\", which is {class}: no grant allows it"),
            "write the address of the target system".to_owned(),
        ),
        Some(AddressClass::Private(class)) if !private_addresses => private(class),
        Some(AddressClass::Private(_) | AddressClass::Public) => Ok(()),
        None if METADATA_NAMES.contains(&host) => hopeless(
            format!("the host \"{host}\", which is a cloud metadata service: no grant allows its address"),
            "write the address of the target system".to_owned(),
        ),
        None if !private_addresses && (host == "localhost" || host.ends_with(".localhost")) => private("loopback"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_can_never_be_sent_to_are_found() {
        for (host, private, sign) in [
            ("127.0.0.1", false, "loopback"),
            ("10.1.2.3", false, "private (RFC 1918)"),
            ("::1", false, "loopback"),
            ("localhost", false, "loopback"),
            ("crm.localhost", false, "loopback"),
            ("169.254.169.254", true, "metadata"),
            ("metadata.google.internal", true, "metadata"),
            ("0.0.0.0", true, "unspecified"),
            ("127.1", true, "writes as \"127.0.0.1\""),
            ("0x7f.1", true, "writes as \"127.0.0.1\""),
            ("2130706433", true, "writes as \"127.0.0.1\""),
            ("0:0:0:0:0:0:0:1", true, "writes as \"::1\""),
            ("1.2.3.256", true, "no URL can have"),
        ] {
            let problem = check_host(host, private).expect_err(host);
            assert!(problem.found.contains(sign), "{host}: {problem:?}");
            assert!(!problem.advice.is_empty());
        }
        for (host, private) in
            [("crm.example.com", false), ("127.0.0.1", true), ("::1", true), ("localhost", true), ("8.8.8.8", false)]
        {
            assert_eq!(check_host(host, private), Ok(()), "{host}");
        }
    }
}
