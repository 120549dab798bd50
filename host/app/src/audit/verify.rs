//! Verifies the audit log's chain of hashes.

use super::entries::{each, head};
use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::audit::{AuditVerifyQuery, AuditVerifyView};
use handoff_store::{AuditVerdict, Store};

/// Hexadecimal digits of a whole hash. A prefix needs at least as many digits as the list shows.
const HASH_DIGITS: usize = 64;
const HEAD_DIGITS_MIN: usize = 12;

impl Shard {
    /// Verifies that each entry's hash covers the previous entry, and that the log contains a hash noted elsewhere.
    pub fn verify_audit(&self, query: &AuditVerifyQuery) -> Result<AuditVerifyView, AppError> {
        let found_at = match &query.head {
            Some(hash) => noted(&self.store, hash)?,
            None => None,
        };
        let (entries, problem) = match self.store.verify_audit()? {
            AuditVerdict::Sound { entries, .. } => (entries, None),
            AuditVerdict::Broken { number, problem } => {
                (number.saturating_sub(1), Some(format!("entry {number}: {problem}")))
            }
        };
        let lost = query.head.is_some() && found_at.is_none();
        let problem = problem.or_else(|| {
            lost.then(|| "no entry has this hash: the chain was cut off or rewritten since it was noted".to_owned())
        });
        Ok(AuditVerifyView { sound: problem.is_none(), entries, head: head(&self.store), found_at, problem })
    }
}

/// Finds the entry whose hash begins with these digits.
fn noted(store: &Store, digits: &str) -> Result<Option<u64>, AppError> {
    if !(HEAD_DIGITS_MIN..=HASH_DIGITS).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    {
        let message = format!(
            "not the hash of an entry: expected its {HASH_DIGITS} hexadecimal digits, or at least the first {HEAD_DIGITS_MIN}"
        );
        return Err(AppError::invalid("head", message));
    }
    let digits = digits.to_ascii_lowercase();
    let mut found = Vec::new();
    each(store, 0, |entry| {
        if hex::encode(entry.hash).starts_with(&digits) {
            found.push(entry.number);
        }
        // Two matches are enough to know that the prefix is ambiguous.
        found.len() < 2
    })?;
    match found.as_slice() {
        [first, second] => {
            let message = format!("the hashes of the entries {first} and {second} both begin so: give more digits");
            Err(AppError::invalid("head", message))
        }
        found => Ok(found.first().copied()),
    }
}
