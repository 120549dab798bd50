//! Outbox requests: `GET /v1/outbox`, `GET /v1/outbox/{installation}/{position}`, `POST /v1/outbox/release` and
//! `POST /v1/outbox/discard`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Time;
use crate::operation::{Get, Nothing, Post};
use handoff_model::names::{Generation, InstallationName, Position};
use handoff_model::scope::Scope;

/// Lists outbox requests.
pub const LIST: Get<OutboxQuery, OutboxList> =
    Get::get("listOutbox", "/v1/outbox", "List outbox requests, oldest first").works_offline();
/// Shows one outbox request.
pub const SHOW: Get<Nothing, OutboxRequestView> = Get::get(
    "showOutboxRequest",
    "/v1/outbox/{installation}/{position}",
    "Show an outbox request with its headers and body",
)
.works_offline();
/// Releases held requests.
pub const RELEASE: Post<HeldRequest, HeldReport> =
    Post::post("releaseOutboxRequests", "/v1/outbox/release", "Send held outbox requests after all").works_offline();
/// Discards held requests.
pub const DISCARD: Post<HeldRequest, HeldReport> =
    Post::post("discardOutboxRequests", "/v1/outbox/discard", "Discard held outbox requests").works_offline();

/// The id of an outbox request: `installation/position`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OutboxId {
    /// The installation.
    pub installation: InstallationName,
    /// Its position in the outbox.
    pub position: Position,
}

crate::text_schema!(OutboxId, "bdc-list/1044");
crate::object_id::object_id!(OutboxId, "an outbox request", "bdc-list/1044");

/// Selects requests, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OutboxQuery {
    /// Only requests of this installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationName>,
    /// Only requests of this rooftop, or of a group as `group:NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rooftop: Option<Scope>,
    /// Only requests in this state. None means all unfinished requests: neither `answered` nor `discarded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<OutboxState>,
    /// Maximum number of requests, up to 1,000. None means 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// The state of an outbox request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OutboxState {
    /// Waits to be sent or retried.
    Pending,
    /// The target answered.
    Answered,
    /// Its attempts are used up, or the target refused it permanently.
    Failed,
    /// Written by a rolled-back generation: sent only after someone releases it.
    Held,
    /// Discarded by a person, or replaced by a request with the same key.
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

/// A list of outbox requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutboxList {
    /// Requests, oldest first.
    pub requests: Vec<OutboxView>,
    /// Whether there are more.
    #[serde(default)]
    pub more: bool,
}

/// An outbox request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutboxView {
    /// Its id.
    pub id: OutboxId,
    /// The installation.
    pub installation: InstallationName,
    /// The rooftop or the group for which it was written.
    pub scope: Scope,
    /// The generation that wrote it.
    pub generation: Generation,
    /// Its key, unique within the installation.
    pub key: String,
    /// The event whose delivery wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caused_by: Option<Position>,
    /// Its state.
    pub state: OutboxState,
    /// The method; empty if retention removed the request's content.
    pub method: String,
    /// The URL, without secrets; empty if retention removed the request's content.
    pub url: String,
    /// When it was committed.
    pub at: Time,
    /// When the next attempt is due, if it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Time>,
    /// Attempts so far.
    pub attempts: u32,
    /// The status of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why the last attempt got no valid response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it was answered, held or discarded, or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    /// Whether the target may have received it: an attempt began, and its outcome is unknown or reached the target.
    #[serde(default)]
    pub may_have_been_sent: bool,
    /// True if a rollback undid the state of the event that wrote it: an answer is recorded here, and not delivered to the
    /// connector, which would not know it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub state_undone: bool,
    /// Who discarded it; `replaced` if a newer request with the same key replaced it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discarded_by: Option<String>,
}

/// Maximum size of a body in a response, in bytes.
pub const BODY_BYTES_MAX: usize = 64 << 10;

/// An outbox request with its content, as the connector wrote it: the host adds credentials only when it sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutboxRequestView {
    /// The request and its state.
    #[serde(flatten)]
    pub request: OutboxView,
    /// False if retention removed the request's content.
    pub kept: bool,
    /// The `idempotency-key` header of every attempt.
    pub idempotency_key: String,
    /// The auth profile that provides credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<String>,
    /// Header fields, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<HeaderView>,
    /// The body, if it is text: at most its first 65,536 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Size of the whole body in bytes.
    #[serde(default)]
    pub body_bytes: u64,
    /// True if `body` is truncated.
    #[serde(default)]
    pub body_cut: bool,
    /// Requests with the same partition key are sent in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_key: Option<String>,
    /// Whether the connector receives the response as an event.
    #[serde(default)]
    pub wants_answer: bool,
    /// The position of that event, if it exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_as: Option<Position>,
    /// The event whose delivery wrote the request; none if retention removed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<CauseView>,
}

/// A header field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeaderView {
    /// Its name in lower case.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// The event that caused a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CauseView {
    /// Its position.
    pub position: Position,
    /// Its id.
    pub id: String,
    /// Its source.
    pub source: String,
    /// Its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Its subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// Selects held requests: either `ids` or `installation`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldPick {
    /// These ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<OutboxId>,
    /// All held requests of this installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationName>,
}

/// Requests to release or discard held requests. Discarding requires a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldRequest {
    /// The selected requests.
    #[serde(flatten)]
    pub pick: HeldPick,
    /// The person that the caller acts for, or another note for the history. The host identifies the caller itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The reason, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The result for the selected requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldReport {
    /// Number of requests that were released or discarded.
    pub done: u64,
    /// Ids that are not held requests (any more).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<OutboxId>,
}
