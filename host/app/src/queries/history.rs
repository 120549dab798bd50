//! The generations of an installation with where they came from, and the audit chain.

use super::installations::generations;
use super::{find, page_size};
use crate::error::AppError;
use handoff_control::history::{
    AuditEntryView, AuditHeadView, AuditList, AuditQuery, AuditVerifyQuery, AuditVerifyView, HistoryEntry, HistoryView,
    OriginView,
};
use handoff_model::names::InstallationName;
use handoff_store::{AuditEntry, AuditVerdict, Store};

/// Entries of a page when nobody says how many.
const PAGE: u32 = 50;
/// Entries read in one go.
const CHUNK: usize = 1_000;
/// Hexadecimal digits of a hash, and how many of them name an entry: as many as the list shows.
const HASH_DIGITS: usize = 64;
const HEAD_DIGITS_MIN: usize = 12;

/// All generations, newest first.
pub fn history(store: &Store, name: &InstallationName) -> Result<HistoryView, AppError> {
    let installation = find(store, name)?;
    let records = store.generations(installation.id)?;
    let previous = installation.previous.as_ref().map(|record| record.generation);
    let mut entries = Vec::new();
    for generation in generations(&records, installation.active.generation) {
        let details = store.generation_details(installation.id, generation.generation)?;
        entries.push(HistoryEntry {
            previous: previous == Some(generation.generation),
            from: details.as_ref().and_then(|details| details.from),
            origin: details.as_ref().map(|details| OriginView::from(&details.origin)),
            signer: details.and_then(|details| details.signer),
            generation,
        });
    }
    let package = installation.active.content.package.clone();
    Ok(HistoryView { name: name.clone(), package, generations: entries })
}

/// Entries of the audit chain: after a number, or the newest ones.
pub fn audit(store: &Store, query: &AuditQuery) -> Result<AuditList, AppError> {
    let most = page_size(query.limit, PAGE);
    let wanted = |entry: &AuditEntry| {
        query.installation.as_deref().is_none_or(|name| entry.subject.split(' ').any(|subject| subject == name))
    };
    let mut found = std::collections::VecDeque::new();
    let mut more = false;
    each(store, query.after.unwrap_or(0), |entry| {
        if !wanted(&entry) {
            return true;
        }
        if found.len() == most {
            if query.after.is_some() {
                more = true;
                return false;
            }
            // The newest are asked for.
            found.pop_front();
        }
        found.push_back(entry);
        true
    })?;
    Ok(AuditList { entries: found.iter().map(view).collect(), more, head: head(store) })
}

/// Whether every entry follows from the one before, and whether a hash noted elsewhere is among them.
pub fn verify_audit(store: &Store, query: &AuditVerifyQuery) -> Result<AuditVerifyView, AppError> {
    let found_at = match &query.head {
        Some(hash) => noted(store, hash)?,
        None => None,
    };
    let (entries, problem) = match store.verify_audit()? {
        AuditVerdict::Sound { entries, .. } => (entries, None),
        AuditVerdict::Broken { number, problem } => {
            (number.saturating_sub(1), Some(format!("entry {number}: {problem}")))
        }
    };
    let lost = query.head.is_some() && found_at.is_none();
    let problem = problem.or_else(|| {
        lost.then(|| "no entry has this hash: the chain was cut off or written anew since it was noted".to_owned())
    });
    Ok(AuditVerifyView { sound: problem.is_none(), entries, head: head(store), found_at, problem })
}

/// The entry whose hash begins with these digits.
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
        if hex(&entry.hash).starts_with(&digits) {
            found.push(entry.number);
        }
        // A second one would make it unclear which is meant.
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

/// Hands entries over, oldest first, until there are no more or nobody wants more.
fn each(store: &Store, mut after: u64, mut take: impl FnMut(AuditEntry) -> bool) -> Result<(), AppError> {
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

fn head(store: &Store) -> AuditHeadView {
    let (number, hash) = store.audit_head();
    AuditHeadView { number, hash: hex(&hash) }
}

fn view(entry: &AuditEntry) -> AuditEntryView {
    AuditEntryView {
        number: entry.number,
        at: entry.at.into(),
        by: entry.by.clone(),
        action: entry.action.clone(),
        subject: entry.subject.clone(),
        detail: serde_json::from_str(&entry.detail_json).unwrap_or_default(),
        before: hex(&entry.before),
        hash: hex(&entry.hash),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
