//! Why a host gave no usable answer, and what is known of what it was asked. Decides no exit code.

use crate::problem::Problem;

/// Why there is no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection, or it broke.
    #[error("the host at {target} cannot be reached: {reason}")]
    Unreachable {
        /// Where.
        target: String,
        /// What the system said.
        reason: String,
        /// True if nothing listens there (no such socket, connection refused); false if it may be at work.
        nobody_listens: bool,
    },
    /// The connection broke after a request that changes something was sent, and before its answer came.
    #[error(
        "the connection to the host at {target} broke before it answered ({reason}): whether it did what was asked is not known"
    )]
    Broken {
        /// Where.
        target: String,
        /// What the system said.
        reason: String,
    },
    /// The host took the request and did not answer in time.
    #[error("the host at {target} did not answer within {seconds} s; what was asked may still happen")]
    TimedOut {
        /// Where.
        target: String,
        /// How long it had.
        seconds: u64,
    },
    /// The host refused, and says why.
    #[error(transparent)]
    Problem(#[from] Box<Problem>),
    /// The answer is none that a host of this version gives.
    #[error("the answer of {target} is not a Handoff host's: {reason}")]
    Unexpected {
        /// Where.
        target: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The client cannot be set up.
    #[error("{0}")]
    Setup(String),
}

impl ClientError {
    /// The same of a request that changes nothing: nothing can have come of it, and asking again does no harm.
    pub(super) fn of_a_look(self) -> Self {
        match self {
            Self::Broken { target, reason } => Self::Unreachable { target, reason, nobody_listens: false },
            other => other,
        }
    }
}
