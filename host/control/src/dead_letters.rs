//! Dead letters: `GET /v1/dead-letters`, `GET /v1/dead-letters/causes`, `POST /v1/dead-letters/redrive`, `…/discard` and `…/set-aside`.

use serde::{Deserialize, Serialize};

use super::{FailureView, Time};
use crate::operation::{Get, Post};
use handoff_model::names::{Generation, InstallationName, Position};
use handoff_model::scope::Scope;

/// Lists dead letters.
pub const LIST: Get<DeadLetterQuery, DeadLetterList> =
    Get::get("listDeadLetters", "/v1/dead-letters", "List dead letters, by installation, oldest first").works_offline();
/// Groups dead letters by what they failed of.
pub const CAUSES: Get<CauseQuery, CauseList> = Get::get(
    "listDeadLetterCauses",
    "/v1/dead-letters/causes",
    "Group dead letters by installation and failure code, the most frequent first",
)
.works_offline();
/// Redrives dead letters.
pub const REDRIVE: Post<DeadLetterRequest, DeadLetterReport> =
    Post::post("redriveDeadLetters", "/v1/dead-letters/redrive", "Deliver dead letters again");
/// Discards dead letters.
pub const DISCARD: Post<DeadLetterRequest, DeadLetterReport> =
    Post::post("discardDeadLetters", "/v1/dead-letters/discard", "Discard dead letters");

/// Sets a waiting event aside.
pub const SET_ASIDE: Post<SetAsideRequest, DeadLetterView> = Post::post(
    "setAside",
    "/v1/dead-letters/set-aside",
    "Make a dead letter of an event that waits, also in a paused installation",
);

/// The id of a dead letter: `installation/position`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeadLetterId {
    /// The installation.
    pub installation: InstallationName,
    /// The position of the event.
    pub position: Position,
}

crate::text_schema!(DeadLetterId, "bdc-list/1044");
crate::object_id::object_id!(DeadLetterId, "a dead letter", "web-leads/1042");

/// Selects dead letters, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeadLetterQuery {
    /// Only dead letters of this installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationName>,
    /// Only dead letters of deliveries of this rooftop, or of a group as `group:NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rooftop: Option<Scope>,
    /// Only dead letters with this failure code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Only dead letters after this one, for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<DeadLetterId>,
    /// Maximum number of dead letters, up to 1,000. None means 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A page of dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterList {
    /// Dead letters, oldest first.
    pub dead_letters: Vec<DeadLetterView>,
    /// `after` of the next page, if there may be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<DeadLetterId>,
}

/// Selects the dead letters to group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CauseQuery {
    /// Only dead letters of this installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationName>,
    /// Only dead letters of deliveries of this rooftop, or of a group as `group:NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rooftop: Option<Scope>,
}

/// Dead letters by cause.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CauseList {
    /// The causes, the most frequent first, at most 1,000.
    pub causes: Vec<CauseView>,
    /// Whether there are more dead letters than were looked at, the oldest 100,000: then the numbers are lower bounds.
    #[serde(default)]
    pub at_least: bool,
}

/// Dead letters of one installation with one failure code: what one request with `installation` and `code` selects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CauseView {
    /// The installation.
    pub installation: InstallationName,
    /// The failure code.
    pub code: String,
    /// Number of dead letters.
    pub count: u64,
    /// When the first of them failed for good.
    pub first_at: Time,
    /// When the last of them did.
    pub last_at: Time,
    /// Their messages with `#` in the place of numbers, the most frequent first, at most 5.
    pub messages: Vec<MessageView>,
    /// The newest of them.
    pub example: Position,
}

/// A pattern of messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageView {
    /// The message, with `#` in the place of each number.
    pub pattern: String,
    /// Number of dead letters with it.
    pub count: u64,
}

/// A delivery that failed permanently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterView {
    /// Its id.
    pub id: DeadLetterId,
    /// The rooftop or the group for which it was handled.
    pub scope: Scope,
    /// When the last attempt failed.
    pub at: Time,
    /// The event's type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The event's subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The generation of the last attempt.
    pub generation: Generation,
    /// Number of attempts.
    pub attempts: u32,
    /// The last failure.
    pub failure: FailureView,
}

/// Selects dead letters: either `ids`, or `installation` and/or `code`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterPick {
    /// These ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<DeadLetterId>,
    /// All dead letters of this installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationName>,
    /// All dead letters with this failure code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// Requests to redrive or discard dead letters. Discarding requires a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterRequest {
    /// The selected dead letters.
    #[serde(flatten)]
    pub pick: DeadLetterPick,
    /// The person that the caller acts for, or another note for the history. The host identifies the caller itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The reason, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A waiting event that is to become a dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetAsideRequest {
    /// The installation and the position of the event.
    pub id: DeadLetterId,
    /// The person that the caller acts for, or another note for the history. The host identifies the caller itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The reason, in one sentence.
    pub reason: String,
}

/// The result for the selected dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterReport {
    /// Number of dead letters that were redriven or discarded.
    pub done: u64,
    /// Ids that are not dead letters (any more).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<DeadLetterId>,
}
