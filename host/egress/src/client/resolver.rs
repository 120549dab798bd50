//! Resolves names and checks the addresses. Connections use exactly the checked addresses, so a name that changes
//! between check and use (DNS rebinding) gains nothing.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use handoff_policy::address;

/// Resolves a name to addresses. The ports have no meaning.
#[derive(Clone)]
pub struct Names(Arc<AskNames>);

type AskNames = dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync;

impl Names {
    /// The system's resolver.
    #[must_use]
    pub fn system() -> Self {
        Self::of(|name| Box::pin(async move { Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect()) }))
    }

    /// Another resolver.
    pub fn of(ask: impl Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}

/// A resolver for one permission; none means that addresses are not checked (behind a proxy).
#[derive(Clone, Debug)]
pub(super) struct CheckedResolver {
    pub(super) names: Names,
    pub(super) private_addresses: Option<bool>,
}

/// All addresses of a name are refused.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct AddressRefused(pub(super) String);

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let checked = self.private_addresses;
        let answer = (self.names.0)(name.as_str().to_owned());
        Box::pin(async move {
            let allowed = allowed(&answer.await?, checked).map_err(AddressRefused)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// The allowed addresses; if there are none, the reason of the first refusal.
fn allowed(found: &[SocketAddr], private_addresses: Option<bool>) -> Result<Vec<SocketAddr>, String> {
    let Some(private_addresses) = private_addresses else { return Ok(found.to_vec()) };
    let mut refusal = None;
    let mut allowed = Vec::with_capacity(found.len());
    for address in found {
        match address::check_address(address.ip(), private_addresses) {
            Ok(()) => allowed.push(*address),
            Err(problem) => {
                refusal.get_or_insert(problem);
            }
        }
    }
    match refusal {
        Some(problem) if allowed.is_empty() => Err(problem),
        _ => Ok(allowed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_allowed_addresses_are_returned() {
        let found: Vec<SocketAddr> = ["8.8.8.8:0", "127.0.0.1:0", "[::1]:0", "169.254.169.254:0"]
            .map(|text| text.parse().expect("address"))
            .to_vec();
        assert_eq!(allowed(&found, Some(false)).expect("one is public").len(), 1);
        assert_eq!(allowed(&found, Some(true)).expect("three").len(), 3);
        assert!(allowed(found.get(1..3).expect("two"), Some(false)).expect_err("refused").contains("loopback"));
        assert!(allowed(found.get(3..).expect("one"), Some(true)).is_err());
    }
}
