//! Restores state and timers, some undo rows at a time, newest first. The restore is recorded for undo like any other
//! change, so that it can be undone too. Reads undo rows only, never the whole state.

use std::collections::BTreeMap;

use crate::StoreError;
use crate::changes::{Change, StateWrites};
use crate::keys;
use crate::keys::table;
use crate::rollback_job::{Cursor, Marker};
use crate::rows::{TimerRow, UndoRow, decode, encode};
use handoff_model::names::{Generation, InstallationId};
use handoff_model::time::Timestamp;

use super::Committer;
use super::undo::Was;

/// The approximate number of keys and timers that one step restores: other requests wait for the committer meanwhile.
const CHANGES_MAX: usize = 4_096;
/// The approximate bytes of values that one step restores: they form one frame, together with their undo.
const BYTES_MAX: usize = 8 << 20;

/// The oldest value of each key in some undo rows.
#[derive(Default)]
struct Before {
    keys: BTreeMap<String, Option<Vec<u8>>>,
    timers: BTreeMap<String, Option<TimerRow>>,
}

/// The current values of the keys that will change, in key order.
type Were = Vec<Option<Vec<u8>>>;

/// The changes of one step.
pub(super) struct PutBack {
    /// The marker after this step.
    pub(super) next: Marker,
    writes: StateWrites,
    were: Were,
    set: Vec<(String, TimerRow, Option<Timestamp>)>,
    removed: Vec<(String, Timestamp)>,
    timers_before: Vec<(String, Option<TimerRow>)>,
}

impl PutBack {
    /// The keys that change.
    pub(super) fn keys(&self) -> impl Iterator<Item = &String> {
        self.writes.iter().map(|(key, _)| key)
    }

    /// The current values of the keys that change. May be called only once.
    pub(super) fn were(&mut self) -> impl Iterator<Item = Was> + use<> {
        std::mem::take(&mut self.were).into_iter().map(Was::Known)
    }

    /// The timers that change, with their current values.
    pub(super) fn timers(&self) -> impl Iterator<Item = (&String, Option<TimerRow>)> {
        self.timers_before.iter().map(|(key, row)| (key, row.clone()))
    }

    /// The marker after this step, and the changes that are written with it.
    pub(super) fn into_changes(self) -> (Marker, Vec<Change>) {
        let Self { next, writes, set, removed, .. } = self;
        let mut changes = Vec::new();
        if !writes.is_empty() {
            changes.push(Change::StateWritten { installation: next.installation, writes });
        }
        if !(set.is_empty() && removed.is_empty()) {
            changes.push(Change::TimersRestored { installation: next.installation, set, removed });
        }
        (next, changes)
    }
}

impl Committer {
    /// Runs one step. Moves the marker, and advances it at the end.
    pub(super) fn restore(&mut self, marker: Marker) -> Result<(), StoreError> {
        let id = marker.installation;
        let mut back = self.put_back(marker)?;
        let were = back.were();
        let mut kept = self.keep(id, back.keys().zip(were), back.timers())?;
        let keys: Vec<String> = back.keys().cloned().collect();
        let (next, restored) = back.into_changes();
        let mut changes: Vec<Change> = kept.change.take().into_iter().chain(restored).collect();
        changes.push(Change::RollbackMoved(Box::new(next)));
        self.write(changes)?;
        self.kept(id, kept);
        self.note_written(id, &keys);
        Ok(())
    }

