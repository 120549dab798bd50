//! What senders remember: the sent events and their responses.

use std::collections::BTreeMap;

use tally::Act;

/// CloudEvents source of all events.
pub(crate) const SOURCE: &str = "https://torture.example";

/// The outcome of an entry, as its sender knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) act: Act,
    /// 202; otherwise unknown.
    pub(crate) answered: bool,
}

/// All sent events.
#[derive(Debug, Default)]
pub(crate) struct All {
    /// Key → its numbers, from 1.
    pub(crate) entries: BTreeMap<String, Vec<Sent>>,
    /// Numbers of webhooks to the tally; all were accepted.
    pub(crate) hooks: Vec<u64>,
    /// Id of a lead → whether it was accepted.
    pub(crate) leads: BTreeMap<String, bool>,
}

impl All {
    pub(crate) fn answered(&self) -> usize {
        let entries = self.entries.values().flatten().filter(|sent| sent.answered).count();
        entries + self.hooks.len() + self.leads.values().filter(|answered| **answered).count()
    }

    pub(crate) fn unknown(&self) -> usize {
        let entries = self.entries.values().flatten().filter(|sent| !sent.answered).count();
        entries + self.leads.values().filter(|answered| !**answered).count()
    }
}

impl Extend<All> for All {
    fn extend<T: IntoIterator<Item = All>>(&mut self, parts: T) {
        for part in parts {
            self.entries.extend(part.entries);
            self.hooks.extend(part.hooks);
            self.leads.extend(part.leads);
        }
    }
}
