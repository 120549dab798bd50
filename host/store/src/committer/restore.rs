//! Restores state and timers, some undo rows at a time. Reads go through the undo until it is done (see `read/state`),
//! so a step changes no value that a delivery sees. It is recorded for undo like any other change, so that it can be
//! undone too. Reads undo rows only, never the whole state.

use crate::Shared;
use crate::StoreError;
use crate::changes::{Change, StateWrites};
use crate::keys::{self, Key, Undone};
use crate::read::Restoring;
use crate::rollback_job::{Cursor, Marker};
use crate::rows::{TimerBefore, TimerRow, ValueBefore, decode, encode};
use handoff_model::names::{Generation, InstallationId};
use handoff_model::time::Timestamp;

use super::Committer;
use super::undo::{Kept, Was};

/// The approximate bytes of values that one step reads: they form one frame, together with their undo.
const BYTES_MAX: usize = 8 << 20;
/// Rows read at a time, so that a step reads little beyond its limit of bytes.
const READ_AT_ONCE: usize = 64;

/// Index rows, ascending.
type Rows = Vec<(Key, Vec<u8>)>;

/// The changes of one step.
#[derive(Default)]
struct PutBack {
    /// Keys and timers whose value is another than it was when the rollback began.
    keys: u64,
    timers: u64,
    writes: StateWrites,
    /// The current values of the keys that change.
    were: Vec<Option<Vec<u8>>>,
    set: Vec<(String, TimerRow, Option<Timestamp>)>,
    removed: Vec<(String, Timestamp)>,
    /// The timers that change, with their current values.
    timers_were: Vec<(String, Option<TimerRow>)>,
}

/// What one step adds to its frame.
struct StepDone {
    changes: Vec<Change>,
    kept: Kept,
    /// Where the next step continues; none if this was the last.
    next: Option<Cursor>,
    keys: u64,
    timers: u64,
}

impl Committer {
    /// Runs one step. Moves the marker, and advances it at the end.
    pub(super) fn restore(&mut self, marker: Marker) -> Result<(), StoreError> {
        let (id, mut next) = (marker.installation, marker);
        let Some(restoring) = self.shared.restoring(id) else {
            next.advance();
            return self.write(vec![Change::RollbackMoved(Box::new(next))]).map(drop);
        };
        let StepDone { mut changes, kept, next: cursor, keys, timers } = self.step(&restoring, &next.cursor)?;
        next.done.keys_restored += keys;
        next.done.timers_restored += timers;
        match cursor {
            Some(cursor) => next.cursor = cursor,
            None => next.advance(),
        }
        changes.push(Change::RollbackMoved(Box::new(next)));
        self.write(changes)?;
        self.kept(id, kept);
        Ok(())
    }

    /// Completes the restore of an unfinished rollback before the next one begins, which then need not look through the
    /// undo of two. The marker stays: what is restored already is found so again.
    pub(super) fn complete_restore(&mut self, id: InstallationId) -> Result<(), StoreError> {
        let Some(restoring) = self.shared.restoring(id) else { return Ok(()) };
        let mut cursor = Some(Cursor::Start);
        while let Some(from) = cursor {
            let StepDone { changes, kept, next, .. } = self.step(&restoring, &from)?;
            if !changes.is_empty() {
                self.write(changes)?;
                self.kept(id, kept);
            }
            cursor = next;
        }
        Ok(())
    }

    /// Makes the writes conflict with deliveries that read the earlier values.
    pub(super) fn note_written(&mut self, id: InstallationId, keys: &[String]) {
        let commit = self.recent.note(id, keys.iter());
        self.shared.snapshots.publish(commit);
    }

