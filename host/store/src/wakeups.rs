//! Wakes tasks that wait for newly durable data. Carries no data: woken tasks read the store themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use handoff_model::names::InstallationId;

use super::changes::{AfterFailure, Change, Frame, LoggedEvent};
use super::rows::OutboxState;

/// Wakes the tasks that wait for the store.
#[derive(Clone, Default)]
pub struct Wakeups {
    queues: Arc<Mutex<BTreeMap<InstallationId, Arc<Notify>>>>,
    outbox: Arc<Notify>,
    timers: Arc<Notify>,
    installations: Arc<watch::Sender<u64>>,
    segments: Arc<Notify>,
}

impl Wakeups {
    /// Notified when an installation has new entries that are ready.
    #[must_use]
    pub fn queue(&self, id: InstallationId) -> Arc<Notify> {
        self.queues.lock().entry(id).or_default().clone()
    }

    /// Notified when there are new outbox requests.
    #[must_use]
    pub fn outbox(&self) -> Arc<Notify> {
        self.outbox.clone()
    }

    /// Notified when timers were set.
    #[must_use]
    pub fn timers(&self) -> Arc<Notify> {
        self.timers.clone()
    }

    /// Notified when a segment of the journal is full: there may now be more segments than retention allows.
    #[must_use]
    pub fn segments(&self) -> Arc<Notify> {
        self.segments.clone()
    }

    /// Changes when an installation is added or changed. Several tasks may watch it.
    #[must_use]
    pub fn installations(&self) -> watch::Receiver<u64> {
        self.installations.subscribe()
    }
}

/// The tasks to wake once a batch is durable.
#[derive(Default)]
pub(super) struct Pending {
    queues: BTreeSet<InstallationId>,
    outbox: bool,
    timers: bool,
    installations: bool,
}

impl Pending {
    /// Records which tasks wait for the changes of a frame.
    pub(super) fn note(&mut self, frame: &Frame) {
        frame.changes.iter().for_each(|change| self.note_change(change));
    }

    fn note_change(&mut self, change: &Change) {
        self.queued(change.queued_events());
        match change {
            Change::DeliveryCommitted(committed) => {
                if committed.next_head.is_some() {
                    self.queues.insert(committed.entry.installation);
                }
                self.outbox |= !committed.outbox.is_empty();
                self.timers |= !committed.timers_set.is_empty();
            }
            Change::DeliveryFailed(failed) => match &failed.then {
                AfterFailure::Paused => {}
                AfterFailure::Retry { .. } | AfterFailure::DeadLetter { .. } => {
                    self.queues.insert(failed.entry.installation);
                }
            },
            Change::SendFinished(finished) => {
                self.outbox |= matches!(finished.row.state, OutboxState::Pending { .. });
            }
            Change::RequestsMoved(_) => self.outbox = true,
            Change::TimersRestored { .. } => self.timers = true,
            Change::InstallationPut(installation) => {
                self.installations = true;
                self.queues.insert(installation.id);
            }
            // Held work may resume.
            Change::RollbackMoved(marker) => {
                self.queues.insert(marker.installation);
                (self.outbox, self.timers) = (true, true);
            }
            Change::EventsRequeued(requeued) => drop(self.queues.insert(requeued.installation)),
            Change::EventsAppended { .. }
            | Change::SendStarted(_)
            | Change::TimersFired { .. }
            | Change::StateWritten { .. }
            | Change::GenerationAdded(_)
            | Change::StateSchemaSet { .. }
            | Change::DeadLettersRedriven { .. }
            | Change::DeadLettersDiscarded { .. }
            | Change::EventsCarried(_)
            | Change::RequestsCarried(_)
            | Change::EventsForgotten(_)
            | Change::UndoBegun { .. }
            | Change::UndoAdded(_)
            | Change::UndoClosed { .. }
            | Change::UndoDropped { .. }
            | Change::RollbackForgotten { .. }
            | Change::AuditAppended(_)
            | Change::HostRecordSet(_) => {}
        }
    }

    fn queued(&mut self, events: &[LoggedEvent]) {
        self.queues.extend(events.iter().flat_map(|logged| &logged.routes).map(|route| route.installation));
    }

    pub(super) fn wake(self, wakeups: &Wakeups) {
        for id in self.queues {
            wakeups.queue(id).notify_one();
        }
        if self.outbox {
            wakeups.outbox.notify_one();
        }
        if self.timers {
            wakeups.timers.notify_one();
        }
        if self.installations {
            wakeups.installations.send_modify(|changes| *changes += 1);
        }
    }
}
