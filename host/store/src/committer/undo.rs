//! Adds the effects of a commit to the undo of its generation: the values of keys and timers from before their first
//! change. Also drops undo that is too old. Restoring values is in `restore`.
//!
//! A set in memory holds the keys that are already recorded, so that frequently changed keys need no look-up.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use crate::changes::{Change, Undo};
use crate::keys;
use crate::keys::{Key, QueueKey, table};
use crate::rows::{TimerBefore, TimerRow, UndoSize, ValueBefore, decode};
use crate::{Attempt, Shared, StoreError};
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::time::Timestamp;

use super::Committer;

/// The maximum number of keys and timers in the set of one installation, at 16 bytes each plus overhead.
const KNOWN_MAX: usize = 100_000;
/// Rows that one frame drops.
const DROPPED_MAX: usize = 2_000;

/// The undo of an installation's active generation.
pub(super) struct ActiveUndo {
    generation: Generation,
    /// False for a first generation, and once undo was abandoned.
    is_kept: bool,
    size: UndoSize,
    /// Digests of the recorded names, by two hashers: a collision of both is practically impossible.
    known: HashSet<u128>,
    /// Every recorded name is in the set. False after a start, and once the set was full: then the index is asked.
    knows_all: bool,
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
    pub(super) changes: Vec<Change>,
    known: Vec<u128>,
    size: Option<UndoSize>,
    /// The undo exceeds its limit.
    gives_up: bool,
}

impl ActiveUndo {
    /// The undo of a generation that starts now.
    pub(super) fn begin(generation: Generation) -> Self {
        let is_kept = generation > Generation(1);
        let begun = Self::of(generation, is_kept, UndoSize::default());
        Self { handled: is_kept.then(Vec::new), knows_all: true, ..begun }
    }

    fn of(generation: Generation, is_kept: bool, size: UndoSize) -> Self {
        let (known, hashers) = (HashSet::new(), Default::default());
        Self { generation, is_kept, size, known, knows_all: false, hashers, handled: None }
    }

    /// All entries that it has committed since its swap, if it belongs to this generation and they are known.
    pub(super) fn handled_by(&self, generation: Generation) -> Option<&[(Position, QueueKey, u32)]> {
        self.handled.as_deref().filter(|_| self.generation == generation)
    }

    /// The digest of a name that is not recorded yet. None if it is.
    fn unrecorded(
        &self,
        view: &Shared,
        (is_timer, name): (bool, &str),
        key: impl FnOnce() -> Key,
    ) -> Result<Option<u128>, StoreError> {
        let what = (is_timer, name);
        let digest = u128::from(self.hashers.0.hash_one(what)) << 64 | u128::from(self.hashers.1.hash_one(what));
        if self.known.contains(&digest) || !self.knows_all && view.view.get(&key())?.is_some() {
            return Ok(None);
        }
        Ok(Some(digest))
    }

