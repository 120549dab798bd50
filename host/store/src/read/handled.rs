//! Finds the entries that rolled-back generations committed: in the committer's memory if it goes back to the swap,
//! otherwise in the journal, where each commit is a record. Keeps a bounded number of results for the next steps.

use std::collections::BTreeMap;

use crate::changes::{Change, Committed, Frame, FrameKind};
use crate::journal::try_visit;
use crate::keys::QueueKey;
use crate::rollback_job::Marker;
use crate::{Shared, StoreError};
use handoff_model::names::{Generation, Position};

/// The next entries to requeue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handled {
    /// Position, queue, and last attempt, by position.
    pub(crate) entries: Vec<(Position, QueueKey, u32)>,
    /// Whether these are the last entries.
    pub(crate) is_last: bool,
    /// The total number of commits of these generations in the journal.
    pub(crate) records: u64,
}

/// The lowest positions after a cursor.
pub(crate) struct Window {
    generation: Generation,
    after: Position,
    found: BTreeMap<Position, (QueueKey, u32)>,
    /// Whether there were more.
    is_cut: bool,
    records: u64,
}

impl Shared {
    /// The next entries for a marker in its replay step, read from the journal if necessary.
    pub(crate) fn handled(&self, marker: &Marker) -> Result<Handled, StoreError> {
        if let Some(known) = self.known_handled(marker) {
            return Ok(known);
        }
        let window = self.window(marker, marker.replayed_up_to())?;
        let handled = window.after(marker.replayed_up_to(), self.options.steps.replayed_entries);
        self.replays.lock().insert(marker.installation, window);
        Ok(handled)
    }

    /// The next entries, if they are known without reading the journal.
    pub(crate) fn known_handled(&self, marker: &Marker) -> Option<Handled> {
        let after = marker.replayed_up_to();
        let replays = self.replays.lock();
        let window = replays.get(&marker.installation)?;
        let rest = window.found.range(after..).any(|(position, _)| *position > after);
        let fits = window.generation == marker.generation && window.after <= after && (rest || !window.is_cut);
        fits.then(|| window.after(after, self.options.steps.replayed_entries))
    }

    /// Whether the journal still holds everything since the swap that a marker goes back to. If not, memory holds more
    /// than a crash would preserve.
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
    /// Creates a window over everything that the single rolled-back generation has committed.
    pub(crate) fn of(marker: &Marker, handled: &[(Position, QueueKey, u32)]) -> Self {
        let found = handled.iter().map(|(position, queue_key, attempt)| (*position, (*queue_key, *attempt))).collect();
        let records = u64::try_from(handled.len()).unwrap_or(u64::MAX);
        Self { generation: marker.generation, after: Position(0), found, is_cut: false, records }
    }

    /// The next entries after a position, at most `most`.
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
