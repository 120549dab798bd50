//! Wakes tasks that wait for newly durable data. Carries no data: woken tasks read the store themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use handoff_model::names::InstallationId;

use super::changes::{AfterFailure, Change, Frame, LoggedEvent};
use super::rows::OutboxState;

/// Wakes the tasks that wait for the store.
#[derive(Clone, Default)]
pub struct Wakeups {
    queues: Arc<Mutex<BTreeMap<InstallationId, Arc<Notify>>>>,
    outbox: Arc<Notify>,
    timers: Arc<Notify>,
    installations: Arc<Announcer>,
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

    /// Tells when an installation is added or changed. Several tasks may wait for it.
    #[must_use]
    pub fn installations(&self) -> InstallationChanges {
        let changed = self.installations.0.clone();
        let seen = changed.count.load(Ordering::Acquire);
        InstallationChanges { changed, seen }
    }
}

/// Changes of installations, for several tasks. `tokio::sync::watch` would wake them in random order, and a simulation
/// must repeat its run.
#[derive(Default)]
struct Changed {
    count: AtomicU64,
    /// The store is gone: nothing will change any more.
    is_over: AtomicBool,
    notify: Notify,
}

/// Announces changes, and their end when it is dropped.
#[derive(Default)]
struct Announcer(Arc<Changed>);

impl Drop for Announcer {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Release);
        self.0.notify.notify_waiters();
    }
}

/// Tells one task when installations have changed.
pub struct InstallationChanges {
    changed: Arc<Changed>,
    seen: u64,
}

impl InstallationChanges {
    /// Waits until an installation has changed since the last call, or since this value was made. False once the store
    /// is gone.
    pub async fn changed(&mut self) -> bool {
        loop {
            let mut next = pin!(self.changed.notify.notified());
            next.as_mut().enable();
            let count = self.changed.count.load(Ordering::Acquire);
            if std::mem::replace(&mut self.seen, count) != count {
                return true;
            }
            if self.changed.is_over.load(Ordering::Acquire) {
                return false;
            }
            next.await;
        }
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
            // Its tasks end.
            Change::Uninstalled(uninstalled) => {
                self.installations = true;
                self.queues.insert(uninstalled.installation.id);
            }
            // Held work may resume.
            Change::RollbackMoved(marker) => {
                self.queues.insert(marker.installation);
                (self.outbox, self.timers) = (true, true);
            }
            Change::EventsWithdrawn(withdrawn) => {
                self.queues.extend(withdrawn.heads.iter().map(|(id, ..)| *id));
            }
            Change::EventsRequeued(requeued) => drop(self.queues.insert(requeued.installation)),
            Change::RetriesMoved { installation, .. } => drop(self.queues.insert(*installation)),
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
            | Change::HostRecordSet(_)
            | Change::RowsDropped { .. } => {}
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
            wakeups.installations.0.count.fetch_add(1, Ordering::Release);
            wakeups.installations.0.notify.notify_waiters();
        }
    }
}