    fn step(&mut self, restoring: &Restoring, from: &Cursor) -> Result<StepDone, StoreError> {
        let id = restoring.installation;
        let (generation, after) = match from {
            Cursor::Undo { generation, after } => (*generation, Some(Key::from_slice(after))),
            _ => (restoring.left.0, None),
        };
        let most = self.shared.options.steps.restored_rows_max;
        let (rows, is_last) = self.shared.undo_rows(id, generation, after, most)?;
        let mut back = PutBack::default();
        for (key, row) in &rows {
            self.put_back(&mut back, restoring, generation, key, row)?;
        }
        let next = match rows.last() {
            Some((last, _)) if !is_last => Some(Cursor::Undo { generation, after: last.to_vec() }),
            _ if generation < restoring.left.1 => {
                let newer = Generation(generation.0.saturating_add(1));
                Some(Cursor::Undo { generation: newer, after: Vec::new() })
            }
            _ => None,
        };
        let PutBack { keys, timers, writes, were, set, removed, timers_were } = back;
        let were = were.into_iter().map(Was::Known);
        let of_timers = timers_were.iter().map(|(key, row)| (key, row.clone()));
        let mut kept = self.keep(id, writes.iter().map(|(key, _)| key).zip(were), of_timers)?;
        let mut changes = std::mem::take(&mut kept.changes);
        if !writes.is_empty() {
            changes.push(Change::StateWritten { installation: id, writes });
        }
        if !timers_were.is_empty() {
            changes.push(Change::TimersRestored { installation: id, set, removed });
        }
        Ok(StepDone { changes, kept, next, keys, timers })
    }

    /// Adds what one undo row restores, unless an older row or a later change of the same key or timer counts.
    fn put_back(
        &self,
        back: &mut PutBack,
        restoring: &Restoring,
        generation: Generation,
        key: &Key,
        row: &[u8],
    ) -> Result<(), StoreError> {
        let id = restoring.installation;
        let Some(undone) = keys::undone(key) else { return Ok(()) };
        let row_of = |generation: Generation| match &undone {
            Undone::State(key) => keys::undo_state(id, generation, key),
            Undone::Timer(timer) => keys::undo_timer(id, generation, timer),
        };
        for older in restoring.left.0.0..generation.0 {
            if self.shared.view.get(&row_of(Generation(older)))?.is_some() {
                return Ok(());
            }
        }
        let own = row_of(restoring.generation);
        if let Some(was) = self.shared.view.get(&own)? {
            // The restored version has changed it since: its value counts, and was another before.
            let differs = u64::from(was != row);
            match undone {
                Undone::State(_) => back.keys += differs,
                Undone::Timer(_) => back.timers += differs,
            }
            return Ok(());
        }
        match undone {
            Undone::State(name) => {
                let ValueBefore(before) = decode(key, row)?;
                let now = self.shared.view.get(&keys::state(id, &name))?;
                if now != before {
                    back.keys += 1;
                    back.writes.push((name, before));
                    back.were.push(now);
                }
            }
            Undone::Timer(name) => {
                let TimerBefore(before) = decode(key, row)?;
                let now = self.timer(id, &name)?;
                match (&now, before) {
                    (None, None) => return Ok(()),
                    (Some(now), Some(before)) if encode(now) == encode(&before) => return Ok(()),
                    (now, Some(before)) => back.set.push((name.clone(), before, now.as_ref().map(|now| now.due))),
                    (Some(now), None) => back.removed.push((name.clone(), now.due)),
                }
                back.timers += 1;
                back.timers_were.push((name, now));
            }
        }
        Ok(())
    }
}

impl Shared {
    /// Undo rows of a generation after a key, and whether these are the last ones.
    pub(super) fn undo_rows(
        &self,
        id: InstallationId,
        generation: Generation,
        after: Option<Key>,
        most: usize,
    ) -> Result<(Rows, bool), StoreError> {
        let (prefix, mut after) = (keys::undo(id, generation), after);
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while rows.len() < most && bytes < BYTES_MAX {
            let wanted = READ_AT_ONCE.min(most - rows.len());
            let found = self.view.scan(&prefix, after.as_deref(), wanted)?;
            let is_last = found.len() < wanted;
            bytes += found.iter().map(|(_, row)| row.len()).sum::<usize>();
            after = found.last().map(|(key, _)| key.clone());
            rows.extend(found);
            if is_last {
                return Ok((rows, true));
            }
        }
        Ok((rows, false))
    }
}
