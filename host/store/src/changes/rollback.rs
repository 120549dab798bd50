//! Changes that a rollback needs or makes, as plain data: undo rows, requeued deliveries. Decides nothing.

use serde::{Deserialize, Serialize};

use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::time::Timestamp;

use crate::keys::QueueKey;
use crate::rows::{UndoEnd, UndoRow};

/// Values as they were before a change, under the numbers from `first` on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Undo {
    pub(crate) installation: InstallationId,
    pub(crate) generation: Generation,
    pub(crate) first: u64,
    pub(crate) rows: Vec<UndoRow>,
    /// The end after them.
    pub(crate) end: UndoEnd,
}

/// Events that were handled and wait again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Requeued {
    pub(crate) installation: InstallationId,
    pub(crate) at: Timestamp,
    pub(crate) entries: Vec<Again>,
    /// Entries that were the first of their queue and are not any more.
    pub(crate) back: Vec<SteppedBack>,
}

/// An entry that waits again.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Again {
    pub(crate) position: Position,
    pub(crate) queue_key: QueueKey,
    /// Attempts so far, so that the records of earlier ones stay.
    pub(crate) attempts: u32,
    /// Nothing of the queue waits before it.
    pub(crate) head: bool,
}

/// An entry that has to wait for an older one again.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct SteppedBack {
    pub(crate) position: Position,
    pub(crate) queue_key: QueueKey,
    /// The retry time that it waited for, if it did.
    pub(crate) waited_for: Option<Timestamp>,
    pub(crate) enqueued_at: Timestamp,
    pub(crate) attempts: u32,
}
