//! Requests and responses of the control API as plain data in camelCase JSON. No behaviour: use cases create them, the
//! command line and the console show them.
//!
//! Absent values are omitted. Times are RFC 3339 in UTC. Durations end in `Ms`, sizes in `Bytes`. Requests reject
//! unknown fields, so that a misspelt field is an error; responses may gain fields.

use std::fmt;

use serde::{Deserialize, Serialize};

use handoff_model::time::Timestamp;

pub mod client;
mod object_id;
pub mod openapi;
pub mod operation;
pub mod problem;

pub mod audit;
pub mod dead_letters;
pub mod events;
pub mod gates;
pub mod hooks;
pub mod host;
pub mod incidents;
pub mod installations;
pub mod outbox;
pub mod registry;
pub mod shadow;
pub mod timers;
pub mod trust;

/// A point in time, as RFC 3339 text in UTC with milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Time(pub Timestamp);

impl From<Timestamp> for Time {
    fn from(time: Timestamp) -> Self {
        Self(time)
    }
}

impl From<Time> for String {
    fn from(time: Time) -> Self {
        time.0.to_string()
    }
}

impl TryFrom<String> for Time {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Timestamp::parse_rfc3339(&text)
            .map(Self)
            .map_err(|_| format!("`{text}` is not a time: expected RFC 3339, for example `2026-03-30T15:30:20Z`"))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Describes a type that is serialized as text in the OpenAPI document.
macro_rules! text_schema {
    ($name:ident, $example:literal) => {
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                let text = utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .examples([$example]);
                text.build().into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}
pub(crate) use text_schema;

text_schema!(Time, "2026-03-30T15:30:20.000Z");

/// A failure, for people and programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureView {
    /// `retry`, `reject` or `misconfigured`.
    pub kind: FailureKindView,
    /// A stable code in kebab case.
    pub code: String,
    /// The message for people.
    pub message: String,
}

/// How the engine handles a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKindView {
    /// Retries, then creates a dead letter.
    Retry,
    /// Creates a dead letter at once.
    Reject,
    /// Pauses the installation; the event waits.
    Misconfigured,
}

impl From<&handoff_model::failure::Failure> for FailureView {
    fn from(failure: &handoff_model::failure::Failure) -> Self {
        use handoff_model::failure::FailureKind;
        let kind = match failure.kind {
            FailureKind::Retry { .. } => FailureKindView::Retry,
            FailureKind::Reject => FailureKindView::Reject,
            FailureKind::Misconfigured => FailureKindView::Misconfigured,
        };
        Self { kind, code: failure.code.clone(), message: failure.message.clone() }
    }
}

/// The requester and reason of a change: the body of pause and resume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeRequest {
    /// The person that the caller acts for, or another note for the history. The host identifies the caller itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The reason, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
