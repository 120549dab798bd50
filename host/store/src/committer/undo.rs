//! What a commit adds to the undo of its generation: values of keys and timers that it is the first to change. Decides,
//! and drops undo that is too old; putting values back is in `restore`.
//!
//! A set in memory knows what was kept already, so that nothing is looked up for a key that changes often. If the set does
//! not know (after a start, or once it is full) a value is kept once more, which is harmless: the oldest one counts.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use crate::changes::{Change, Undo};
use crate::keys;
use crate::keys::{QueueKey, table};
use crate::rows::{TimerRow, UndoEnd, UndoRow, decode};
use crate::{Attempt, Shared, StoreError};
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::time::Timestamp;

use super::Committer;

/// Keys and timers of one installation that are known to be kept: 16 bytes each, and some room.
const KNOWN_MAX: usize = 100_000;
/// Bytes of one row, unless a single value is larger.
const ROW_BYTES: usize = 64 << 10;
/// Rows dropped by one record.
const DROPPED_MAX: u64 = 2_000;

/// The undo of an installation's active generation.
pub(super) struct Epoch {
    generation: Generation,
    /// False for a first generation, and once undo was given up.
    is_kept: bool,
    end: UndoEnd,
    /// Digests of what is kept, by two hashers: that two names share both is beyond chance.
    known: HashSet<u128>,
    hashers: (RandomState, RandomState),
    /// What it has committed since its swap: place, queue, attempt. None if that is not known, or too much to remember.
    handled: Option<Vec<(Position, QueueKey, u32)>>,
}

/// What a key holds before it is changed.
pub(super) enum Was {
    /// Looked up, if it is kept.
    InIndex,
    /// Somebody has looked already.
    Known(Option<Vec<u8>>),
}

/// What a record will add.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) change: Option<Change>,
    known: Vec<u128>,
    end: Option<UndoEnd>,
    /// It became too much.
    gives_up: bool,
}

impl Epoch {
    /// Of a generation that begins now.
    pub(super) fn begin(generation: Generation) -> Self {
        let is_kept = generation > Generation(1);
        Self { handled: is_kept.then(Vec::new), ..Self::of(generation, is_kept, UndoEnd::default()) }
    }

    fn of(generation: Generation, is_kept: bool, end: UndoEnd) -> Self {
        Self { generation, is_kept, end, known: HashSet::new(), hashers: Default::default(), handled: None }
    }

    /// Everything that it has committed since its swap, if it is this generation's and that is known.
    pub(super) fn handled_by(&self, generation: Generation) -> Option<&[(Position, QueueKey, u32)]> {
        self.handled.as_deref().filter(|_| self.generation == generation)
    }

    fn digest(&self, is_timer: bool, name: &str) -> u128 {
        let what = (is_timer, name);
        u128::from(self.hashers.0.hash_one(what)) << 64 | u128::from(self.hashers.1.hash_one(what))
    }

