//! How many of what there are, per installation: kept by adding up records, saved with each checkpoint.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use handoff_model::names::InstallationId;

use super::records::{AfterFailure, Committed, LoggedEvent, More, Moved, Record};
use super::rows::OutboxState;

/// Numbers of one installation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstallationCounts {
    /// Entries in its queue, those at work included.
    pub waiting: u64,
    /// Dead letters kept.
    pub dead_letters: u64,
    /// Outbox requests not answered yet.
    pub outbox_pending: u64,
    /// Deliveries committed since the installation was made.
    pub committed: u64,
    /// Failed attempts since then.
    pub failed_attempts: u64,
    /// Deliveries that became dead letters since then.
    pub dead_lettered: u64,
    /// Timers that are set.
    pub timers: u64,
    /// Outbox requests that a rollback holds back. Checkpoints keep it apart: it came with schema 2.
    #[serde(skip)]
    pub outbox_held: u64,
}

/// Numbers of all installations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    installations: BTreeMap<InstallationId, InstallationCounts>,
    /// Entries in all queues.
    waiting: u64,
}

impl Counts {
    pub(super) fn of(&self, id: InstallationId) -> InstallationCounts {
        self.installations.get(&id).copied().unwrap_or_default()
    }

    /// Entries in all queues.
    pub(super) fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Held requests by installation.
    pub(super) fn held(&self) -> BTreeMap<InstallationId, u64> {
        let held = self.installations.iter().filter(|(_, own)| own.outbox_held > 0);
        held.map(|(id, own)| (*id, own.outbox_held)).collect()
    }

    /// The same with what [`Counts::held`] said.
    pub(super) fn with_held(mut self, held: BTreeMap<InstallationId, u64>) -> Self {
        for (id, held) in held {
            self.own(id).outbox_held = held;
        }
        self
    }

    pub(super) fn add(&mut self, record: &Record, more: &[More]) {
        // First: a request that was held counts as pending for the record that says how it was tried.
        more.iter().for_each(|more| self.add_more(more));
        self.add_record(record);
    }

    fn add_more(&mut self, more: &More) {
        match more {
            More::WasHeld { installation, .. } => {
                let own = self.own(*installation);
                own.outbox_held = own.outbox_held.saturating_sub(1);
                own.outbox_pending += 1;
            }
            More::Moved(moved) => moved.iter().for_each(|moved| self.add_moved(moved)),
            More::Requeued(requeued) => {
                let more = u64::try_from(requeued.entries.len()).unwrap_or(0);
                self.own(requeued.installation).waiting += more;
                self.waiting += more;
            }
            More::Timers { installation, set, removed } => {
                let new = set.iter().filter(|(_, _, replaced)| replaced.is_none()).count();
                let own = self.own(*installation);
                own.timers = own.timers.saturating_sub(u64::try_from(removed.len()).unwrap_or(0));
                own.timers += u64::try_from(new).unwrap_or(0);
            }
            _ => {}
        }
    }

    fn add_moved(&mut self, moved: &Moved) {
        let own = self.own(moved.installation);
        match moved.was_due {
            Some(_) => own.outbox_pending = own.outbox_pending.saturating_sub(1),
            None => own.outbox_held = own.outbox_held.saturating_sub(1),
        }
        match moved.row.state {
            OutboxState::Pending { .. } => own.outbox_pending += 1,
            OutboxState::Held { .. } => own.outbox_held += 1,
            OutboxState::Answered { .. } | OutboxState::Failed { .. } | OutboxState::Discarded { .. } => {}
        }
    }

    fn add_record(&mut self, record: &Record) {
        match record {
            Record::Appended { events, .. } => self.enqueue(events),
            Record::TimersFired { timers, events } => {
                for (id, ..) in timers {
                    let own = self.own(*id);
                    own.timers = own.timers.saturating_sub(1);
                }
                self.enqueue(events);
            }
            Record::Committed(committed) => {
                self.leave(committed.entry.installation);
                let own = self.own(committed.entry.installation);
                own.committed += 1;
                own.outbox_pending += u64::try_from(committed.outbox.len()).unwrap_or(0);
                own.timers = own.timers.saturating_sub(u64::try_from(committed.timers_cancelled.len()).unwrap_or(0));
                own.timers += u64::try_from(new_timers(committed)).unwrap_or(0);
                self.enqueue(&committed.emitted);
            }
            Record::Failed(failed) => {
                let id = failed.entry.installation;
                match failed.then {
                    AfterFailure::Retry { .. } => self.own(id).failed_attempts += 1,
                    AfterFailure::DeadLetter { .. } => {
                        self.leave(id);
                        let own = self.own(id);
                        own.failed_attempts += 1;
                        own.dead_letters += 1;
                        own.dead_lettered += 1;
                    }
                    AfterFailure::Paused { .. } => {}
                }
            }
            Record::OutboxTried(tried) => {
                if !matches!(tried.row.state, OutboxState::Pending { .. }) {
                    let own = self.own(tried.installation);
                    own.outbox_pending = own.outbox_pending.saturating_sub(1);
                }
                if matches!(tried.row.state, OutboxState::Held { .. }) {
                    self.own(tried.installation).outbox_held += 1;
                }
                self.enqueue(tried.answer.as_slice());
            }
            Record::Redriven { letters, events, .. } => {
                self.remove_letters(letters.iter().map(|(id, _)| *id));
                self.enqueue(events);
            }
            Record::Discarded { letters, .. } => self.remove_letters(letters.iter().map(|(id, _)| *id)),
            Record::InstallationPut { .. } | Record::Carried { .. } | Record::Noted => {}
        }
    }

    fn own(&mut self, id: InstallationId) -> &mut InstallationCounts {
        self.installations.entry(id).or_default()
    }

    fn enqueue(&mut self, events: &[LoggedEvent]) {
        for route in events.iter().flat_map(|logged| &logged.routes) {
            self.own(route.installation).waiting += 1;
            self.waiting += 1;
        }
    }

    fn leave(&mut self, id: InstallationId) {
        let own = self.own(id);
        own.waiting = own.waiting.saturating_sub(1);
        self.waiting = self.waiting.saturating_sub(1);
    }

    fn remove_letters(&mut self, ids: impl Iterator<Item = InstallationId>) {
        for id in ids {
            let own = self.own(id);
            own.dead_letters = own.dead_letters.saturating_sub(1);
        }
    }
}

/// Timers that were not set before, or were cancelled by the same commit first.
fn new_timers(committed: &Committed) -> usize {
    let is_cancelled = |key: &String| committed.timers_cancelled.iter().any(|(cancelled, _)| cancelled == key);
    committed.timers_set.iter().filter(|(key, _, replaced)| replaced.is_none() || is_cancelled(key)).count()
}
