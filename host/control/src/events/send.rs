//! Sending an event: `POST /v1/events/send`.

use serde::{Deserialize, Serialize};

use crate::operation::Post;
use handoff_model::names::{Position, RooftopName};

/// Sends an event.
pub const SEND: Post<SendRequest, SendReport> =
    Post::post("sendEvent", "/v1/events/send", "Send an event, as a system of a rooftop would");

/// An event to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendRequest {
    /// The event in the JSON format of CloudEvents 1.0, as text: its data is passed on byte for byte.
    pub event: String,
    /// The rooftop. None: the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rooftop: Option<RooftopName>,
    /// The person that the caller acts for, or another note for the history. The host identifies the caller itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The reason, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What was accepted. The event or the webhook is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SendReport {
    /// The position of the event.
    pub position: Position,
    /// Whether an event with this source and id was in the log already: then nothing is delivered again.
    pub duplicate: bool,
    /// The number of installations that it is delivered to.
    pub recipients: u32,
}