    /// The rows for changes of which nothing is known yet.
    fn keep<'a>(
        &self,
        view: &Shared,
        id: InstallationId,
        keys: impl Iterator<Item = (&'a String, Was)>,
        timers: impl Iterator<Item = (&'a String, Option<TimerRow>)>,
        most: u64,
    ) -> Result<Kept, StoreError> {
        let (mut known, mut rows, mut row) = (Vec::new(), Vec::new(), UndoRow::default());
        let (mut end, mut row_bytes) = (self.end, 0);
        for (key, was) in keys {
            let digest = self.digest(false, key);
            if self.known.contains(&digest) {
                continue;
            }
            known.push(digest);
            let before = match was {
                Was::InIndex => view.view.get(&keys::state(id, key))?,
                Was::Known(value) => value,
            };
            row_bytes += key.len() + before.as_ref().map_or(0, Vec::len);
            row.keys.push((key.clone(), before));
            end.keys += 1;
            if row_bytes > ROW_BYTES {
                rows.push(std::mem::take(&mut row));
                row_bytes = 0;
            }
        }
        for (key, before) in timers {
            let digest = self.digest(true, key);
            if self.known.contains(&digest) {
                continue;
            }
            known.push(digest);
            row.timers.push((key.clone(), before));
            end.timers += 1;
        }
        if !row.is_empty() {
            rows.push(row);
        }
        if rows.is_empty() {
            return Ok(Kept::default());
        }
        let (installation, generation) = (id, self.generation);
        let bytes: usize = rows.iter().map(UndoRow::bytes).sum();
        end.bytes = end.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if end.bytes > most {
            tracing::warn!(
                installation = id.0, %generation, most,
                "too much was changed to keep the undo of: state cannot be put back to before this generation any more"
            );
            let change = Some(Change::UndoClosed { installation, generation });
            return Ok(Kept { change, gives_up: true, ..Kept::default() });
        }
        let first = end.rows;
        end.rows += u64::try_from(rows.len()).unwrap_or(0);
        let undo = Undo { installation, generation, first, rows, end };
        Ok(Kept { change: Some(Change::UndoAdded(Box::new(undo))), known, end: Some(end), gives_up: false })
    }

    /// They are written.
    fn kept(&mut self, kept: Kept) {
        if kept.gives_up {
            self.is_kept = false;
            self.known = HashSet::new();
        }
        let Some(end) = kept.end else { return };
        self.end = end;
        if self.known.len() + kept.known.len() > KNOWN_MAX {
            self.known.clear();
        }
        self.known.extend(kept.known);
    }
}

impl Committer {
    /// What a change of these keys and timers (with what they are now) adds to the undo of the active generation.
    pub(super) fn keep<'a>(
        &mut self,
        id: InstallationId,
        keys: impl Iterator<Item = (&'a String, Was)>,
        timers: impl Iterator<Item = (&'a String, Option<TimerRow>)>,
    ) -> Result<Kept, StoreError> {
        let Some(active) = self.installation(id).map(|installation| installation.active.generation) else {
            return Ok(Kept::default());
        };
        let is_loaded = self.epochs.get(&id).is_some_and(|epoch| epoch.generation == active);
        if !is_loaded {
            let is_kept = self.shared.view.get(&keys::epoch(id, active))?.is_some();
            let end = self.shared.undo_end(id, active)?.unwrap_or_default();
            self.epochs.insert(id, Epoch::of(active, is_kept, end));
        }
        let most = self.shared.options.undo_bytes_max;
        match self.epochs.get(&id) {
            Some(epoch) if epoch.is_kept => epoch.keep(&self.shared, id, keys, timers, most),
            _ => Ok(Kept::default()),
        }
    }

    /// The same for a generation that begins with the very record.
    pub(super) fn keep_first<'a>(
        &self,
        epoch: &Epoch,
        id: InstallationId,
        keys: impl Iterator<Item = (&'a String, Was)>,
        timers: impl Iterator<Item = (&'a String, Option<TimerRow>)>,
    ) -> Result<Kept, StoreError> {
        if !epoch.is_kept {
            return Ok(Kept::default());
        }
        epoch.keep(&self.shared, id, keys, timers, self.shared.options.undo_bytes_max)
    }

    /// Remembers a commit for a rollback that delivers again: it need not look for it in the journal.
    pub(super) fn note_handled(&mut self, attempt: &Attempt) {
        let epoch = self.epochs.get_mut(&attempt.installation);
        let Some(epoch) = epoch.filter(|epoch| epoch.generation == attempt.generation) else { return };
        if let Some(handled) = epoch.handled.as_mut() {
            if handled.len() < self.shared.options.steps.remembered_commits_max {
                handled.push((attempt.position, attempt.queue_key, attempt.number));
            } else {
                epoch.handled = None;
            }
        }
    }

    /// What [`Committer::keep`] said is written.
    pub(super) fn kept(&mut self, id: InstallationId, kept: Kept) {
        if let Some(epoch) = self.epochs.get_mut(&id) {
            epoch.kept(kept);
        }
    }

    /// Drops some undo of generations that began before a time. Returns how many rows, and whether that was all.
    pub(super) fn drop_undo(&mut self, older_than: Timestamp) -> Result<(u64, bool), StoreError> {
        let ids: Vec<InstallationId> = self.shared.installations.read().keys().copied().collect();
        for id in ids {
            // It may be what a rollback puts back just now.
            if self.shared.holds_deliveries(id) {
                continue;
            }
            let mut changes = Vec::new();
            for (key, row) in self.shared.view.scan(&keys::prefix(table::EPOCH, Some(id)), None, 1_000)? {
                let began: Timestamp = decode(&key, &row)?;
                if let Some(generation) = keys::last_number(&key).map(Generation).filter(|_| began < older_than) {
                    changes.push(Change::UndoClosed { installation: id, generation });
                    if let Some(epoch) = self.epochs.get_mut(&id).filter(|epoch| epoch.generation == generation) {
                        epoch.is_kept = false;
                    }
                }
            }
            if !changes.is_empty() {
                self.write(changes)?;
            }
            if let Some(rows) = self.drop_closed(id)? {
                return Ok((rows, false));
            }
        }
        Ok((0, true))
    }

    /// Drops some rows of no use. None if there are none.
    fn drop_closed(&mut self, installation: InstallationId) -> Result<Option<u64>, StoreError> {
        let ends = self.shared.view.scan(&keys::prefix(table::UNDO_END, Some(installation)), None, 1_000)?;
        for (key, row) in ends {
            let Some(generation) = keys::last_number(&key).map(Generation) else { continue };
            if self.shared.view.get(&keys::epoch(installation, generation))?.is_some() {
                continue;
            }
            let mut end: UndoEnd = decode(&key, &row)?;
            let numbers: Vec<u64> = (end.dropped..end.rows.min(end.dropped.saturating_add(DROPPED_MAX))).collect();
            let count = u64::try_from(numbers.len()).unwrap_or(0);
            end.dropped = end.dropped.saturating_add(count);
            let end = (end.dropped < end.rows).then_some(end);
            self.write(vec![Change::UndoDropped { installation, generation, numbers, end }])?;
            return Ok(Some(count));
        }
        Ok(None)
    }
}

impl Shared {
    /// Where a generation's undo ends. None if it changed nothing.
    pub(crate) fn undo_end(&self, id: InstallationId, generation: Generation) -> Result<Option<UndoEnd>, StoreError> {
        let key = keys::undo_end(id, generation);
        self.view.get(&key)?.map(|row| decode(&key, &row)).transpose()
    }
}
