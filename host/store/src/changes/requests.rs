//! Changes of outbox requests, as plain data: written, attempted, moved to another state, carried forward. Makes no
//! decisions.

use serde::{Deserialize, Serialize};

use handoff_model::effects::OutboxRequest;
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;

use crate::rows::{OutboxRow, OutboxState, Sent};

use super::deliveries::LoggedEvent;

/// A durable request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LoggedRequest {
    pub(crate) position: Position,
    pub(crate) request: OutboxRequest,
    pub(crate) row: OutboxFacts,
}

/// The fields of a request that the index stores.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct OutboxFacts {
    pub(crate) key: String,
    pub(crate) generation: Generation,
    pub(crate) created_at: Timestamp,
    /// The entry that was being handled when the request was written.
    pub(crate) cause: Position,
    /// The scope in which it was being handled. The answer has it.
    pub(crate) scope: Scope,
    pub(crate) attempts: u32,
    pub(crate) sent: Sent,
    pub(crate) state_undone: bool,
    pub(crate) due: Timestamp,
}

/// An attempt to send an outbox request begins.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SendStarted {
    pub(crate) installation: InstallationId,
    pub(crate) position: Position,
    /// Its due time is unchanged: after a crash the request is due again.
    pub(crate) row: OutboxRow,
}

/// An attempt to send an outbox request has ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SendFinished {
    pub(crate) installation: InstallationId,
    pub(crate) position: Position,
    pub(crate) before: StateBefore,
    pub(crate) row: OutboxRow,
    /// The outcome as an event, if the connector asked for it.
    pub(crate) answer: Option<LoggedEvent>,
}

/// The state of a request before a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StateBefore {
    /// To be sent at a time.
    Pending { due: Timestamp },
    /// Held by a rollback.
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

/// A request that is still needed when its segment is dropped, written again with its state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CarriedRequest {
    pub(crate) installation: InstallationId,
    pub(crate) request: LoggedRequest,
    pub(crate) state: OutboxState,
}
