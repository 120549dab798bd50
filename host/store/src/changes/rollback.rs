//! Changes for rollbacks, as plain data: undo rows, requeued deliveries. Makes no decisions.

use serde::{Deserialize, Serialize};

use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::time::Timestamp;

use crate::keys::QueueKey;
use crate::rows::{DeadLetterRow, TimerBefore, UndoSize, ValueBefore};

use super::deliveries::Entry;

/// Keys and timers that a generation changes for the first time, with their values from before.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Undo {
    pub(crate) installation: InstallationId,
    pub(crate) generation: Generation,
    pub(crate) keys: Vec<(String, ValueBefore)>,
    pub(crate) timers: Vec<(String, TimerBefore)>,
    /// How much the undo holds with these.
    pub(crate) size: UndoSize,
}

/// Handled events that are queued again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Requeued {
    pub(crate) installation: InstallationId,
    pub(crate) at: Timestamp,
    pub(crate) entries: Vec<Again>,
    /// Entries that are no longer the first of their queue.
    pub(crate) back: Vec<SteppedBack>,
}

/// Emitted events that nobody has handled yet, taken out of queues.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Withdrawn {
    pub(crate) entries: Vec<WithdrawnEntry>,
    /// Entries that become the first of their queue.
    pub(crate) heads: Vec<(InstallationId, QueueKey, Position)>,
    /// Digests of source and id that may be emitted again.
    pub(crate) forgotten: Vec<[u8; 16]>,
}

/// A queue entry of a withdrawn event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WithdrawnEntry {
    pub(crate) entry: Entry,
    /// It becomes a dead letter; without one it is removed.
    pub(crate) letter: Option<DeadLetterRow>,
}

/// An entry that is queued again.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Again {
    pub(crate) position: Position,
    pub(crate) queue_key: QueueKey,
    /// Attempts so far, so that the records of earlier attempts are kept.
    pub(crate) attempts: u32,
    /// Whether no earlier entry waits in the queue.
    pub(crate) head: bool,
}

/// An entry that must wait for an older one again.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct SteppedBack {
    pub(crate) position: Position,
    pub(crate) queue_key: QueueKey,
    /// The retry time that it waited for, if any.
    pub(crate) waited_for: Option<Timestamp>,
    pub(crate) enqueued_at: Timestamp,
    pub(crate) attempts: u32,
}

/// A delivery that waits for a retry, and when it was due before.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct MovedRetry {
    pub(crate) position: Position,
    pub(crate) queue_key: QueueKey,
    pub(crate) was_due: Timestamp,
    pub(crate) enqueued_at: Timestamp,
    pub(crate) attempts: u32,
}
