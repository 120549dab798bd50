//! Log messages of connectors: `GET /v1/logs`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Time;
use crate::operation::Get;
use handoff_model::effects::LogLevel;
use handoff_model::names::{InstallationName, Position};

/// Lists log messages.
pub const LIST: Get<LogQuery, LogList> =
    Get::get("listLogs", "/v1/logs", "List what connectors logged; with `waitMs`, wait for a message").works_offline();

/// A position in the log from which to continue, written `segment-offset`. Opaque to clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LogCursor {
    /// Number of the journal segment.
    pub segment: u64,
    /// Byte offset in the segment.
    pub offset: u32,
}

crate::text_schema!(LogCursor, "3-1048576");

impl fmt::Display for LogCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.segment, self.offset)
    }
}

impl FromStr for LogCursor {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text
            .split_once('-')
            .and_then(|(segment, offset)| Some(Self { segment: segment.parse().ok()?, offset: offset.parse().ok()? }));
        parts.ok_or_else(|| format!("`{text}` is not a cursor: give `next` of an earlier answer, as it was"))
    }
}

impl TryFrom<String> for LogCursor {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<LogCursor> for String {
    fn from(cursor: LogCursor) -> Self {
        cursor.to_string()
    }
}

/// Selects messages, oldest first. Without `after`: the newest ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogQuery {
    /// Only messages of this installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationName>,
    /// Only messages of this level or a more severe one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<LogLevel>,
    /// Only messages after this cursor, from `next` of an earlier response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<LogCursor>,
    /// Approximate maximum number of messages, up to about 1,000: messages of a delivery stay together. None means 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// If there are no messages yet, wait up to this many milliseconds for one; at most 30,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
}

/// A page of messages, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogList {
    /// The messages.
    pub lines: Vec<LogView>,
    /// `after` of the next request.
    pub next: LogCursor,
    /// True if messages after the given cursor were already removed.
    #[serde(default)]
    pub missed: bool,
}

/// A log message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogView {
    /// When it was logged.
    pub at: Time,
    /// Its level.
    pub level: LogLevel,
    /// The installation. Omitted inside a trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationName>,
    /// The event of the delivery that logged it. Omitted inside a trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The message.
    pub message: String,
    /// Structured fields, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<(String, String)>,
}
