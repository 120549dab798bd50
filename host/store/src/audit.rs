//! The audit chain: a tamper-evident record of who changed what. Each entry carries the hash of the previous entry. The
//! committer writes it together with the change; this file reads and verifies it.
//!
//! An entry's hash is SHA-256 over its fields, each preceded by its length as eight big-endian bytes: `before`,
//! `number` and `at` (eight bytes each, big-endian), `by` as three fields, `action`, `subject`, `detail_json`, and the text
//! form of each of `scopes`. The fields of `by` are `host`, `user` or `token`; the name, empty for the host; and the note,
//! empty if there is none. The first entry has number 1 and 32 zeros for `before`. A hash that is stored elsewhere proves
//! later that no entry up to it was changed.

use serde::{Deserialize, Serialize};

use handoff_model::actor::{Actor, Identity};
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;

use super::committer::Request;
use super::keys::{self, table};
use super::rows::decode;
use super::{Shared, Store, StoreError};

/// One entry of the audit chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Its position in the chain, from 1.
    pub number: u64,
    /// When the change was made.
    pub at: Timestamp,
    /// Who made the change.
    pub by: Actor,
    /// What was done, kebab-case: `install`, `upgrade`, `reconfigure`, `rollback`, `automatic-rollback`,
    /// `pause`, `resume`, `redrive`, `discard`, `release-held`, `discard-held`, `trust-add` …
    pub action: String,
    /// The target of the action: usually the name of an installation.
    pub subject: String,
    /// Details, as a JSON object.
    pub detail_json: String,
    /// The rooftops and groups that it concerns; none if it concerns the whole host.
    pub scopes: Vec<Scope>,
    /// The hash of the previous entry.
    pub before: [u8; 32],
    /// The hash of this entry.
    pub hash: [u8; 32],
}

/// A new entry, without number and hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAudit {
    /// When the change was made.
    pub at: Timestamp,
    /// Who made the change.
    pub by: Actor,
    /// What was done, kebab-case.
    pub action: &'static str,
    /// The target of the action.
    pub subject: String,
    /// Details, as a JSON object.
    pub detail_json: String,
    /// The rooftops and groups that it concerns; none if it concerns the whole host.
    pub scopes: Vec<Scope>,
}

/// The result of verifying the whole chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditVerdict {
    /// Every entry follows from the previous one.
    Sound {
        /// The number of entries.
        entries: u64,
        /// The hash of the last entry; zeros if there is none.
        hash: [u8; 32],
    },
    /// An entry was changed, removed, added or moved.
    Broken {
        /// The first position at which verification fails.
        number: u64,
        /// What is wrong there.
        problem: String,
    },
}

impl AuditEntry {
    /// Creates the entry that follows the one with this number and hash.
    pub(super) fn after((number, before): (u64, [u8; 32]), new: NewAudit) -> Self {
        let NewAudit { at, by, action, subject, detail_json, scopes } = new;
        let action = action.to_owned();
        let (number, hash) = (number.saturating_add(1), [0; 32]);
        let mut entry = Self { number, at, by, action, subject, detail_json, scopes, before, hash };
        entry.hash = entry.computed_hash();
        entry
    }

    /// Computes the hash from the fields.
    #[must_use]
    pub fn computed_hash(&self) -> [u8; 32] {
        use sha2::{Digest as _, Sha256};
        let (number, at) = (self.number.to_be_bytes(), self.at.0.to_be_bytes());
        let (kind, name) = match &self.by.identity {
            Identity::Host => ("host", ""),
            Identity::User(name) => ("user", name.as_str()),
            Identity::Token(name) => ("token", name.as_str()),
        };
        let note = self.by.note.as_deref().unwrap_or_default();
        let scopes: Vec<String> = self.scopes.iter().map(ToString::to_string).collect();
        let texts = [kind, name, note, &self.action, &self.subject, &self.detail_json];
        let texts = texts.into_iter().chain(scopes.iter().map(String::as_str));
        let mut hasher = Sha256::new();
        for field in [&self.before[..], &number, &at].into_iter().chain(texts.map(str::as_bytes)) {
            hasher.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
            hasher.update(field);
        }
        hasher.finalize().into()
    }

    /// The reason why this entry cannot follow the one with this number and hash; none if it can.
    fn problem_after(&self, (number, hash): (u64, [u8; 32])) -> Option<String> {
        if self.number != number.saturating_add(1) {
            Some(format!("entry {} stands where entry {} should", self.number, number.saturating_add(1)))
        } else if self.before != hash {
            Some("it does not name the hash of the entry before".to_owned())
        } else if self.hash != self.computed_hash() {
            Some("its hash is not the one of its content".to_owned())
        } else {
            None
        }
    }
}

/// Entries read at once.
const PAGE: usize = 1_000;

impl Store {
    /// Entries after a number, oldest first.
    pub fn audit(&self, after: u64, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        let after = (after > 0).then(|| keys::audit(after));
        let rows = self.shared.view.scan(&[table::AUDIT], after.as_deref(), limit)?;
        rows.iter().map(|(key, row)| decode(key, row)).collect()
    }

    /// Adds an entry for something that changes no other data of the store.
    pub async fn add_audit(&self, new: NewAudit) -> Result<(), StoreError> {
        self.ask(|reply| Request::AddAudit { new: Box::new(new), reply }).await
    }

    /// Number and hash of the last entry; zeros if there is none.
    #[must_use]
    pub fn audit_head(&self) -> (u64, [u8; 32]) {
        *self.shared.audit_head.lock()
    }

    /// Verifies the whole chain. Entries that are written during the check may be left out.
    pub fn verify_audit(&self) -> Result<AuditVerdict, StoreError> {
        let head = self.audit_head();
        let mut last = (0, [0; 32]);
        loop {
            let page = self.audit(last.0, PAGE)?;
            for entry in &page {
                if let Some(problem) = entry.problem_after(last) {
                    return Ok(AuditVerdict::Broken { number: last.0.saturating_add(1), problem });
                }
                last = (entry.number, entry.hash);
                if entry.number == head.0 && entry.hash != head.1 {
                    let problem = "it is not the entry that was written last".to_owned();
                    return Ok(AuditVerdict::Broken { number: entry.number, problem });
                }
            }
            if page.len() < PAGE {
                break;
            }
        }
        if last.0 < head.0 {
            let problem = format!("the chain ends before entry {}, which was written", head.0);
            return Ok(AuditVerdict::Broken { number: last.0.saturating_add(1), problem });
        }
        Ok(AuditVerdict::Sound { entries: last.0, hash: last.1 })
    }
}

impl Shared {
    /// The number and hash of the last entry, as stored in the index.
    pub(super) fn stored_audit_head(&self) -> Result<(u64, [u8; 32]), StoreError> {
        let key = keys::meta(HEAD);
        let row = self.view.get(&key)?;
        row.map_or(Ok((0, [0; 32])), |row| decode(&key, &row))
    }
}

/// The name of the row that holds the number and hash of the last entry.
pub(super) const HEAD: &str = "audit-head";
