//! Dead letters: `GET /v1/dead-letters`, `POST /v1/dead-letters/redrive` and `…/discard`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{FailureView, Time};
use crate::operation::{Get, Post};
use handoff_model::names::{Generation, InstallationName, Position};

/// Lists dead letters.
pub const LIST: Get<DeadLetterQuery, DeadLetterList> =
    Get::get("listDeadLetters", "/v1/dead-letters", "List dead letters, by installation, oldest first").works_offline();
/// Redrives dead letters.
pub const REDRIVE: Post<DeadLetterRequest, DeadLetterReport> =
    Post::post("redriveDeadLetters", "/v1/dead-letters/redrive", "Deliver dead letters again");
/// Discards dead letters.
pub const DISCARD: Post<DeadLetterRequest, DeadLetterReport> =
    Post::post("discardDeadLetters", "/v1/dead-letters/discard", "Discard dead letters");

/// Names a dead letter: `installation/position`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeadLetterId {
    /// Whose.
    pub installation: InstallationName,
    /// Which event.
    pub position: Position,
}

crate::text_schema!(DeadLetterId, "bdc-list/1044");

impl fmt::Display for DeadLetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.installation, self.position)
    }
}

impl FromStr for DeadLetterId {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (installation, position) = super::place(text).ok_or_else(|| {
            format!("`{text}` is not a dead letter: expected installation/position, for example `web-leads/1042`")
        })?;
        Ok(Self { installation, position })
    }
}

impl TryFrom<String> for DeadLetterId {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<DeadLetterId> for String {
    fn from(id: DeadLetterId) -> Self {
        id.to_string()
    }
}

/// Which dead letters to list, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeadLetterQuery {
    /// Only of this installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationName>,
    /// Only with this failure code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Only after this one: the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<DeadLetterId>,
    /// At most so many; the host answers at most 1,000. None means 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A page of dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterList {
    /// Oldest first.
    pub dead_letters: Vec<DeadLetterView>,
    /// `after` of the next page, if there may be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<DeadLetterId>,
}

/// A delivery that failed for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterView {
    /// Its name.
    pub id: DeadLetterId,
    /// When it was given up.
    pub at: Time,
    /// The event's type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The event's subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Under which generation it failed last.
    pub generation: Generation,
    /// Attempts that were made.
    pub attempts: u32,
    /// The last failure.
    pub failure: FailureView,
}

/// Picks dead letters: exactly one of `ids`, or `installation` and/or `code`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterPick {
    /// These.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<DeadLetterId>,
    /// All of this installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationName>,
    /// All with this failure code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// Asks to deliver dead letters again, or to give them up. Discarding needs a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterRequest {
    /// Which.
    #[serde(flatten)]
    pub pick: DeadLetterPick,
    /// For whom the caller acts, or what else should stand beside its name in the history. The host knows who the
    /// caller is; this is a note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of picked dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterReport {
    /// How many were redriven or discarded.
    pub done: u64,
    /// Ids that are no dead letters (any more).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<DeadLetterId>,
}
