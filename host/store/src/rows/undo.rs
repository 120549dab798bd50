//! Undo of a generation's changes: a log with one or a few rows per commit, in commit order. The first change of a key
//! is always in it; later ones may be. Rows are applied from the newest to the oldest, so the first change wins.

use serde::{Deserialize, Serialize};

use crate::changes::StateWrites;
use crate::state_values;

use super::TimerRow;

/// Values from before one commit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct UndoRow {
    #[serde(with = "state_values")]
    pub(crate) keys: StateWrites,
    pub(crate) timers: Vec<(String, Option<TimerRow>)>,
}

impl UndoRow {
    pub(crate) fn bytes(&self) -> usize {
        let keys = self.keys.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len) + 16);
        let timers =
            self.timers.iter().map(|(key, row)| key.len() + row.as_ref().map_or(0, |row| row.event.data.len()) + 256);
        keys.chain(timers).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.timers.is_empty()
    }
}

/// The end of a generation's undo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UndoEnd {
    /// The number of the next row.
    pub(crate) rows: u64,
    /// Rows before this one were dropped.
    pub(crate) dropped: u64,
    /// The number of values of keys and timers in all rows.
    pub(crate) keys: u64,
    pub(crate) timers: u64,
    pub(crate) bytes: u64,
}
