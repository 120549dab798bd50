//! Errors of the client: why a host gave no valid response, and whether the request may have taken effect. Decides no
//! exit code.

use std::io::ErrorKind;
use std::time::Duration;

use super::Target;
use crate::problem::Problem;

/// Why there is no valid response.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection, or it was lost.
    #[error("the host at {target} cannot be reached: {reason}")]
    Unreachable {
        /// The address of the host.
        target: String,
        /// The error of the operating system.
        reason: String,
        /// True if nothing listens there (no such socket, connection refused). False if a host may be running.
        is_down: bool,
    },
    /// The connection was lost after a request for a change was sent and before its response arrived.
    #[error(
        "the connection to the host at {target} broke before it answered ({reason}): whether it did what was asked is not known"
    )]
    Broken {
        /// The address of the host.
        target: String,
        /// The error of the operating system.
        reason: String,
    },
    /// The host received the request and did not answer in time.
    #[error("the host at {target} did not answer within {seconds} s; what was asked may still happen")]
    TimedOut {
        /// The address of the host.
        target: String,
        /// The timeout in seconds.
        seconds: u64,
    },
    /// The host refused the request, with a reason.
    #[error(transparent)]
    Problem(#[from] Box<Problem>),
    /// The response is not one that a host of this version sends.
    #[error("the answer of {target} is not a Handoff host's: {reason}")]
    Unexpected {
        /// The address of the host.
        target: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The client cannot be created.
    #[error("{0}")]
    Setup(String),
}

impl ClientError {
    /// Converts an error of a read operation: it changed nothing, so a retry does no harm.
    pub(super) fn of_a_read(self) -> Self {
        match self {
            Self::Broken { target, reason } => Self::Unreachable { target, reason, is_down: false },
            other => other,
        }
    }

    /// Converts an error of the HTTP exchange, by what may have happened to the request.
    pub(super) fn of_transport(at: &Target, error: &reqwest::Error, timeout: Duration) -> Self {
        let target = at.to_string();
        if error.is_timeout() && !error.is_connect() {
            return Self::TimedOut { target, seconds: timeout.as_secs() };
        }
        let io = io_kind(error);
        let is_down = matches!(io, Some(ErrorKind::NotFound | ErrorKind::ConnectionRefused));
        let reason = match (at, io) {
            (Target::Socket(_), Some(ErrorKind::NotFound)) => "there is no such socket".to_owned(),
            (Target::Socket(_), Some(ErrorKind::ConnectionRefused)) => "nobody listens on the socket".to_owned(),
            (Target::Socket(path), Some(ErrorKind::PermissionDenied)) => {
                format!("this user may not open it; run as the user or group that owns {}", path.display())
            }
            _ => innermost(error),
        };
        let was_sent = !error.is_connect() && !is_down && io != Some(ErrorKind::PermissionDenied);
        if was_sent { Self::Broken { target, reason } } else { Self::Unreachable { target, reason, is_down } }
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
