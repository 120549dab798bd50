//! Exit codes of commands and the errors behind them. Prints nothing itself.

use std::process::ExitCode;

use handoff_app::error::AppError;
use handoff_control::client::ClientError;
use handoff_control::problem::Problem;
use handoff_server::reply::Refusal;

/// Exit codes, the same for all commands. `handoff --help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Success.
    Ok,
    /// The operation failed.
    Failed,
    /// Wrong arguments.
    Usage,
    /// No such installation, package, version, event or dead letter.
    NotFound,
    /// No host answers, or the response was lost.
    Unreachable,
    /// Refused, or it needs approval.
    Refused,
    /// Configuration, settings or package are invalid.
    Invalid,
    /// The host is busy or recovering: the same command may succeed later.
    Busy,
    /// Interrupted with Ctrl-C.
    Interrupted,
}

impl Exit {
    /// The process's exit code.
    #[must_use]
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Unreachable => 4,
            Self::Refused => 5,
            Self::Invalid => 6,
            Self::Busy => 7,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub(crate) struct CliError {
    /// The exit code.
    pub exit: Exit,
    /// The problem: shown as text, or unchanged with `--json`.
    pub problem: Box<Problem>,
    /// Advice for the reader.
    pub hint: Option<String>,
    /// True if the detail already contains all faults, so that the text omits the list of faults.
    pub told: bool,
}

impl CliError {
    /// An error of the problem type `word`.
    pub(crate) fn new(exit: Exit, word: &str, title: &str, detail: impl Into<String>) -> Self {
        Self { exit, problem: Box::new(Problem::new(0, word, title, detail)), hint: None, told: false }
    }

    /// The operation failed.
    pub(crate) fn failed(detail: impl Into<String>) -> Self {
        Self::new(Exit::Failed, "failed", "The operation failed", detail)
    }

    /// Arguments that cannot be combined.
    pub(crate) fn usage(detail: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", "Wrong arguments", detail)
    }

    /// An invalid file.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Exit::Invalid, "invalid", "Not usable", detail)
    }

    /// The operation needs approval.
    pub(crate) fn needs_approval(detail: impl Into<String>) -> Self {
        Self::new(Exit::Refused, "needs-approval", "A person has to agree first", detail)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Problem(problem) => of_problem(problem),
            ClientError::Unreachable { is_down, .. } => {
                let hint = if is_down {
                    "start the host with `handoff serve`, or name the right one with --config, --socket or --url; \
                     `handoff doctor` looks for the cause"
                } else {
                    "check the address, the network and who may open the socket; `handoff doctor` looks for the cause"
                };
                Self::new(Exit::Unreachable, "host-unreachable", "No host answers", error.to_string()).hint(hint)
            }
            ClientError::Broken { .. } => {
                Self::new(Exit::Unreachable, "host-outcome-unknown", "The host did not answer", error.to_string()).hint(
                    "see that the host runs (`handoff status`), and look with `handoff audit` and `handoff show NAME` \
                     before you ask again: what it had made durable stays done",
                )
            }
            ClientError::TimedOut { .. } => {
                Self::new(Exit::Unreachable, "host-timed-out", "The host did not answer", error.to_string())
                    .hint("look with `handoff status` and `handoff show NAME` before you ask again")
            }
            ClientError::Unexpected { .. } => {
                Self::new(Exit::Failed, "unexpected-answer", "Not a host's answer", error.to_string())
                    .hint("check --url or --socket, and that host and command line are of the same version")
            }
            ClientError::Setup(detail) => Self::usage(detail),
        }
    }
}

/// Converts errors of use cases in this process as the control API would.
impl From<AppError> for CliError {
    fn from(error: AppError) -> Self {
        // The reader is the operator, so the error includes its causes.
        let chain = error.chain();
        let mut problem = Refusal::from(error).into_problem();
        if problem.status == 500 {
            problem.detail = chain;
        }
        of_problem(Box::new(problem))
    }
}

fn of_problem(problem: Box<Problem>) -> CliError {
    let is_stopped = problem.word() == Some("host-stopped");
    let (exit, hint) = match problem.status {
        _ if is_stopped => (Exit::Unreachable, Some("start the host with `handoff serve`")),
        404 | 410 => (Exit::NotFound, None),
        401 => (Exit::Refused, Some("the token is missing, wrong or expired: name its file with --token-file")),
        403 | 409 | 412 | 428 => (Exit::Refused, None),
        400 | 413 | 415 | 422 => (Exit::Invalid, None),
        429 | 503 => (Exit::Busy, Some("the host is busy or still recovering: try again in a moment")),
        _ => (Exit::Failed, None),
    };
    CliError { exit, problem, hint: hint.map(str::to_owned), told: false }
}