    /// Looks up the changes of the next step.
    pub(super) fn put_back(&self, marker: Marker) -> Result<PutBack, StoreError> {
        let id = marker.installation;
        let mut next = marker;
        let (generation, below) = match next.cursor {
            Cursor::Undo { generation, below } => (generation, below),
            _ => (next.done.left.1, self.rows_of(id, next.done.left.1)?),
        };
        let (before, reached) = self.undo_below(id, generation, below)?;
        if reached > 0 {
            next.cursor = Cursor::Undo { generation, below: reached };
        } else if generation > next.done.left.0 {
            let older = Generation(generation.0.saturating_sub(1));
            next.cursor = Cursor::Undo { generation: older, below: self.rows_of(id, older)? };
        } else {
            next.advance();
        }
        let (writes, were) = self.changed_keys(id, before.keys)?;
        let (set, removed, timers_before) = self.changed_timers(id, before.timers)?;
        next.done.keys_restored += u64::try_from(writes.len()).unwrap_or(0);
        next.done.timers_restored += u64::try_from(timers_before.len()).unwrap_or(0);
        Ok(PutBack { next, writes, were, set, removed, timers_before })
    }

    /// Makes the writes conflict with deliveries that read the earlier values.
    pub(super) fn note_written(&mut self, id: InstallationId, keys: &[String]) {
        let commit = self.recent.note(id, keys.iter());
        self.shared.snapshots.publish(commit);
    }

    fn rows_of(&self, id: InstallationId, generation: Generation) -> Result<u64, StoreError> {
        Ok(self.shared.undo_end(id, generation)?.map_or(0, |end| end.rows))
    }

    /// The oldest values in the newest rows below a number, and the number of the oldest of these rows.
    fn undo_below(&self, id: InstallationId, generation: Generation, below: u64) -> Result<(Before, u64), StoreError> {
        let from = below.saturating_sub(self.shared.options.steps.restored_rows_max);
        let after = from.checked_sub(1).map(|number| keys::undo(id, generation, number));
        let prefix = keys::KeyBuilder::new(table::UNDO).installation(id).number(generation.0).done();
        let wanted = usize::try_from(below.saturating_sub(from)).unwrap_or(0);
        let rows = self.shared.view.scan(&prefix, after.as_deref(), wanted)?;
        let (mut before, mut bytes) = (Before::default(), 0);
        for (key, row) in rows.iter().rev() {
            let number = keys::last_number(key).unwrap_or(0);
            if bytes > BYTES_MAX || before.keys.len() + before.timers.len() > CHANGES_MAX {
                return Ok((before, number.saturating_add(1)));
            }
            bytes += row.len();
            let row: UndoRow = decode(key, row)?;
            before.keys.extend(row.keys);
            before.timers.extend(row.timers);
        }
        Ok((before, from))
    }

    /// The keys whose current value differs, with that value.
    fn changed_keys(
        &self,
        id: InstallationId,
        before: BTreeMap<String, Option<Vec<u8>>>,
    ) -> Result<(StateWrites, Were), StoreError> {
        let (mut changed, mut were) = (Vec::with_capacity(before.len()), Vec::with_capacity(before.len()));
        for (key, value) in before {
            let now = self.shared.view.get(&keys::state(id, &key))?;
            if now != value {
                changed.push((key, value));
                were.push(now);
            }
        }
        Ok((changed, were))
    }

    /// The timers that differ: those to set, those to remove, and their current values.
    #[expect(clippy::type_complexity, reason = "three lists that go into three places at once")]
    fn changed_timers(
        &self,
        id: InstallationId,
        before: BTreeMap<String, Option<TimerRow>>,
    ) -> Result<
        (Vec<(String, TimerRow, Option<Timestamp>)>, Vec<(String, Timestamp)>, Vec<(String, Option<TimerRow>)>),
        StoreError,
    > {
        let (mut set, mut removed, mut now) = (Vec::new(), Vec::new(), Vec::new());
        for (key, row) in before {
            let current = self.timer(id, &key)?;
            match (&current, row) {
                (None, None) => continue,
                (Some(current), Some(row)) if encode(current) == encode(&row) => continue,
                (current, Some(row)) => set.push((key.clone(), row, current.as_ref().map(|current| current.due))),
                (Some(current), None) => removed.push((key.clone(), current.due)),
            }
            now.push((key, current));
        }
        Ok((set, removed, now))
    }
}
