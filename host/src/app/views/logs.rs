//! What connectors log: `GET /v1/logs`.

use serde::{Deserialize, Serialize};

use super::Time;
use crate::model::effects::LogLevel;
use crate::model::names::{InstallationName, Position};

/// Which messages to list, oldest first. Without `after`: the newest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogQuery {
    /// Only of this installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationName>,
    /// Only this serious or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<LogLevel>,
    /// Only after this cursor, as `next` of an earlier answer gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// At most so many; the host answers at most 1,000. None means 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// If there is none yet, wait so long for one; at most 30,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
}

/// Messages, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogList {
    /// The messages.
    pub lines: Vec<LogView>,
    /// `after` of the next request.
    pub next: u64,
    /// True if messages after the given cursor are gone already.
    #[serde(default)]
    pub missed: bool,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogView {
    /// When.
    pub at: Time,
    /// How serious.
    pub level: LogLevel,
    /// Whose. Left out inside a trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationName>,
    /// Which event was at work. Left out inside a trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The message.
    pub message: String,
    /// Structured fields, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<(String, String)>,
}
