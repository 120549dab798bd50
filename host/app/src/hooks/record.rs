//! Records accepted and refused webhooks. Bounded: one record for each hook that exists, and one for all others.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use parking_lot::Mutex;

use crate::shard::Shard;
use handoff_model::names::InstallationName;
use handoff_model::time::Timestamp;
use handoff_store::Appended;

/// Refused webhooks kept for each hook, the newest ones.
pub(crate) const LAST_MAX: usize = 50;
/// Longest kept text of a sender, in characters.
const TEXT_CHARS_MAX: usize = 128;

/// A webhook that was refused. It has no body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedWebhook {
    /// When.
    pub at: Timestamp,
    /// The address that it came from: behind a reverse proxy that is not trusted, the proxy's.
    pub address: Option<IpAddr>,
    /// The status of the answer.
    pub status: u16,
    /// A word for the reason.
    pub reason: String,
    /// The reason for the operator. The sender is not told.
    pub detail: String,
    /// The size of the body, as announced or as read.
    pub body_bytes: Option<u64>,
    /// The sender's id of it, not verified.
    pub id: Option<String>,
    /// The path, if no hook has it.
    pub path: Option<String>,
}

/// What came in at one hook since the start.
#[derive(Clone, Debug, Default)]
pub(crate) struct HookRecord {
    pub(crate) accepted: u64,
    pub(crate) duplicates: u64,
    /// Refused ones by reason.
    pub(crate) reasons: BTreeMap<String, u64>,
    /// The last refused ones, oldest first.
    pub(crate) last: VecDeque<RefusedWebhook>,
}

impl HookRecord {
    pub(crate) fn refused(&self) -> u64 {
        self.reasons.values().sum()
    }

    fn refuse(&mut self, webhook: RefusedWebhook) {
        *self.reasons.entry(webhook.reason.clone()).or_default() += 1;
        if self.last.len() >= LAST_MAX {
            self.last.pop_front();
        }
        self.last.push_back(webhook);
    }
}

/// Webhooks that one hook refused lately.
pub(crate) struct Recent {
    /// The first of them.
    pub(crate) first: Timestamp,
    pub(crate) reasons: BTreeMap<String, u64>,
    /// There were more than are kept.
    pub(crate) is_more: bool,
}

/// The records of all hooks.
#[derive(Default)]
pub(crate) struct HookRecords {
    hooks: Mutex<BTreeMap<InstallationName, HookRecord>>,
    /// Requests to hooks that do not exist.
    unknown: Mutex<HookRecord>,
}

impl HookRecords {
    pub(crate) fn of(&self, name: &InstallationName) -> HookRecord {
        self.hooks.lock().get(name).cloned().unwrap_or_default()
    }

    /// Hooks with at least `least` webhooks refused since then, as far as the last ones say.
    pub(crate) fn refused_since(&self, since_ms: u64, least: usize) -> Vec<(InstallationName, Recent)> {
        let hooks = self.hooks.lock();
        let recent = hooks.iter().filter_map(|(name, record)| {
            let these: Vec<_> = record.last.iter().filter(|webhook| webhook.at.0 >= since_ms).collect();
            let first = these.first().filter(|_| these.len() >= least)?.at;
            let mut reasons = BTreeMap::new();
            for webhook in &these {
                *reasons.entry(webhook.reason.clone()).or_default() += 1;
            }
            Some((name.clone(), Recent { first, reasons, is_more: these.len() >= LAST_MAX }))
        });
        recent.collect()
    }

    pub(crate) fn unknown(&self) -> HookRecord {
        self.unknown.lock().clone()
    }
}

impl Shard {
    /// Counts an accepted webhook.
    pub fn note_accepted_webhook(&self, name: &InstallationName, appended: Appended) {
        let mut hooks = self.hooks.hooks.lock();
        let record = hooks.entry(name.clone()).or_default();
        match appended {
            Appended::Accepted { .. } => record.accepted += 1,
            Appended::Duplicate { .. } => record.duplicates += 1,
        }
    }

    /// Counts and keeps a refused webhook. `name`: the hook, if it exists.
    pub fn note_refused_webhook(&self, name: Option<&InstallationName>, mut webhook: RefusedWebhook) {
        webhook.id = webhook.id.map(|text| bounded(&text));
        webhook.path = webhook.path.map(|text| bounded(&text));
        match name {
            Some(name) => self.hooks.hooks.lock().entry(name.clone()).or_default().refuse(webhook),
            None => self.hooks.unknown.lock().refuse(webhook),
        }
    }
}

fn bounded(text: &str) -> String {
    text.chars().take(TEXT_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_refusals_are_kept_and_all_are_counted() {
        let mut record = HookRecord::default();
        for number in 0..200 {
            record.refuse(RefusedWebhook {
                at: Timestamp(number),
                address: None,
                status: 401,
                reason: if number % 4 == 0 { "bad-base64" } else { "wrong-signature" }.to_owned(),
                detail: String::new(),
                body_bytes: None,
                id: None,
                path: None,
            });
        }
        assert_eq!(record.refused(), 200);
        assert_eq!((record.reasons["bad-base64"], record.reasons["wrong-signature"]), (50, 150));
        assert_eq!(record.last.len(), LAST_MAX);
        assert_eq!(record.last.front().map(|webhook| webhook.at), Some(Timestamp(150)));
    }
}
