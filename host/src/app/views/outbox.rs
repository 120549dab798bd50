//! Outbox requests: `GET /v1/outbox`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Time;
use crate::model::names::InstallationName;

/// Which requests to list, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OutboxQuery {
    /// Only of this installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationName>,
    /// Only in this state. None means all but `answered`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<OutboxState>,
    /// At most so many; the host answers at most 1,000. None means 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// How an outbox request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutboxState {
    /// Waits to be sent, for the first time or again.
    Pending,
    /// The target answered.
    Answered,
    /// Given up, or refused by the target for good.
    Failed,
    /// Written by a generation that a rollback left: sent only once someone releases it.
    Held,
    /// Given up by a person, or replaced by a request with the same key.
    Discarded,
}

impl fmt::Display for OutboxState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Held => "held",
            Self::Discarded => "discarded",
        })
    }
}

/// Outbox requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxList {
    /// Oldest first.
    pub requests: Vec<OutboxView>,
    /// True if there are more.
    #[serde(default)]
    pub more: bool,
}

/// One outbox request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxView {
    /// Whose.
    pub installation: InstallationName,
    /// Its key, unique within the installation.
    pub key: String,
    /// How it stands.
    pub state: OutboxState,
    /// The method; empty once retention let the request go.
    pub method: String,
    /// The URL, without secrets; empty once retention let the request go.
    pub url: String,
    /// When it was committed.
    pub at: Time,
    /// When it is tried next, if it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Time>,
    /// Attempts so far.
    pub attempts: u32,
    /// The answer's status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why the last attempt brought no usable answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it was answered or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
}
