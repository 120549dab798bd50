//! Requeues the entries that the rolled-back generations committed, each at its original position, so that queues keep
//! their order. Works upwards from the lowest position: entries that it has passed may be delivered, because no earlier
//! ones will be added.

use std::collections::BTreeMap;

use crate::StoreError;
use crate::changes::{Again, Change, Requeued, SteppedBack};
use crate::keys;
use crate::keys::QueueKey;
use crate::read::Handled;
use crate::rollback_job::{Cursor, Marker};
use crate::rows::QueueRow;
use handoff_model::names::Position;
use handoff_model::time::Timestamp;

use super::Committer;

impl Committer {
    /// Runs one step. Moves the marker, and advances it at the end.
    pub(super) fn requeue(&mut self, marker: Marker, handled: Handled, at: Timestamp) -> Result<(), StoreError> {
        let id = marker.installation;
        let is_last = handled.is_last;
        let changes = self.wait_again(marker, handled, at)?;
        self.write(changes)?;
        if is_last {
            self.shared.replays.lock().remove(&id);
        }
        Ok(())
    }

    /// The changes of the next step, including its marker.
    pub(super) fn wait_again(
        &self,
        marker: Marker,
        handled: Handled,
        at: Timestamp,
    ) -> Result<Vec<Change>, StoreError> {
        let id = marker.installation;
        let mut next = marker;
        let mut requeued = Requeued { installation: id, at, entries: Vec::new(), back: Vec::new() };
        // The first entry of each queue so far. Entries of this frame never step back, because they are added in order.
        let mut firsts = BTreeMap::<QueueKey, Option<Position>>::new();
        for (position, queue_key, attempts) in handled.entries {
            next.cursor = Cursor::Position(position);
            let waits = self.shared.view.get(&keys::queue(id, queue_key, position))?.is_some()
                || self.shared.view.get(&keys::dead_letter(id, position))?.is_some();
            if waits {
                continue;
            }
            if self.shared.view.get(&keys::event(position))?.is_none() {
                next.done.events_gone += 1;
                continue;
            }
            let first = match firsts.get(&queue_key) {
                Some(first) => *first,
                None if queue_key.is_keyed() => self.next_in_queue(id, queue_key, None)?,
                None => None,
            };
            let head = first.is_none_or(|first| position < first);
            if let Some(first) = first.filter(|_| head) {
                requeued.back.push(self.step_back(&next, queue_key, first)?);
            }
            firsts.insert(queue_key, if head { Some(position) } else { first });
            requeued.entries.push(Again { position, queue_key, attempts, head });
        }
        next.done.events_replayed += u64::try_from(requeued.entries.len()).unwrap_or(0);
        if handled.is_last {
            // Entries whose records were dropped cannot be found, only counted.
            next.done.events_gone += next.committed.saturating_sub(handled.records);
            next.advance();
        }
        let mut changes = vec![Change::RollbackMoved(Box::new(next))];
        if !requeued.entries.is_empty() {
            changes.push(Change::EventsRequeued(Box::new(requeued)));
        }
        Ok(changes)
    }

    fn step_back(&self, marker: &Marker, queue_key: QueueKey, position: Position) -> Result<SteppedBack, StoreError> {
        let row = self.shared.queue_row(marker.installation, queue_key, position)?;
        let QueueRow { enqueued_at, attempts, due } = row.ok_or(StoreError::NoEvent(position.0))?;
        Ok(SteppedBack { position, queue_key, waited_for: due, enqueued_at, attempts })
    }
}
