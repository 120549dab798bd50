//! What generations that a rollback left have committed, straight from the journal: each commit is a record there. Keeps
//! what it found for the steps that follow; holds no more of it than a bounded number.

use std::collections::BTreeMap;

use crate::model::names::{Generation, Position};
use crate::store::aftermath::{Cursor, Marker};
use crate::store::journal::{self, Location};
use crate::store::keys::Lane;
use crate::store::records::{Record, Written};
use crate::store::{Shared, StoreError, open};

/// Entries handed out for one step.
const STEP: usize = 256;
/// Entries kept in memory. If there are more the journal is read again for the next ones.
const WINDOW: usize = if cfg!(test) { 8 } else { 500_000 };

/// What is next.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Handled {
    /// Place, lane, and the last attempt, by place.
    pub(in crate::store) entries: Vec<(Position, Lane, u32)>,
    /// Nothing comes after them.
    pub(in crate::store) is_last: bool,
    /// Commits of these generations that are in the journal, all in all.
    pub(in crate::store) records: u64,
}

/// The lowest places after a cursor.
pub(in crate::store) struct Window {
    generation: Generation,
    after: Position,
    found: BTreeMap<Position, (Lane, u32)>,
    /// There were more.
    is_cut: bool,
    records: u64,
}

impl Shared {
    /// What comes next for a marker that is at its replay.
    pub(in crate::store) fn handled(&self, marker: &Marker) -> Result<Handled, StoreError> {
        let after = match marker.cursor {
            Cursor::Position(after) => after,
            _ => Position(0),
        };
        let fits = |window: &Window| {
            let rest = window.found.range(after..).any(|(position, _)| *position > after);
            window.generation == marker.generation && window.after <= after && (rest || !window.is_cut)
        };
        let known = self.replays.lock().remove(&marker.installation).filter(fits);
        let window = match known {
            Some(window) => window,
            None => self.window(marker, after)?,
        };
        let later = window.found.range(after..).filter(|(position, _)| **position > after);
        let entries: Vec<_> =
            later.take(STEP).map(|(position, (lane, attempt))| (*position, *lane, *attempt)).collect();
        let is_last = entries.len() < STEP && !window.is_cut;
        let records = window.records;
        self.replays.lock().insert(marker.installation, window);
        Ok(Handled { entries, is_last, records })
    }

    fn window(&self, marker: &Marker, after: Position) -> Result<Window, StoreError> {
        let swap = self.details(marker.installation, marker.done.left.0)?.map(|row| row.at);
        let start = swap.unwrap_or(Location { segment: 0, offset: 0 });
        let durable = *self.durable.lock();
        let generation = marker.generation;
        let mut window = Window { generation, after, found: BTreeMap::new(), is_cut: false, records: 0 };
        let dir = open::journal_dir(&self.options);
        let mut segments = journal::list_segments(&dir)?;
        segments.retain(|number| (start.segment..=durable.segment).contains(number));
        for number in segments {
            let offset = if number == start.segment { start.offset } else { 0 };
            let (_, damage) = journal::scan_segment(&dir, number, offset, |at, payload| {
                // The first byte is the record's kind: others need not be read.
                if at < durable && payload.first() == Some(&1) {
                    window.add(marker, &Written::read(payload, at)?.record);
                }
                Ok::<(), StoreError>(())
            })?;
            // What follows the last frame may be one that is being written.
            if let Some(damage) =
                damage.filter(|damage| (Location { segment: number, offset: damage.offset }) < durable)
            {
                return Err(damage.error(&dir, number).into());
            }
        }
        Ok(window)
    }
}

impl Window {
    fn add(&mut self, marker: &Marker, record: &Record) {
        let Record::Committed(committed) = record else { return };
        let (entry, recording) = (&committed.entry, &committed.recording);
        if entry.installation != marker.installation || !marker.done.leaves(recording.generation) {
            return;
        }
        self.records += 1;
        if entry.position <= self.after {
            return;
        }
        let known = self.found.entry(entry.position).or_insert((entry.lane, recording.attempt));
        known.1 = known.1.max(recording.attempt);
        if self.found.len() > WINDOW {
            self.found.pop_last();
            self.is_cut = true;
        }
    }
}
