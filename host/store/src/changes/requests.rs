//! Changes of outbox requests, as plain data: written, tried, moved to another state, carried forward. Decides nothing.

use serde::{Deserialize, Serialize};

use handoff_model::effects::OutboxRequest;
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::time::Timestamp;

use crate::rows::{OutboxRow, OutboxState};

use super::deliveries::LoggedEvent;

/// A durable request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LoggedRequest {
    pub(crate) position: Position,
    pub(crate) request: OutboxRequest,
    pub(crate) row: OutboxFacts,
}

/// What the index keeps of a request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct OutboxFacts {
    pub(crate) key: String,
    pub(crate) generation: Generation,
    pub(crate) created_at: Timestamp,
    /// The entry that was handled when it was sent.
    pub(crate) cause: Position,
    pub(crate) attempts: u32,
    pub(crate) due: Timestamp,
}

/// One attempt to send an outbox request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct OutboxTried {
    pub(crate) installation: InstallationId,
    pub(crate) position: Position,
    pub(crate) before: StateBefore,
    pub(crate) row: OutboxRow,
    /// The outcome as an event, if the connector asked for it.
    pub(crate) answer: Option<LoggedEvent>,
}

/// What a request was before its state changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StateBefore {
    /// To be sent at a time.
    Pending { due: Timestamp },
    /// Held since a rollback.
    Held,
}

/// A request's new state, set by a person or by a rollback.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MovedRequest {
    pub(crate) installation: InstallationId,
    pub(crate) position: Position,
    pub(crate) before: StateBefore,
    pub(crate) row: OutboxRow,
}

/// A request whose segment is dropped while it is still needed, written again with its state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CarriedRequest {
    pub(crate) installation: InstallationId,
    pub(crate) request: LoggedRequest,
    pub(crate) state: OutboxState,
}
