//! Entries of the audit log: visits them in order, reads the newest, and converts them for the control API.

use crate::error::AppError;
use handoff_control::audit::{AuditEntryView, AuditHeadView};
use handoff_store::{AuditEntry, Store};

/// Entries read at once.
const CHUNK: usize = 1_000;

/// Visits entries after a number, oldest first, until `take` returns false.
pub(super) fn each(store: &Store, mut after: u64, mut take: impl FnMut(AuditEntry) -> bool) -> Result<(), AppError> {
    loop {
        let page = store.audit(after, CHUNK)?;
        let is_last = page.len() < CHUNK;
        for entry in page {
            after = entry.number;
            if !take(entry) {
                return Ok(());
            }
        }
        if is_last {
            return Ok(());
        }
    }
}

pub(super) fn head(store: &Store) -> AuditHeadView {
    let (number, hash) = store.audit_head();
    AuditHeadView { number, hash: hex::encode(hash) }
}

pub(super) fn view(entry: &AuditEntry) -> AuditEntryView {
    AuditEntryView {
        number: entry.number,
        at: entry.at.into(),
        by: entry.by.to_string(),
        action: entry.action.clone(),
        subject: entry.subject.clone(),
        scopes: entry.scopes.clone(),
        detail: serde_json::from_str(&entry.detail_json).unwrap_or_default(),
        before: hex::encode(entry.before),
        hash: hex::encode(entry.hash),
    }
}
