//! Lists trusted publishers and their keys.

use std::collections::BTreeMap;

use handoff_package::trust::{Revocation, TrustList, TrustedKey};

use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::trust::{KeyView, PublisherView, TrustView};
use handoff_model::host_records::{KeyRevocation, PublisherKey};
use handoff_model::time::Timestamp;
use handoff_store::Store;

impl Shard {
    /// Lists all trusted publishers with their keys.
    pub fn list_trust(&self) -> Result<TrustView, AppError> {
        let publishers = list(&self.store)?.publishers;
        Ok(TrustView { publishers: publishers.into_iter().map(|(publisher, keys)| view(publisher, &keys)).collect() })
    }
}

/// The list for the verification of signatures.
pub(crate) fn list(store: &Store) -> Result<TrustList, AppError> {
    let mut publishers = BTreeMap::new();
    for (publisher, keys) in store.all_publisher_keys()? {
        let keys = trusted_keys(&publisher, keys)?;
        publishers.insert(publisher, keys);
    }
    Ok(TrustList { publishers })
}

/// Whether a publisher's key was revoked, and why.
pub(crate) fn revoked(store: &Store, publisher: &str, key_id: &str) -> Result<Option<String>, AppError> {
    let Some(keys) = store.publisher_keys(publisher)? else { return Ok(None) };
    let keys = trusted_keys(publisher, keys)?;
    let key = keys.into_iter().find(|trusted| trusted.key.id().to_string() == key_id);
    Ok(key.and_then(|trusted| trusted.revoked).map(|revocation| revocation.reason))
}

fn trusted_keys(publisher: &str, keys: Vec<PublisherKey>) -> Result<Vec<TrustedKey>, AppError> {
    let unreadable = |error: String| AppError::Internal(format!("the keys of `{publisher}` cannot be read: {error}"));
    let trusted = |key: PublisherKey| {
        let introduced_by = key.introduced_by.map(|id| id.parse()).transpose();
        Ok(TrustedKey {
            key: key.public_key.parse().map_err(|error| unreadable(format!("{error}")))?,
            added_at_ms: key.added_at.0,
            not_after_ms: key.not_after.map(|at| at.0),
            revoked: key.revoked.map(|KeyRevocation { at, reason }| Revocation { at_ms: at.0, reason }),
            introduced_by: introduced_by.map_err(|error| unreadable(format!("{error}")))?,
        })
    };
    keys.into_iter().map(trusted).collect()
}

pub(super) fn view(publisher: String, keys: &[TrustedKey]) -> PublisherView {
    let key = |trusted: &TrustedKey| KeyView {
        key_id: trusted.key.id().to_string(),
        public_key: trusted.key.to_string(),
        added_at: Timestamp(trusted.added_at_ms).into(),
        introduced_by: trusted.introduced_by.map(|id| id.to_string()),
        not_after: trusted.not_after_ms.map(|at| Timestamp(at).into()),
        revoked_at: trusted.revoked.as_ref().map(|revocation| Timestamp(revocation.at_ms).into()),
        reason: trusted.revoked.as_ref().map(|revocation| revocation.reason.clone()),
    };
    PublisherView { publisher, keys: keys.iter().map(key).collect() }
}
