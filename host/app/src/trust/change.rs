//! Changes the trusted keys of publishers, with an audit entry for each change. Verifies no package signature.

use handoff_package::manifest::Name;
use handoff_package::trust::{Revocation, TrustError, TrustList, TrustedKey};

use super::list::{list, view};
use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::trust::{TrustChange, TrustReport, TrustRequest};
use handoff_model::actor::Identity;
use handoff_model::host_records::{KeyRevocation, PublisherKey};
use handoff_model::time::Timestamp;
use handoff_store::{NewAudit, Store};

impl Shard {
    /// Changes the list of trusted keys. The change is durable on return.
    pub async fn change_trust(&self, caller: &Identity, request: TrustRequest) -> Result<TrustReport, AppError> {
        let _one_at_a_time = self.changes.lock().await;
        change(&self.store, caller, &request, self.now()).await
    }
}

async fn change(
    store: &Store,
    caller: &Identity,
    request: &TrustRequest,
    now: Timestamp,
) -> Result<TrustReport, AppError> {
    let publisher: Name =
        request.publisher.parse().map_err(|problem: String| AppError::invalid("publisher", problem))?;
    let by = caller.acting(request.by.as_deref());
    let mut list = list(store)?;
    let (action, changed) = match request.does {
        TrustChange::Add => ("trust-add", add(&mut list, &publisher, request, now)?),
        TrustChange::Retire => ("trust-retire", end(&mut list, &publisher, request, now)?),
        TrustChange::Revoke => ("trust-revoke", end(&mut list, &publisher, request, now)?),
    };
    let keys = list.keys(publisher.as_str());
    if !changed.is_empty() {
        let detail = serde_json::json!({ "keys": changed, "reason": request.reason });
        let audit = NewAudit {
            at: now,
            by: by.clone(),
            action,
            subject: publisher.to_string(),
            detail_json: detail.to_string(),
            scopes: Vec::new(),
        };
        store.set_publisher_keys(publisher.to_string(), keys.iter().map(kept_key).collect(), audit).await?;
        tracing::info!(publisher = publisher.as_str(), keys = changed.len(), %by, action, "trust changed");
    }
    let affected = if request.does == TrustChange::Revoke { affected(store, &changed)? } else { Vec::new() };
    Ok(TrustReport { publisher: view(publisher.to_string(), keys), changed, affected })
}

fn add(
    list: &mut TrustList,
    publisher: &Name,
    request: &TrustRequest,
    now: Timestamp,
) -> Result<Vec<String>, AppError> {
    let text = request.key.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| AppError::invalid("key", "`key` is missing: give the publisher's public key"))?;
    let before: Vec<String> = ids(list, publisher);
    if text.starts_with('{') {
        let signer = list.accept_key(text.as_bytes(), now.0).map_err(|error| refused(&error))?;
        if signer.publisher != *publisher {
            let message = format!("this is a key of `{}`, not of `{publisher}`", signer.publisher);
            return Err(AppError::invalid("key", message));
        }
    } else {
        let key = text.parse().map_err(|error| AppError::invalid("key", format!("{error}")))?;
        list.add(publisher, key, now.0).map_err(|error| refused(&error))?;
    }
    Ok(ids(list, publisher).into_iter().filter(|id| !before.contains(id)).collect())
}

/// Retires or revokes the given keys. Returns those that were valid before.
fn end(
    list: &mut TrustList,
    publisher: &Name,
    request: &TrustRequest,
    now: Timestamp,
) -> Result<Vec<String>, AppError> {
    let known = list.keys(publisher.as_str());
    if known.is_empty() {
        return Err(AppError::NotFound { what: format!("trusted publisher `{publisher}`") });
    }
    let is_meant = |key: &&TrustedKey| request.key.as_deref().is_none_or(|text| key.key.id().is_meant_by(text.trim()));
    let meant: Vec<TrustedKey> = known.iter().filter(is_meant).cloned().collect();
    let text = request.key.as_deref().unwrap_or_default();
    match meant.len() {
        0 => {
            return Err(AppError::NotFound { what: format!("key `{text}` of `{publisher}`; `trust list` shows them") });
        }
        2.. if request.key.is_some() => {
            let message = format!("several keys of `{publisher}` begin with `{text}`: give more of its digits");
            return Err(AppError::invalid("key", message));
        }
        _ => {}
    }
    let reason = request.reason.as_deref().unwrap_or("no reason was given");
    let mut changed = Vec::new();
    for trusted in meant {
        let id = trusted.key.id();
        let is_new = if request.does == TrustChange::Revoke {
            list.revoke(publisher.as_str(), &id, now.0, reason)
        } else {
            trusted.revoked.is_none() && trusted.not_after_ms.is_none() && list.retire(publisher.as_str(), &id, now.0)
        };
        if is_new {
            changed.push(id.to_string());
        }
    }
    Ok(changed)
}

fn ids(list: &TrustList, publisher: &Name) -> Vec<String> {
    list.keys(publisher.as_str()).iter().map(|trusted| trusted.key.id().to_string()).collect()
}

/// Names of installations whose active package was signed by one of these keys.
fn affected(store: &Store, keys: &[String]) -> Result<Vec<String>, AppError> {
    let mut names = Vec::new();
    for installation in store.installations() {
        let details = store.generation_details(installation.id, installation.active.generation)?;
        let signer = details.and_then(|details| details.signer);
        if signer.is_some_and(|signer| keys.contains(&signer.key_id)) {
            names.push(installation.name.to_string());
        }
    }
    names.sort();
    Ok(names)
}

/// A key in the form of the store.
fn kept_key(trusted: &TrustedKey) -> PublisherKey {
    let revocation =
        |revocation: &Revocation| KeyRevocation { at: Timestamp(revocation.at_ms), reason: revocation.reason.clone() };
    PublisherKey {
        public_key: trusted.key.to_string(),
        added_at: Timestamp(trusted.added_at_ms),
        introduced_by: trusted.introduced_by.as_ref().map(ToString::to_string),
        not_after: trusted.not_after_ms.map(Timestamp),
        revoked: trusted.revoked.as_ref().map(revocation),
    }
}

/// The error for a key or statement that the list refuses.
fn refused(error: &TrustError) -> AppError {
    AppError::Refused { code: "untrusted", message: error.to_string() }
}
