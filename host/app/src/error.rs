//! Errors of use cases. Knows no HTTP: the `api` crate assigns each error a status.

use handoff_config::ConfigErrors;
use handoff_store::StoreError;

/// A refused or failed use case. Nothing took effect unless the message says so.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The named thing does not exist.
    #[error("there is no {what}")]
    NotFound {
        /// Its kind and name, for example ``installation `web-leads` ``.
        what: String,
    },
    /// The input is invalid.
    #[error("{message}")]
    Invalid {
        /// What was found and what was expected.
        message: String,
        /// The input field at fault, with dots between levels, if it is one field.
        field: Option<String>,
        /// All faults, if there are several.
        problems: Vec<Fault>,
    },
    /// The input is valid, but the host's rules forbid the operation.
    #[error("{message}")]
    Refused {
        /// A kebab-case code for programs, for example `quarantined`.
        code: &'static str,
        /// The rule, and what to do.
        message: String,
    },
    /// The object was changed meanwhile, or its state does not allow the operation.
    #[error("{message}")]
    Conflict {
        /// The current state, and what to do.
        message: String,
    },
    /// Too much work is in progress. The same request may succeed later.
    #[error("{message}")]
    Busy {
        /// What is full.
        message: String,
        /// The time to wait before a retry, in milliseconds.
        retry_after_ms: u64,
    },
    /// The whole host is at capacity. The same request may succeed later. Not logged, because busy senders would fill
    /// the log.
    #[error("{message}")]
    Full {
        /// What is full.
        message: String,
    },
    /// The caller is not authenticated.
    #[error("{message}")]
    Unauthorized {
        /// Which credential is missing or wrong, never the correct one.
        message: String,
    },
    /// A size limit is exceeded.
    #[error("{message}")]
    TooLarge {
        /// The size and the limit.
        message: String,
    },
    /// The host cannot do this at the moment. Its operator has to fix the cause.
    #[error("{message}")]
    Unavailable {
        /// The message for the caller.
        message: String,
        /// The cause for the operator, in the host's log. May be empty.
        cause: String,
    },
    /// A registry did not answer or gave an invalid answer. The same request may succeed later or with another
    /// registry.
    #[error("{message}")]
    Registry {
        /// Which registry, and what happened.
        message: String,
    },
    /// The operation needs a running host, and the host is stopped.
    #[error("the host is stopped, and this needs a running one: start it with `handoff serve`")]
    HostStopped,
    /// The host is shutting down and accepts no more requests.
    #[error("the host is stopping: try again once it is back")]
    Stopping,
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] StoreError),
    /// A bug in the host.
    #[error("the host failed: {0}")]
    Internal(String),
}

/// One of several faults of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The input field at fault, with dots between levels.
    pub field: Option<String>,
    /// What is wrong and what was expected.
    pub detail: String,
}

/// The time that a sender waits before it retries a full queue, in milliseconds.
const QUEUE_RETRY_MS: u64 = 5_000;

impl AppError {
    /// There is no installation of this name.
    #[must_use]
    pub fn no_installation(name: impl std::fmt::Display) -> Self {
        Self::NotFound { what: format!("installation `{name}`") }
    }

    /// A single invalid field.
    #[must_use]
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), field: Some(field.into()), problems: Vec::new() }
    }

    /// The error with all its details on one line, for the report of a change of several installations.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::Invalid { message, problems, .. } if !problems.is_empty() => {
                let faults: Vec<String> = problems
                    .iter()
                    .map(|fault| format!("{}: {}", fault.field.as_deref().unwrap_or("settings"), fault.detail))
                    .collect();
                format!("{message}: {}", faults.join("; "))
            }
            // Details of internal errors are only for the host's own log.
            Self::Store(_) | Self::Internal(_) => {
                tracing::error!(error = self.chain(), "a change of several installations failed in part");
                "the host failed; its log says why".to_owned()
            }
            other => other.to_string(),
        }
    }

    /// The message with all its causes, for the host's own log.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut next = std::error::Error::source(self);
        while let Some(error) = next {
            text.push_str(": ");
            text.push_str(&error.to_string());
            next = error.source();
        }
        if let Self::Unavailable { cause, .. } = self
            && !cause.is_empty()
        {
            text.push_str(": ");
            text.push_str(cause);
        }
        text
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoInstallation(name) => Self::no_installation(name),
            StoreError::NotWaiting { .. } | StoreError::NoTimer { .. } => {
                Self::NotFound { what: format!("such thing: {error}") }
            }
            StoreError::NoDeadLetter(_)
            | StoreError::NoHeldRequest(_)
            | StoreError::RollbackUnderWay(_)
            | StoreError::MigrationConflict(_)
            | StoreError::GenerationMoved { .. }
            | StoreError::OtherScope { .. }
            | StoreError::Paused(_) => Self::Conflict { message: error.to_string() },
            StoreError::QueueFull { .. } => Self::Busy { message: error.to_string(), retry_after_ms: QUEUE_RETRY_MS },
            StoreError::QueuesFull { .. } => Self::Full { message: error.to_string() },
            StoreError::NotExported { .. } => Self::Refused { code: "not-exported", message: error.to_string() },
            StoreError::Stopped(cause) => Self::Unavailable {
                message: "the host's disk failed: nothing was taken, and nothing is until the host is started again"
                    .to_owned(),
                cause,
            },
            other => Self::Store(other),
        }
    }
}

impl From<ConfigErrors> for AppError {
    fn from(errors: ConfigErrors) -> Self {
        let fault = |problem: &handoff_config::Problem| Fault {
            field: Some(problem.location.field.clone()).filter(|field| !field.is_empty()),
            detail: format!("found {}, expected {}; {}", problem.found, problem.expected, problem.advice),
        };
        let problems: Vec<Fault> = errors.problems.iter().map(fault).collect();
        let count = problems.len();
        let message = format!("the settings are not usable: {count} problem{}", if count == 1 { "" } else { "s" });
        let field = problems.first().filter(|_| count == 1).and_then(|fault| fault.field.clone());
        Self::Invalid { message, field, problems }
    }
}
