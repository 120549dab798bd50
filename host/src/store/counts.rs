//! How many of what there are, per installation: kept by adding up records, saved with each checkpoint.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::names::InstallationId;

use super::records::{AfterFailure, LoggedEvent, Record};
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
}

/// Numbers of all installations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts(BTreeMap<InstallationId, InstallationCounts>);

impl Counts {
    pub(super) fn of(&self, id: InstallationId) -> InstallationCounts {
        self.0.get(&id).copied().unwrap_or_default()
    }

    pub(super) fn add(&mut self, record: &Record) {
        match record {
            Record::Appended { events, .. } | Record::TimersFired { events, .. } => self.enqueue(events),
            Record::Committed(committed) => {
                let own = self.own(committed.entry.installation);
                own.waiting = own.waiting.saturating_sub(1);
                own.committed += 1;
                own.outbox_pending += u64::try_from(committed.outbox.len()).unwrap_or(0);
                self.enqueue(&committed.emitted);
            }
            Record::Failed(failed) => {
                let own = self.own(failed.entry.installation);
                match failed.then {
                    AfterFailure::Retry { .. } => own.failed_attempts += 1,
                    AfterFailure::DeadLetter { .. } => {
                        own.failed_attempts += 1;
                        own.waiting = own.waiting.saturating_sub(1);
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
                self.enqueue(tried.answer.as_slice());
            }
            Record::Redriven { letters, events, .. } => {
                self.remove_letters(letters.iter().map(|(id, _)| *id));
                self.enqueue(events);
            }
            Record::Discarded { letters, .. } => self.remove_letters(letters.iter().map(|(id, _)| *id)),
            Record::InstallationPut { .. } | Record::Carried { .. } => {}
        }
    }

    fn own(&mut self, id: InstallationId) -> &mut InstallationCounts {
        self.0.entry(id).or_default()
    }

    fn enqueue(&mut self, events: &[LoggedEvent]) {
        for route in events.iter().flat_map(|logged| &logged.routes) {
            self.own(route.installation).waiting += 1;
        }
    }

    fn remove_letters(&mut self, ids: impl Iterator<Item = InstallationId>) {
        for id in ids {
            let own = self.own(id);
            own.dead_letters = own.dead_letters.saturating_sub(1);
        }
    }
}
