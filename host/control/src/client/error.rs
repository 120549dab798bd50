//! Why a host gave no usable answer, and what is known of what it was asked. Decides no exit code.

use std::io::ErrorKind;
use std::time::Duration;

use super::Target;
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
    pub(super) fn of_a_read(self) -> Self {
        match self {
            Self::Broken { target, reason } => Self::Unreachable { target, reason, nobody_listens: false },
            other => other,
        }
    }

    /// What became of a request whose exchange failed.
    pub(super) fn of_transport(at: &Target, error: &reqwest::Error, timeout: Duration) -> Self {
        let target = at.to_string();
        if error.is_timeout() && !error.is_connect() {
            return Self::TimedOut { target, seconds: timeout.as_secs() };
        }
        let io = io_kind(error);
        let nobody_listens = matches!(io, Some(ErrorKind::NotFound | ErrorKind::ConnectionRefused));
        let reason = match (at, io) {
            (Target::Socket(_), Some(ErrorKind::NotFound)) => "there is no such socket".to_owned(),
            (Target::Socket(_), Some(ErrorKind::ConnectionRefused)) => "nobody listens on the socket".to_owned(),
            (Target::Socket(path), Some(ErrorKind::PermissionDenied)) => {
                format!("this user may not open it; run as the user or group that owns {}", path.display())
            }
            _ => innermost(error),
        };
        let was_sent = !error.is_connect() && !nobody_listens && io != Some(ErrorKind::PermissionDenied);
        if was_sent { Self::Broken { target, reason } } else { Self::Unreachable { target, reason, nobody_listens } }
    }
}

fn io_kind(error: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<std::io::Error>()
            && io.kind() != ErrorKind::Other
        {
            return Some(io.kind());
        }
        next = error.source();
    }
    None
}

fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
