//! Reads state. While a rollback restores it, keys are read through the undo: a key that the rolled-back generations
//! changed has its value from before them, unless the active generation has changed it since. So the restored version
//! starts with the right state at once, however much there is to restore.
//!
//! The undo of the active generation is read first, the values last: a step of the restore in between then changes
//! nothing that is seen. A commit in between conflicts with the delivery that reads.

use std::collections::{BTreeMap, BTreeSet};

use crate::changes::StateWrites;
use crate::keys::{self, Key, Undone};
use crate::rows::{ValueBefore, decode};
use crate::{Shared, Store, StoreError};
use handoff_model::names::{Generation, InstallationId};

/// Rows that one round of a scan reads beyond those that are wanted: some are hidden.
const SPARE: usize = 64;

/// A restore that is not complete.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Restoring {
    pub(crate) installation: InstallationId,
    /// The active generation, made by the rollback.
    pub(crate) generation: Generation,
    /// The first and the last generation whose changes are undone.
    pub(crate) left: (Generation, Generation),
}

impl Store {
    /// A committed state value.
    pub fn state_get(&self, id: InstallationId, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(restoring) = self.shared.restoring(id)
            && let Some(before) = self.shared.value_before(&restoring, key)?
        {
            return Ok(before);
        }
        self.shared.view.get(&keys::state(id, key))
    }

    /// Committed state keys with a prefix, after a key, ascending.
    pub fn state_scan(
        &self,
        id: InstallationId,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        match self.shared.restoring(id) {
            Some(restoring) => self.shared.scan_through_undo(&restoring, prefix, after, limit),
            None => self.shared.values(id, prefix, after, limit),
        }
    }
}

impl Shared {
    /// The restore of an installation's state, until it is complete.
    pub(crate) fn restoring(&self, id: InstallationId) -> Option<Restoring> {
        let markers = self.markers.read();
        let marker = markers.get(&id).filter(|marker| marker.restore && !marker.done.is_done())?;
        Some(Restoring { installation: id, generation: marker.generation, left: marker.done.left })
    }

    /// The value that a restore will give to a key; none if the key has its final value.
    fn value_before(&self, restoring: &Restoring, key: &str) -> Result<Option<Option<Vec<u8>>>, StoreError> {
        let Restoring { installation, generation, left: (first, last) } = *restoring;
        if self.view.get(&keys::undo_state(installation, generation, key))?.is_some() {
            return Ok(None);
        }
        for left in first.0..=last.0 {
            let row_key = keys::undo_state(installation, Generation(left), key);
            if let Some(row) = self.view.get(&row_key)? {
                let ValueBefore(before) = decode(&row_key, &row)?;
                return Ok(Some(before));
            }
        }
        Ok(None)
    }

    fn scan_through_undo(
        &self,
        restoring: &Restoring,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let id = restoring.installation;
        let (mut found, mut after) = (Vec::new(), after.map(str::to_owned));
        while found.len() < limit {
            let wanted = (limit - found.len()).saturating_add(SPARE);
            let mut round = Round { prefix, after: after.as_deref(), wanted, until: None };
            let changed: BTreeSet<String> =
                round.undo(self, id, restoring.generation)?.into_iter().map(|(key, _)| key).collect();
            let mut before = BTreeMap::new();
            for left in (restoring.left.0.0..=restoring.left.1.0).rev() {
                before.extend(round.undo(self, id, Generation(left))?);
            }
            let mut merged: BTreeMap<String, Option<Vec<u8>>> =
                round.values(self, id)?.into_iter().map(|(key, value)| (key, Some(value))).collect();
            merged.extend(before.into_iter().filter(|(key, _)| !changed.contains(key)));
            let until = round.until;
            let seen = |key: &String| until.as_ref().is_none_or(|until| key <= until);
            let rows = merged.into_iter().filter(|(key, _)| seen(key)).filter_map(|(key, value)| Some((key, value?)));
            let room = limit - found.len();
            found.extend(rows.take(room));
            match until {
                Some(until) => after = Some(until),
                None => break,
            }
        }
        Ok(found)
    }

    fn values(
        &self,
        id: InstallationId,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let after = after.map(|after| keys::state(id, after));
        let rows = self.view.scan(&keys::state(id, prefix), after.as_deref(), limit)?;
        // The table's byte and the installation's four bytes come before the key.
        let text = |key: &[u8]| String::from_utf8_lossy(key.get(5..).unwrap_or_default()).into_owned();
        Ok(rows.into_iter().map(|(key, value)| (text(&key), value)).collect())
    }
}

/// One round of a scan: every table is read up to the same key.
struct Round<'a> {
    prefix: &'a str,
    after: Option<&'a str>,
    wanted: usize,
    /// The last key up to which every table was read so far; none if all were read to their end.
    until: Option<String>,
}

impl Round<'_> {
    /// The state keys in a generation's undo, with their values from before it.
    fn undo(&mut self, shared: &Shared, id: InstallationId, generation: Generation) -> Result<StateWrites, StoreError> {
        let place = |key: &str| -> Key { keys::undo_state(id, generation, key) };
        let after = self.after.map(place);
        let rows = shared.view.scan(&place(self.prefix), after.as_deref(), self.wanted)?;
        let mut found = Vec::with_capacity(rows.len());
        for (key, row) in &rows {
            let Some(Undone::State(name)) = keys::undone(key) else { continue };
            let ValueBefore(before) = decode(key, row)?;
            found.push((name, before));
        }
        self.read_to(found.len(), found.last().map(|(key, _)| key));
        Ok(found)
    }

    fn values(&mut self, shared: &Shared, id: InstallationId) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let found = shared.values(id, self.prefix, self.after, self.wanted)?;
        self.read_to(found.len(), found.last().map(|(key, _)| key));
        Ok(found)
    }

    /// A table with as many rows as were wanted may have more after the last one.
    fn read_to(&mut self, rows: usize, last: Option<&String>) {
        if rows < self.wanted {
            return;
        }
        if let Some(last) = last.filter(|last| self.until.as_ref().is_none_or(|until| *last < until)) {
            self.until = Some(last.clone());
        }
    }
}
