//! Types of `com.handoff.outbox.answered.v1`. Generated from `sdk/schemas/events`; do not edit.

use serde::{Deserialize, Serialize};

/// The outcome of an outbox request.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxAnswered {
    /// The key of the request.
    pub key: String,
    /// `answered` if there is a response, whatever its status; `failed` if the host gave up.
    pub outcome: OutboxOutcome,
    /// The status of the response. Statuses 408, 425, 429 and 5xx are retried first; they are here if that did not
    /// help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The header fields of the response: name and value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body, if it is UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body in Base64, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
    /// How often the request was sent.
    pub attempts: u32,
    /// Why the host gave up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The kind of outcome of an outbox request.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutboxOutcome {
    Answered,
    Failed,
    /// A value of a newer sender.
    #[serde(untagged)]
    Other(String),
}
