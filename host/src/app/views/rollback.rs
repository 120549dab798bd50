//! Going back: `POST /v1/installations/{name}/rollback`.

use serde::{Deserialize, Serialize};

use crate::model::names::{Generation, InstallationName};

/// Asks for a generation with the content of an older one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollbackRequest {
    /// Which one; none means the one before the active one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_generation: Option<Generation>,
    /// A person or a system, for the history.
    pub by: String,
    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a rollback did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RollbackReport {
    /// The installation.
    pub name: InstallationName,
    /// The generation that it left: quarantined from now on.
    pub from: RollbackSide,
    /// The generation whose content is restored.
    pub to: RollbackSide,
    /// The new generation with that content.
    pub new_generation: Generation,
    /// From request to durable swap.
    pub took_ms: u64,
    /// Events that the left generation had in flight or waiting between attempts: delivered again to the good one.
    pub events_redelivered: u64,
    /// Dead letters of the left generation that wait again.
    pub dead_letters_redriven: u64,
    /// Outbox requests of the left generation that are not answered yet: they are still sent.
    pub requests_pending: u64,
    /// Outbox requests of the left generation that went out: nothing takes these back.
    pub requests_sent: u64,
    /// False if the host was stopped: the swap takes effect when it starts.
    pub host_running: bool,
}

/// One side of a rollback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RollbackSide {
    /// The number.
    pub generation: Generation,
    /// The version.
    pub version: String,
}
