//! Why a delivery did not commit, and which failure each error of the SDK becomes.

use crate::{HttpError, OutboxError, StateError, limits};

/// Why a delivery did not commit. Nothing that it wrote, emitted or sent takes effect.
///
/// Codes are stable kebab-case words of at most 64 bytes, because metrics count by them. Messages are for people: what
/// happened and what was expected, never personal data or secrets; the SDK shortens them to 2 KiB.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Retry later, with exponential back-off; a dead letter after the configured number of attempts.
    #[error("retry ({code}): {message}")]
    Retry {
        /// For example `crm-down`.
        code: String,
        /// What happened.
        message: String,
        /// Earliest next attempt, in milliseconds from the failure.
        after_ms: Option<u64>,
    },
    /// This event can never succeed: a dead letter at once.
    #[error("reject ({code}): {message}")]
    Reject {
        /// For example `adf-truncated`.
        code: String,
        /// What happened.
        message: String,
    },
    /// The installation cannot work with its config: the host pauses it and raises an incident; the event waits.
    #[error("misconfigured: {message}")]
    Misconfigured {
        /// Names the config field, its value and what was expected.
        message: String,
    },
}

impl Failure {
    /// Retry later: the target is down, a rate limit, an external conflict.
    pub fn retry(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Retry { code: code.into(), message: cut(message.into()), after_ms: None }
    }

    /// This event can never succeed.
    pub fn reject(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Reject { code: code.into(), message: cut(message.into()) }
    }

    /// The installation cannot work with its config.
    pub fn misconfigured(message: impl Into<String>) -> Self {
        Self::Misconfigured { message: cut(message.into()) }
    }

    /// Sets the minimum delay of the next attempt, in milliseconds. The other two failures have no next attempt and are
    /// unchanged.
    #[must_use]
    pub fn after_ms(mut self, milliseconds: u64) -> Self {
        if let Self::Retry { after_ms, .. } = &mut self {
            *after_ms = Some(milliseconds);
        }
        self
    }

    /// The code; that of `misconfigured` is fixed.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Retry { code, .. } | Self::Reject { code, .. } => code,
            Self::Misconfigured { .. } => "misconfigured",
        }
    }

    /// The text for people.
    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            Self::Retry { message, .. } | Self::Reject { message, .. } | Self::Misconfigured { message } => message,
        }
    }
}

/// Shortens to the contract's limit, on a character boundary.
fn cut(mut message: String) -> String {
    if message.len() > limits::FAILURE_MESSAGE_BYTES_MAX {
        message.truncate(message.floor_char_boundary(limits::FAILURE_MESSAGE_BYTES_MAX));
    }
    message
}

impl From<StateError> for Failure {
    /// The same event reaches the same limits again: a retry cannot help.
    fn from(error: StateError) -> Self {
        let code = match &error {
            StateError::InvalidKey(_) => "state-invalid-key",
            StateError::ValueTooLarge(_) => "state-value-too-large",
            StateError::LimitExceeded(_) => "state-limit-exceeded",
            StateError::NotJson(_) => "state-not-json",
        };
        Self::reject(code, error.to_string())
    }
}

/// How the host's text begins when the path of a request is not granted, although its host and method are: then the
/// event holds something that the target's paths do not allow for.
const PATH_DENIED: &str = "path:";

impl From<OutboxError> for Failure {
    /// An operator can add a missing grant. A path that is not granted, and anything else, would fail again for the same
    /// event, and only for that.
    fn from(error: OutboxError) -> Self {
        match &error {
            OutboxError::Denied(text) if text.starts_with(PATH_DENIED) => {
                Self::reject("path-not-granted", error.to_string())
            }
            OutboxError::Denied(_) => Self::misconfigured(error.to_string()),
            OutboxError::Invalid(_) => Self::reject("outbox-invalid", error.to_string()),
            OutboxError::LimitExceeded(_) => Self::reject("outbox-limit-exceeded", error.to_string()),
        }
    }
}

impl From<HttpError> for Failure {
    /// Problems of the target or the network are retried; problems of the request are not.
    fn from(error: HttpError) -> Self {
        let text = error.to_string();
        match error {
            HttpError::Denied(denied) if denied.starts_with(PATH_DENIED) => Self::reject("path-not-granted", text),
            HttpError::Denied(_) => Self::misconfigured(text),
            HttpError::Invalid(_) => Self::reject("http-invalid", text),
            HttpError::Unreachable(_) => Self::retry("http-unreachable", text),
            HttpError::Timeout(_) => Self::retry("http-timeout", text),
            HttpError::ResponseTooLarge(_) => Self::reject("http-response-too-large", text),
            HttpError::Unavailable(after) => Self::retry("http-unavailable", text).after_ms(after),
            HttpError::LimitExceeded(_) => Self::reject("http-limit-exceeded", text),
        }
    }
}
