//! HTTP messages between connectors and target systems, without credentials.

use serde::{Deserialize, Serialize};

/// A request as the connector wrote it. The host adds credentials only when it sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// `GET`, `HEAD`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// Absolute URL without user info or fragment.
    pub url: String,
    /// Fields in order; names lower-case.
    pub headers: Vec<(String, String)>,
    /// The body, if any.
    #[serde(with = "serde_bytes")]
    pub body: Option<Vec<u8>>,
    /// The auth profile whose credentials the host adds.
    pub auth: Option<String>,
    /// Time limit of the whole exchange; none means the host's default.
    pub timeout_ms: Option<u32>,
}

/// A complete response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Fields in order; names lower-case.
    pub headers: Vec<(String, String)>,
    /// The complete body.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum HttpError {
    /// Not granted: host, method, path, auth profile or resolved address.
    #[error("denied: {0}")]
    Denied(String),
    /// The request is malformed.
    #[error("invalid request: {0}")]
    Invalid(String),
    /// DNS, connection or TLS failed: nothing was sent.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// The connection broke during the exchange.
    #[error("interrupted: {0}")]
    Interrupted(String),
    /// No complete response in time.
    #[error("timed out: {0}")]
    Timeout(String),
    /// The body is over the limit.
    #[error("response too large: {0}")]
    ResponseTooLarge(String),
    /// Rate budget exhausted or circuit breaker open, for this many milliseconds.
    #[error("unavailable for {0} ms: rate budget exhausted or circuit breaker open")]
    Unavailable(u64),
    /// More look-ups than a delivery may make.
    #[error("limit exceeded: {0}")]
    LimitExceeded(String),
}

/// A recorded look-up: a replay returns it instead of using the network. It contains no secrets: credentials are never
/// part of it, and header fields that may echo them are removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The request.
    pub request: Request,
    /// The result.
    pub result: Result<Response, HttpError>,
    /// How long it took.
    pub duration_ms: u64,
}

/// The result of one attempt to send an outbox request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// The target answered; the response is the answer, whatever its status.
    Answered(Response),
    /// No final answer: retry, not before `after_ms` if the target set it.
    Retry {
        /// What happened, without secrets.
        error: String,
        /// The status, if there was a response.
        status: Option<u16>,
        /// How long the target asks to wait.
        after_ms: Option<u64>,
        /// Whether the target may have received the request.
        may_have_arrived: bool,
    },
    /// Nothing was sent: budget exhausted or breaker open. Does not count as an attempt.
    NotNow {
        /// When to retry.
        after_ms: u64,
    },
    /// A retry would not help: grants, configuration or the request must change.
    Failed {
        /// What happened and what to do, without secrets.
        error: String,
        /// Whether the target may have received the request.
        may_have_arrived: bool,
    },
}
