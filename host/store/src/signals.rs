//! Who is woken when something new is durable. Carries no data: the woken look for themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use handoff_model::names::InstallationId;

use super::records::{AfterFailure, LoggedEvent, More, Record};
use super::rows::OutboxState;

/// The bells of a store.
#[derive(Clone, Default)]
pub struct Signals {
    queues: Arc<Mutex<BTreeMap<InstallationId, Arc<Notify>>>>,
    outbox: Arc<Notify>,
    timers: Arc<Notify>,
    installations: Arc<watch::Sender<u64>>,
    segments: Arc<Notify>,
}

impl Signals {
    /// Rings when entries became ready for an installation.
    #[must_use]
    pub fn queue(&self, id: InstallationId) -> Arc<Notify> {
        self.queues.lock().entry(id).or_default().clone()
    }

    /// Rings when there are new outbox requests.
    #[must_use]
    pub fn outbox(&self) -> Arc<Notify> {
        self.outbox.clone()
    }

    /// Rings when timers were set.
    #[must_use]
    pub fn timers(&self) -> Arc<Notify> {
        self.timers.clone()
    }

    /// Rings when a segment of the journal is full: there may be more of them now than are to be kept.
    #[must_use]
    pub fn segments(&self) -> Arc<Notify> {
        self.segments.clone()
    }

    /// Changes when an installation is new or changed. Several may watch it.
    #[must_use]
    pub fn installations(&self) -> watch::Receiver<u64> {
        self.installations.subscribe()
    }
}

/// The bells to ring once a batch is durable.
#[derive(Default)]
pub(super) struct Pending {
    queues: BTreeSet<InstallationId>,
    outbox: bool,
    timers: bool,
    installations: bool,
}

impl Pending {
    pub(super) fn note(&mut self, record: &Record, more: &[More]) {
        more.iter().for_each(|more| self.note_more(more));
        self.note_record(record);
    }

    fn note_more(&mut self, more: &More) {
        match more {
            // Whatever was held back may go on.
            More::Marker(marker) => {
                self.queues.insert(marker.installation);
                (self.outbox, self.timers) = (true, true);
            }
            More::Requeued(requeued) => drop(self.queues.insert(requeued.installation)),
            More::Moved(_) => self.outbox = true,
            More::Timers { .. } => self.timers = true,
            _ => {}
        }
    }

    fn note_record(&mut self, record: &Record) {
        match record {
            Record::Appended { events, .. } | Record::TimersFired { events, .. } | Record::Redriven { events, .. } => {
                self.queued(events);
            }
            Record::Committed(committed) => {
                self.queued(&committed.emitted);
                if committed.next_head.is_some() {
                    self.queues.insert(committed.entry.installation);
                }
                self.outbox |= !committed.outbox.is_empty();
                self.timers |= !committed.timers_set.is_empty();
            }
            Record::Failed(failed) => match &failed.then {
                AfterFailure::Paused { .. } => self.installations = true,
                AfterFailure::Retry { .. } | AfterFailure::DeadLetter { .. } => {
                    self.queues.insert(failed.entry.installation);
                }
            },
            Record::OutboxTried(tried) => {
                self.queued(tried.answer.as_slice());
                self.outbox |= matches!(tried.row.state, OutboxState::Pending { .. });
            }
            Record::InstallationPut { installation, .. } => {
                self.installations = true;
                self.queues.insert(installation.id);
            }
            Record::Discarded { .. } | Record::Carried { .. } | Record::Noted => {}
        }
    }

    fn queued(&mut self, events: &[LoggedEvent]) {
        self.queues.extend(events.iter().flat_map(|logged| &logged.routes).map(|route| route.installation));
    }

    pub(super) fn ring(self, signals: &Signals) {
        for id in self.queues {
            signals.queue(id).notify_one();
        }
        if self.outbox {
            signals.outbox.notify_one();
        }
        if self.timers {
            signals.timers.notify_one();
        }
        if self.installations {
            signals.installations.send_modify(|changes| *changes += 1);
        }
    }
}
