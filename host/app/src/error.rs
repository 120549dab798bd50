//! Why a use case did not do what it was asked, in the words of the host. Knows no HTTP: `api` gives each a status.

use handoff_config::ConfigErrors;
use handoff_store::StoreError;

/// A refused or failed use case. Nothing took effect, unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// There is no such thing.
    #[error("there is no {what}")]
    NotFound {
        /// What, with its name, for example ``installation `web-leads` ``.
        what: String,
    },
    /// The input is not usable.
    #[error("{message}")]
    Invalid {
        /// What happened and what was expected.
        message: String,
        /// The input field at fault, dotted, if it is one.
        field: Option<String>,
        /// Every fault, when there are several.
        problems: Vec<Fault>,
    },
    /// The input is fine and the host's rules forbid it.
    #[error("{message}")]
    Refused {
        /// Kebab-case word for programs, for example `quarantined`.
        code: &'static str,
        /// What forbids it, and what to do.
        message: String,
    },
    /// Someone else changed the thing in between, or its state does not allow this.
    #[error("{message}")]
    Conflict {
        /// What it is now, and what to do.
        message: String,
    },
    /// Too much is under way: the same may succeed later.
    #[error("{message}")]
    Busy {
        /// What is full.
        message: String,
        /// After which time, in milliseconds, to try again.
        retry_after_ms: u64,
    },
    /// The whole host is full: the same may succeed later. Not logged: whoever sends most would fill the log.
    #[error("{message}")]
    Full {
        /// What is full.
        message: String,
    },
    /// The sender did not prove who it is.
    #[error("{message}")]
    Unauthorized {
        /// Which proof is missing or wrong; never what would be right.
        message: String,
    },
    /// More than the bounds allow.
    #[error("{message}")]
    TooLarge {
        /// How much there is, and the bound.
        message: String,
    },
    /// The host cannot do this at the moment, for a reason that its operator has to mend.
    #[error("{message}")]
    Unavailable {
        /// For the sender.
        message: String,
        /// For the operator, in the host's log; may be empty.
        cause: String,
    },
    /// A registry did not answer, or not as it should; the same may succeed later, or with another registry.
    #[error("{message}")]
    Registry {
        /// Which registry, and what happened.
        message: String,
    },
    /// The host is stopped, and this needs one that runs.
    #[error("the host is stopped, and this needs a running one: start it with `handoff serve`")]
    HostStopped,
    /// The host ends; it takes nothing more.
    #[error("the host is stopping: try again once it is back")]
    Stopping,
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] StoreError),
    /// A mistake in the host itself.
    #[error("the host failed: {0}")]
    Internal(String),
}

/// One of several faults of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The input field at fault, dotted.
    pub field: Option<String>,
    /// What is wrong, what was expected.
    pub detail: String,
}

/// How long a sender waits before it tries a full queue again, in milliseconds.
const QUEUE_RETRY_MS: u64 = 5_000;

impl AppError {
    /// There is no installation of this name.
    #[must_use]
    pub fn no_installation(name: impl std::fmt::Display) -> Self {
        Self::NotFound { what: format!("installation `{name}`") }
    }

    /// One field is not usable.
    #[must_use]
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), field: Some(field.into()), problems: Vec::new() }
    }

    /// The message with all causes: for the host's own log.
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
            StoreError::NoDeadLetter(_)
            | StoreError::NoHeldRequest(_)
            | StoreError::RollbackUnderWay(_)
            | StoreError::MigrationConflict(_)
            | StoreError::GenerationMoved { .. }
            | StoreError::Paused(_) => Self::Conflict { message: error.to_string() },
            StoreError::QueueFull { .. } => Self::Busy { message: error.to_string(), retry_after_ms: QUEUE_RETRY_MS },
            StoreError::QueuesFull { .. } => Self::Full { message: error.to_string() },
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
