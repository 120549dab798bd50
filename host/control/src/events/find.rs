//! Searching the log: `POST /v1/find`. The text is in the body, not in the URL: it is often a customer's name or number.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Time;
use crate::operation::{Media, Post};
use handoff_model::names::{InstallationName, Position};
use handoff_model::scope::Scope;

/// Searches the log. The answer is a stream of lines: matches, newest first, then the end or a problem.
pub const FIND: Post<FindRequest, FindLine> =
    Post::post("find", "/v1/find", "Find events and outbox requests by a text, newest first")
        .works_offline()
        .timeout(Duration::from_secs(3_600))
        .answer(Media::JsonLines);

/// Requests a search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FindRequest {
    /// The text, in any case: a number, an e-mail address, an id, a name. Of a telephone number only the digits count.
    pub text: String,
    /// Maximum number of matches, up to 1,000. None means 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only what the host took or wrote since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// Only events and requests of this rooftop, or of a group as `group:NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rooftop: Option<Scope>,
}

/// A line of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FindLine {
    /// A match.
    Found(Box<FoundView>),
    /// The search is over. Last line.
    End(FindEndView),
    /// The search failed: problem details. Last line.
    Problem(serde_json::Value),
}

/// An event or an outbox request that holds the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundView {
    /// Its position.
    pub position: Position,
    /// The rooftop or group that it belongs to.
    pub scope: Scope,
    /// When the host took or wrote it.
    pub at: Time,
    /// The type of the event; none for a request.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// The id of the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The subject of the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The installation that sends the request; none for an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationName>,
    /// Method and URL of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Where the text was found: `subject`, `id`, `data` or `body`.
    pub place: String,
    /// The text around the match.
    pub excerpt: String,
}

/// The end of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FindEndView {
    /// Number of matches.
    pub found: u64,
    /// Whether there are more than the limit.
    pub more: bool,
    /// Bytes of the log that were searched.
    pub searched_bytes: u64,
}
