//! Outbox requests: `GET /v1/outbox`, `GET /v1/outbox/{installation}/{position}`, `POST /v1/outbox/release` and `…/discard`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Time;
use crate::operation::{Get, Nothing, Post};
use handoff_model::names::{Generation, InstallationName, Position};

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

/// Names an outbox request: `installation/position`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OutboxId {
    /// Whose.
    pub installation: InstallationName,
    /// Its place in the outbox.
    pub position: Position,
}

crate::text_schema!(OutboxId, "bdc-list/1044");

impl fmt::Display for OutboxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.installation, self.position)
    }
}

impl FromStr for OutboxId {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (installation, position) = super::place(text).ok_or_else(|| {
            format!("`{text}` is not an outbox request: expected installation/position, for example `bdc-list/1044`")
        })?;
        Ok(Self { installation, position })
    }
}

impl TryFrom<String> for OutboxId {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<OutboxId> for String {
    fn from(id: OutboxId) -> Self {
        id.to_string()
    }
}

/// Which requests to list, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OutboxQuery {
    /// Only of this installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationName>,
    /// Only in this state. None means all that are not over: neither `answered` nor `discarded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<OutboxState>,
    /// At most so many; the host answers at most 1,000. None means 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// How an outbox request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutboxList {
    /// Oldest first.
    pub requests: Vec<OutboxView>,
    /// True if there are more.
    #[serde(default)]
    pub more: bool,
}

/// One outbox request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutboxView {
    /// Its name.
    pub id: OutboxId,
    /// Whose.
    pub installation: InstallationName,
    /// The generation that wrote it.
    pub generation: Generation,
    /// Its key, unique within the installation.
    pub key: String,
    /// The event whose delivery wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caused_by: Option<Position>,
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
    /// When it was answered, held, discarded or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    /// Of a held one: it was on the wire when it was cut off, so that the target may have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_the_wire: Option<bool>,
    /// Who discarded it; `replaced` if a newer request with its key took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discarded_by: Option<String>,
}

/// Most bytes of a body that the host answers.
pub const BODY_BYTES_MAX: usize = 64 << 10;

/// One outbox request with what it holds. As the connector wrote it: the host adds credentials only when it sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutboxRequestView {
    /// How it stands.
    #[serde(flatten)]
    pub request: OutboxView,
    /// False once retention let the request go: then nothing of its content is known any more.
    pub kept: bool,
    /// What every attempt carries as `idempotency-key`.
    pub idempotency_key: String,
    /// The auth profile whose credentials the host adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<String>,
    /// Fields, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<HeaderView>,
    /// The body, if it is text: at most its first 65,536 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Bytes of the whole body.
    #[serde(default)]
    pub body_bytes: u64,
    /// True if `body` is not all of it.
    #[serde(default)]
    pub body_cut: bool,
    /// Requests with the same one are sent in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_key: Option<String>,
    /// True if the answer comes back to the connector as an event.
    #[serde(default)]
    pub wants_answer: bool,
    /// That event, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_as: Option<Position>,
    /// The event whose delivery wrote it; none once retention let that go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<CauseView>,
}

/// A header field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeaderView {
    /// In small letters.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// The event that led to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CauseView {
    /// Its place.
    pub position: Position,
    /// Its id.
    pub id: String,
    /// Its source.
    pub source: String,
    /// Its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// Picks held requests: exactly one of `ids` and `installation`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldPick {
    /// These.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<OutboxId>,
    /// All of this installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationName>,
}

/// Asks to send held requests after all, or to give them up. Discarding needs a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldRequest {
    /// Which.
    #[serde(flatten)]
    pub pick: HeldPick,
    /// For whom the caller acts, or what else should stand beside its name in the history. The host knows who the
    /// caller is; this is a note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of picked requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldReport {
    /// How many were released or discarded.
    pub done: u64,
    /// Ids that are no held requests (any more).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<OutboxId>,
}
