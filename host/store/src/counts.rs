//! Counts per installation: updated from changes and saved with each checkpoint. Reads no rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use handoff_model::names::{InstallationId, Position};

use super::changes::{AfterFailure, Change, Committed, Failed, Frame, LoggedEvent, StateBefore, WithdrawnEntry};
use super::rows::OutboxState;

/// Counts of one installation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstallationCounts {
    /// Entries in its queues, including those being delivered.
    pub waiting: u64,
    /// Stored dead letters.
    pub dead_letters: u64,
    /// Outbox requests that are not answered yet.
    pub outbox_pending: u64,
    /// Deliveries committed since the installation was created.
    pub committed: u64,
    /// Failed attempts since the installation was created.
    pub failed_attempts: u64,
    /// Deliveries that became dead letters since the installation was created.
    pub dead_lettered: u64,
    /// Timers that are set.
    pub timers: u64,
    /// Outbox requests that a rollback holds back.
    pub outbox_held: u64,
}

/// Counts of all installations.
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

    /// Adds the changes of a frame.
    pub(super) fn add(&mut self, frame: &Frame) {
        frame.changes.iter().for_each(|change| self.add_change(change));
    }

    fn add_change(&mut self, change: &Change) {
        match change {
            Change::EventsAppended { events, .. } => self.enqueue(events),
            Change::TimersFired { timers, events } => {
                for (id, ..) in timers {
                    let own = self.own(*id);
                    own.timers = own.timers.saturating_sub(1);
                }
                self.enqueue(events);
            }
            Change::DeliveryCommitted(committed) => self.add_committed(committed),
            Change::DeliveryFailed(failed) => self.add_failed(failed),
            Change::SendFinished(finished) => {
                self.move_request(finished.installation, finished.before, &finished.row.state);
                self.enqueue(finished.answer.as_slice());
            }
            Change::RequestsMoved(moved) => {
                moved.iter().for_each(|moved| self.move_request(moved.installation, moved.before, &moved.row.state));
            }
            Change::TimersRestored { installation, set, removed } => {
                let new = set.iter().filter(|(_, _, replaced)| replaced.is_none()).count();
                let own = self.own(*installation);
                own.timers = own.timers.saturating_sub(number(removed.len())).saturating_add(number(new));
            }
            Change::DeadLettersRedriven { letters, events, .. } => {
                self.remove_dead_letters(letters);
                self.enqueue(events);
            }
            Change::DeadLettersDiscarded { letters, .. } => self.remove_dead_letters(letters),
            Change::EventsWithdrawn(withdrawn) => {
                for WithdrawnEntry { entry, letter } in &withdrawn.entries {
                    self.leave(entry.installation);
                    let (own, is_letter) = (self.own(entry.installation), u64::from(letter.is_some()));
                    own.dead_letters += is_letter;
                    own.dead_lettered += is_letter;
                }
            }
            Change::EventsRequeued(requeued) => {
                let more = number(requeued.entries.len());
                self.own(requeued.installation).waiting += more;
                self.waiting += more;
            }
            Change::InstallationPut(_)
            | Change::GenerationAdded(_)
            | Change::StateSchemaSet { .. }
            | Change::RetriesMoved { .. }
            | Change::SendStarted(_)
            | Change::StateWritten { .. }
            | Change::EventsCarried(_)
            | Change::RequestsCarried(_)
            | Change::EventsForgotten(_)
            | Change::UndoBegun { .. }
            | Change::UndoAdded(_)
            | Change::UndoClosed { .. }
            | Change::UndoDropped { .. }
            | Change::RollbackMoved(_)
            | Change::RollbackForgotten { .. }
            | Change::AuditAppended(_)
            | Change::HostRecordSet(_)
            | Change::Uninstalled(_)
            | Change::RowsDropped { .. } => {}
        }
    }

    fn add_committed(&mut self, committed: &Committed) {
        let id = committed.entry.installation;
        self.leave(id);
        let own = self.own(id);
        own.committed += 1;
        own.outbox_pending += number(committed.outbox.len());
        own.timers = own.timers.saturating_sub(number(committed.timers_cancelled.len()));
        own.timers += number(new_timers(committed));
        self.enqueue(&committed.emitted);
    }

    fn add_failed(&mut self, failed: &Failed) {
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
            AfterFailure::Paused => {}
        }
    }

    fn move_request(&mut self, id: InstallationId, before: StateBefore, state: &OutboxState) {
        let own = self.own(id);
        match before {
            StateBefore::Pending { .. } => own.outbox_pending = own.outbox_pending.saturating_sub(1),
            StateBefore::Held => own.outbox_held = own.outbox_held.saturating_sub(1),
        }
        match state {
            OutboxState::Pending { .. } => own.outbox_pending += 1,
            OutboxState::Held { .. } => own.outbox_held += 1,
            OutboxState::Answered { .. } | OutboxState::Failed { .. } | OutboxState::Discarded { .. } => {}
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

    fn remove_dead_letters(&mut self, letters: &[(InstallationId, Position)]) {
        for (id, _) in letters {
            let own = self.own(*id);
            own.dead_letters = own.dead_letters.saturating_sub(1);
        }
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// The number of timers that were not set before, or that the same commit first cancelled.
fn new_timers(committed: &Committed) -> usize {
    let is_cancelled = |key: &String| committed.timers_cancelled.iter().any(|(cancelled, _)| cancelled == key);
    committed.timers_set.iter().filter(|(key, _, replaced)| replaced.is_none() || is_cancelled(key)).count()
}
