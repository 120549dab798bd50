//! What undoes a generation's changes: a log, one or a few rows per commit, in the order of the commits. The first change
//! of a key is in it for certain, a later one may be: applied from the newest row to the oldest, the first one wins.

use serde::{Deserialize, Serialize};

use crate::changes::StateWrites;
use crate::state_values;

use super::TimerRow;

/// Values as they were before one commit.
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

/// Where a generation's undo ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UndoEnd {
    /// The number of the next row.
    pub(crate) rows: u64,
    /// Rows before this one were dropped.
    pub(crate) dropped: u64,
    /// Values of keys and timers in all rows.
    pub(crate) keys: u64,
    pub(crate) timers: u64,
    pub(crate) bytes: u64,
}