    /// The undo for changes of keys and timers that are not recorded yet. While a restore relies on it
    /// (`is_relied_on`), what was changed is recorded even if the values from before take too much room.
    fn keep<'a>(
        &self,
        view: &Shared,
        id: InstallationId,
        keys: impl Iterator<Item = (&'a String, Was)>,
        timers: impl Iterator<Item = (&'a String, Option<TimerRow>)>,
        is_relied_on: bool,
    ) -> Result<Kept, StoreError> {
        let (installation, generation) = (id, self.generation);
        let (mut known, mut size) = (Vec::new(), self.size);
        let (mut keys_before, mut timers_before) = (Vec::new(), Vec::new());
        for (key, was) in keys {
            let row = || keys::undo_state(id, generation, key);
            let Some(digest) = self.unrecorded(view, (false, key), row)? else { continue };
            let before = match was {
                Was::InIndex => view.view.get(&keys::state(id, key))?,
                Was::Known(value) => value,
            };
            known.push(digest);
            size.add_key(key, before.as_ref());
            keys_before.push((key.clone(), ValueBefore(before)));
        }
        for (key, before) in timers {
            let row = || keys::undo_timer(id, generation, key);
            let Some(digest) = self.unrecorded(view, (true, key), row)? else { continue };
            known.push(digest);
            size.add_timer(key, before.as_ref());
            timers_before.push((key.clone(), TimerBefore(before)));
        }
        if known.is_empty() {
            return Ok(Kept::default());
        }
        let most = view.options.undo_bytes_max;
        let (mut changes, gives_up) = (Vec::with_capacity(1), self.is_kept && size.bytes > most);
        if gives_up {
            tracing::warn!(
                installation = id.0, %generation, most,
                "too much was changed to keep the undo of: state cannot be put back to before this generation any more"
            );
            changes.push(Change::UndoClosed { installation, generation });
        }
        if gives_up || !self.is_kept {
            if !is_relied_on {
                return Ok(Kept { changes, gives_up, ..Kept::default() });
            }
            size = self.size;
            keys_before.iter_mut().for_each(|(_, before)| before.0 = None);
            timers_before.iter_mut().for_each(|(_, before)| before.0 = None);
        }
        let undo = Undo { installation, generation, keys: keys_before, timers: timers_before, size };
        changes.push(Change::UndoAdded(Box::new(undo)));
        Ok(Kept { changes, known, size: Some(size), gives_up })
    }

    /// Records that the rows are written.
    fn kept(&mut self, kept: Kept) {
        if kept.gives_up {
            self.is_kept = false;
        }
        let Some(size) = kept.size else { return };
        self.size = size;
        if self.known.len() + kept.known.len() > KNOWN_MAX {
            self.known.clear();
            self.knows_all = false;
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
        let is_loaded = self.undos.get(&id).is_some_and(|undo| undo.generation == active);
        if !is_loaded {
            let is_kept = self.shared.view.get(&keys::undo_since(id, active))?.is_some();
            let size = self.shared.undo_size(id, active)?.unwrap_or_default();
            self.undos.insert(id, ActiveUndo::of(active, is_kept, size));
        }
        let is_relied_on = self.shared.restoring(id).is_some();
        match self.undos.get(&id) {
            Some(undo) if undo.is_kept || is_relied_on => undo.keep(&self.shared, id, keys, timers, is_relied_on),
            _ => Ok(Kept::default()),
        }
    }

    /// The undo of a generation that starts with the same frame.
    pub(super) fn keep_first<'a>(
        &self,
        undo: &ActiveUndo,
        id: InstallationId,
        keys: impl Iterator<Item = (&'a String, Was)>,
    ) -> Result<Kept, StoreError> {
        if !undo.is_kept {
            return Ok(Kept::default());
        }
        undo.keep(&self.shared, id, keys, std::iter::empty(), false)
    }

    /// Remembers a commit, so that a rollback with replay need not look for it in the journal.
    pub(super) fn note_handled(&mut self, attempt: &Attempt) {
        let undo = self.undos.get_mut(&attempt.installation);
        let Some(undo) = undo.filter(|undo| undo.generation == attempt.generation) else { return };
        if let Some(handled) = undo.handled.as_mut() {
            if handled.len() < self.shared.options.steps.remembered_commits_max {
                handled.push((attempt.position, attempt.queue_key, attempt.number));
            } else {
                undo.handled = None;
            }
        }
    }

    /// Records that the result of [`Committer::keep`] is written.
    pub(super) fn kept(&mut self, id: InstallationId, kept: Kept) {
        if let Some(undo) = self.undos.get_mut(&id) {
            undo.kept(kept);
        }
    }

    /// Drops some undo of generations that started before a time. Returns the number of rows, and whether that was all.
    pub(super) fn drop_undo(&mut self, older_than: Timestamp) -> Result<(u64, bool), StoreError> {
        let ids: Vec<InstallationId> = self.shared.installations.read().keys().copied().collect();
        for id in ids {
            // State may be read through these rows.
            if self.shared.restoring(id).is_some() {
                continue;
            }
            let mut changes = Vec::new();
            for (key, row) in self.shared.view.scan(&keys::prefix(table::UNDO_SINCE, Some(id)), None, 1_000)? {
                let began: Timestamp = decode(&key, &row)?;
                if let Some(generation) = keys::last_number(&key).map(Generation).filter(|_| began < older_than) {
                    changes.push(Change::UndoClosed { installation: id, generation });
                    if let Some(undo) = self.undos.get_mut(&id).filter(|undo| undo.generation == generation) {
                        undo.is_kept = false;
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
        let sizes = self.shared.view.scan(&keys::prefix(table::UNDO_SIZE, Some(installation)), None, 1_000)?;
        for (key, _) in sizes {
            let Some(generation) = keys::last_number(&key).map(Generation) else { continue };
            if self.shared.view.get(&keys::undo_since(installation, generation))?.is_some() {
                continue;
            }
            let (found, is_all) = self.shared.undo_rows(installation, generation, None, DROPPED_MAX)?;
            let rows: Vec<_> = found.iter().filter_map(|(key, _)| keys::undone(key)).collect();
            let count = u64::try_from(rows.len()).unwrap_or(0);
            self.write(vec![Change::UndoDropped { installation, generation, rows, is_all }])?;
            return Ok(Some(count));
        }
        Ok(None)
    }
}

impl Shared {
    /// How much the undo of a generation holds. None if it changed nothing.
    pub(crate) fn undo_size(&self, id: InstallationId, generation: Generation) -> Result<Option<UndoSize>, StoreError> {
        let key = keys::undo_size(id, generation);
        self.view.get(&key)?.map(|row| decode(&key, &row)).transpose()
    }
}
