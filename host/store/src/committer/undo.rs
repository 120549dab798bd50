//! Adds the effects of a commit to the undo of its generation: the old values of keys and timers that it changes first.
//! Also drops undo that is too old. Restoring values is in `restore`.
//!
//! A set in memory holds the keys that are already recorded, so that frequently changed keys need no look-up. If a key
//! is missing from the set (after a start, or once it is full), its value is recorded again. That is harmless: the
//! oldest value counts.

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

/// The maximum number of keys and timers in the set of one installation, at 16 bytes each plus overhead.
const KNOWN_MAX: usize = 100_000;
/// The size of one row in bytes, unless a single value is larger.
const ROW_BYTES: usize = 64 << 10;
/// Rows that one frame drops.
const DROPPED_MAX: u64 = 2_000;

/// The undo of an installation's active generation.
pub(super) struct Epoch {
    generation: Generation,
    /// False for a first generation, and once undo was abandoned.
    is_kept: bool,
    end: UndoEnd,
    /// Digests of the recorded names, by two hashers: a collision of both is practically impossible.
    known: HashSet<u128>,
    hashers: (RandomState, RandomState),
    /// The entries that it has committed since its swap: position, queue, attempt. None if unknown, or too many to
    /// keep.
    handled: Option<Vec<(Position, QueueKey, u32)>>,
}

/// The value of a key before it is changed.
pub(super) enum Was {
    /// Not known yet: it is looked up if it must be recorded.
    InIndex,
    /// Already looked up.
    Known(Option<Vec<u8>>),
}

/// The undo that a frame will add.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) change: Option<Change>,
    known: Vec<u128>,
    end: Option<UndoEnd>,
    /// The undo exceeds its limit.
    gives_up: bool,
}

impl Epoch {
    /// The undo of a generation that starts now.
    pub(super) fn begin(generation: Generation) -> Self {
        let is_kept = generation > Generation(1);
        Self { handled: is_kept.then(Vec::new), ..Self::of(generation, is_kept, UndoEnd::default()) }
    }

    fn of(generation: Generation, is_kept: bool, end: UndoEnd) -> Self {
        Self { generation, is_kept, end, known: HashSet::new(), hashers: Default::default(), handled: None }
    }

    /// All entries that it has committed since its swap, if it belongs to this generation and they are known.
    pub(super) fn handled_by(&self, generation: Generation) -> Option<&[(Position, QueueKey, u32)]> {
        self.handled.as_deref().filter(|_| self.generation == generation)
    }

    fn digest(&self, is_timer: bool, name: &str) -> u128 {
        let what = (is_timer, name);
        u128::from(self.hashers.0.hash_one(what)) << 64 | u128::from(self.hashers.1.hash_one(what))
    }

    /// The rows for changes of keys and timers that are not recorded yet.
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

    /// Records that the rows are written.
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
    /// The undo of the active generation that a change of these keys and timers (with their current values) adds.
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

    /// The undo of a generation that starts with the same frame.
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

    /// Remembers a commit, so that a rollback with replay need not look for it in the journal.
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

    /// Records that the result of [`Committer::keep`] is written.
    pub(super) fn kept(&mut self, id: InstallationId, kept: Kept) {
        if let Some(epoch) = self.epochs.get_mut(&id) {
            epoch.kept(kept);
        }
    }

    /// Drops some undo of generations that started before a time. Returns the number of rows, and whether that was all.
    pub(super) fn drop_undo(&mut self, older_than: Timestamp) -> Result<(u64, bool), StoreError> {
        let ids: Vec<InstallationId> = self.shared.installations.read().keys().copied().collect();
        for id in ids {
            // A rollback may be restoring from these rows.
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

    /// Drops some rows of closed undo. None if there are none.
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
    /// The end of a generation's undo. None if it changed nothing.
    pub(crate) fn undo_end(&self, id: InstallationId, generation: Generation) -> Result<Option<UndoEnd>, StoreError> {
        let key = keys::undo_end(id, generation);
        self.view.get(&key)?.map(|row| decode(&key, &row)).transpose()
    }
}
