//! Undo of a generation's changes: for each key and timer that it changed, the value from before its first change.

use serde::{Deserialize, Serialize};

use super::TimerRow;

/// The value of a state key from before a generation changed it; none if it had none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ValueBefore(#[serde(with = "serde_bytes")] pub(crate) Option<Vec<u8>>);

/// A timer from before a generation changed it; none if it was not set.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TimerBefore(pub(crate) Option<TimerRow>);

/// How much the undo of a generation holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UndoSize {
    pub(crate) keys: u64,
    pub(crate) timers: u64,
    pub(crate) bytes: u64,
}

impl UndoSize {
    pub(crate) fn add_key(&mut self, key: &str, before: Option<&Vec<u8>>) {
        self.keys += 1;
        self.add_bytes(key.len() + before.map_or(0, Vec::len) + 16);
    }

    pub(crate) fn add_timer(&mut self, key: &str, before: Option<&TimerRow>) {
        self.timers += 1;
        self.add_bytes(key.len() + before.map_or(0, |row| row.event.data.len()) + 256);
    }

    fn add_bytes(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }
}
