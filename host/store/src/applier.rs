//! Applies frames to the in-memory state and the index: rows, counts, rollback markers, installations, the end of the
//! audit chain, the next numbers. Commits, recovery and followers of a journal all use it, so they cannot differ.
//! Writes no journal.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Shared;
use super::apply::apply;
use super::changes::{Change, Frame};
use super::journal::Location;

/// Where the frames come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// They are new.
    Commit,
    /// They were committed before, and the index may already hold later rows.
    Replay,
}

/// Applies frames one by one, in journal order.
pub(super) struct Applier {
    shared: Arc<Shared>,
    source: Source,
}

impl Applier {
    pub(super) fn new(shared: Arc<Shared>, source: Source) -> Self {
        Self { shared, source }
    }

    /// Applies the frame at `at`. Returns whether an installation changed.
    pub(super) fn apply(&self, frame: &Frame, at: Location) -> bool {
        self.shared.view.write(self.source == Source::Replay, |sink| apply(frame, at, sink));
        // Markers before installations: a generation seen as active must not start before its rollback can hold it.
        frame.changes.iter().for_each(|change| self.remember(change));
        self.shared.counts.write().add(frame);
        self.shared.track_records.write().add(frame);
        let highest = frame.changes.iter().map(Change::highest_position).max().unwrap_or(0);
        self.shared.next_position.fetch_max(highest.saturating_add(1), Ordering::Relaxed);
        let mut changed = false;
        for change in &frame.changes {
            if let Change::Uninstalled(uninstalled) = change {
                let id = uninstalled.installation.id;
                self.shared.uninstalled.write().insert(id, Arc::new(uninstalled.as_ref().clone()));
                self.shared.installations.write().remove(&id);
                changed = true;
            }
            if let Change::InstallationPut(installation) = change {
                let next = installation.id.0.saturating_add(1);
                self.shared.next_installation.fetch_max(next, Ordering::Relaxed);
                self.shared.installations.write().insert(installation.id, Arc::new(installation.as_ref().clone()));
                changed = true;
            }
        }
        changed
    }

    /// Keeps frequently read values in memory.
    fn remember(&self, change: &Change) {
        match change {
            Change::AuditAppended(entry) => *self.shared.audit_head.lock() = (entry.number, entry.hash),
            Change::RollbackMoved(marker) => {
                self.shared.markers.write().insert(marker.installation, Arc::new(marker.as_ref().clone()));
            }
            Change::RollbackForgotten { installation } => {
                self.shared.markers.write().remove(installation);
                self.shared.replays.lock().remove(installation);
            }
            // Installations are applied last, when everything else is known.
            Change::InstallationPut(_) | Change::Uninstalled(_) => {}
            Change::EventsAppended { .. }
            | Change::DeliveryCommitted(_)
            | Change::DeliveryFailed(_)
            | Change::RetriesMoved { .. }
            | Change::SendStarted(_)
            | Change::SendFinished(_)
            | Change::RequestsMoved(_)
            | Change::TimersFired { .. }
            | Change::TimersRestored { .. }
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
            | Change::EventsRequeued(_)
            | Change::EventsWithdrawn(_)
            | Change::HostRecordSet(_)
            | Change::RowsDropped { .. } => {}
        }
    }
}
