//! What generations that a rollback left have committed: from the committer's memory if that goes back to the swap, else
//! straight from the journal, where each commit is a record. Keeps what it found for the steps that follow; holds no more of
//! it than a bounded number.

use std::collections::BTreeMap;

use crate::changes::{Change, Committed, Frame, FrameKind};
use crate::journal::try_visit;
use crate::keys::QueueKey;
use crate::rollback_job::Marker;
use crate::{Shared, StoreError};
use handoff_model::names::{Generation, Position};

/// What is next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handled {
    /// Place, queue, and the last attempt, by position.
    pub(crate) entries: Vec<(Position, QueueKey, u32)>,
    /// Nothing comes after them.
    pub(crate) is_last: bool,
    /// Commits of these generations that are in the journal, all in all.
    pub(crate) records: u64,
}

/// The lowest positions after a cursor.
pub(crate) struct Window {
    generation: Generation,
    after: Position,
    found: BTreeMap<Position, (QueueKey, u32)>,
    /// There were more.
    is_cut: bool,
    records: u64,
}

impl Shared {
    /// What comes next for a marker that is at its replay, from the journal if need be.
    pub(crate) fn handled(&self, marker: &Marker) -> Result<Handled, StoreError> {
        if let Some(known) = self.known_handled(marker) {
            return Ok(known);
        }
        let window = self.window(marker, marker.replayed_up_to())?;
        let handled = window.after(marker.replayed_up_to(), self.options.steps.replayed_entries);
        self.replays.lock().insert(marker.installation, window);
        Ok(handled)
    }

    /// The same if it is known without a look into the journal.
    pub(crate) fn known_handled(&self, marker: &Marker) -> Option<Handled> {
        let after = marker.replayed_up_to();
        let replays = self.replays.lock();
        let window = replays.get(&marker.installation)?;
        let rest = window.found.range(after..).any(|(position, _)| *position > after);
        let fits = window.generation == marker.generation && window.after <= after && (rest || !window.is_cut);
        fits.then(|| window.after(after, self.options.steps.replayed_entries))
    }

    /// Whether the journal still has everything since the swap that a marker goes back to: if not, what is in memory is more
    /// than what a crash would leave.
    pub(crate) fn replays_from_journal(&self, marker: &Marker) -> Result<bool, StoreError> {
        let Some(swap) = self.details(marker.installation, marker.done.left.0)? else { return Ok(false) };
        Ok(self.journal.segments()?.first().is_some_and(|oldest| oldest.number <= swap.at.segment))
    }

    fn window(&self, marker: &Marker, after: Position) -> Result<Window, StoreError> {
        let swap = self.details(marker.installation, marker.done.left.0)?.map(|row| row.at);
        let durable = *self.durable.lock();
        let generation = marker.generation;
        let mut window = Window { generation, after, found: BTreeMap::new(), is_cut: false, records: 0 };
        let visit = |at, payload: &[u8]| {
            if FrameKind::of_payload(payload) == Some(FrameKind::Committed) {
                for change in Frame::decode(payload, at)?.changes {
                    if let Change::DeliveryCommitted(committed) = change {
                        window.add(marker, self.options.steps.replay_window, &committed);
                    }
                }
            }
            Ok::<(), StoreError>(())
        };
        try_visit(visit, |visit| self.journal.scan(swap.unwrap_or_default()..durable, visit))?;
        Ok(window)
    }
}

impl Window {
    /// Of everything that the one generation left has committed.
    pub(crate) fn of(marker: &Marker, handled: &[(Position, QueueKey, u32)]) -> Self {
        let found = handled.iter().map(|(position, queue_key, attempt)| (*position, (*queue_key, *attempt))).collect();
        let records = u64::try_from(handled.len()).unwrap_or(u64::MAX);
        Self { generation: marker.generation, after: Position(0), found, is_cut: false, records }
    }

    /// The next few.
    pub(crate) fn after(&self, after: Position, most: usize) -> Handled {
        let later = self.found.range(after..).filter(|(position, _)| **position > after);
        let entries: Vec<_> =
            later.take(most).map(|(position, (queue_key, attempt))| (*position, *queue_key, *attempt)).collect();
        let is_last = entries.len() < most && !self.is_cut;
        Handled { entries, is_last, records: self.records }
    }

    fn add(&mut self, marker: &Marker, most: usize, committed: &Committed) {
        let (entry, recording) = (&committed.entry, &committed.recording);
        if entry.installation != marker.installation || !marker.done.leaves(recording.generation) {
            return;
        }
        self.records += 1;
        if entry.position <= self.after {
            return;
        }
        let known = self.found.entry(entry.position).or_insert((entry.queue_key, recording.attempt));
        known.1 = known.1.max(recording.attempt);
        if self.found.len() > most {
            self.found.pop_last();
            self.is_cut = true;
        }
    }
}
