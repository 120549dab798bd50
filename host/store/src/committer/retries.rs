//! Makes deliveries that wait for a retry due now: after a rollback, or when a person asks.

use crate::StoreError;
use crate::changes::{Change, MovedRetry};
use crate::keys;
use crate::keys::table;
use crate::rollback_job::Marker;
use crate::rows::{QueueRow, decode};
use handoff_model::actor::Actor;
use handoff_model::names::{InstallationId, Position};
use handoff_model::time::Timestamp;

use super::Committer;

/// Deliveries that one step makes due.
const MOVED_MAX: usize = 5_000;

impl Committer {
    /// The deliveries that are due later than `at`, to become due then. Each stays where it is in its queue. If there are
    /// more than one step moves, the rest is found again.
    fn later_retries(&self, id: InstallationId, at: Timestamp) -> Result<Vec<MovedRetry>, StoreError> {
        let after = keys::waiting(id, at, Position(u64::MAX));
        let rows = self.shared.view.scan(&keys::prefix(table::WAITING, Some(id)), Some(&after), MOVED_MAX)?;
        let mut moved = Vec::with_capacity(rows.len());
        for (key, row) in &rows {
            let (Some(due), Some(position)) = (keys::number_at(key, 5), keys::last_number(key)) else { continue };
            let (position, queue_key) = (Position(position), decode(key, row)?);
            let Some(row) = self.shared.queue_row(id, queue_key, position)? else { continue };
            let QueueRow { enqueued_at, attempts, .. } = row;
            moved.push(MovedRetry { position, queue_key, was_due: Timestamp(due), enqueued_at, attempts });
        }
        Ok(moved)
    }

    /// Runs the step of a rollback job: the good version does not wait for the back-off of the bad one.
    pub(super) fn retry_after_rollback(&mut self, marker: Marker, at: Timestamp) -> Result<(), StoreError> {
        let installation = marker.installation;
        let mut next = marker;
        let moved = self.later_retries(installation, at)?;
        next.done.retries_made_due += u64::try_from(moved.len()).unwrap_or(0);
        if moved.len() < MOVED_MAX {
            next.advance();
        }
        let moved = (!moved.is_empty()).then_some(Change::RetriesMoved { installation, due: at, moved });
        self.write(moved.into_iter().chain([Change::RollbackMoved(Box::new(next))]).collect()).map(drop)
    }

    /// Makes deliveries due now. Returns how many, and whether there are no more.
    pub(super) fn retry_now(
        &mut self,
        installation: InstallationId,
        by: &Actor,
        reason: &str,
        at: Timestamp,
    ) -> Result<(usize, bool), StoreError> {
        let moved = self.later_retries(installation, at)?;
        let count = moved.len();
        if count > 0 {
            let places: Vec<_> = moved.iter().map(|retry| (installation, retry.position)).collect();
            let entry = self.entry(self.about_places("retry-now", &places, by, reason, at));
            self.write(vec![Change::RetriesMoved { installation, due: at, moved }, entry])?;
        }
        Ok((count, count < MOVED_MAX))
    }
}
