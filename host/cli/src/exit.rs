//! How a command ends: exit codes and the errors behind them. Shows nothing itself.

use std::process::ExitCode;

use handoff_app::error::AppError;
use handoff_control::client::ClientError;
use handoff_control::problem::Problem;
use handoff_server::reply::Refusal;

/// Exit codes, the same for every command. `handoff --help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Ok,
    /// The operation failed.
    Failed,
    /// Wrong arguments.
    Usage,
    /// No such installation, package, version, event or dead letter.
    NotFound,
    /// No host answers, or its answer was lost.
    Unreachable,
    /// Refused, or a person has to agree first.
    Refused,
    /// Configuration, settings or package are not usable.
    Invalid,
    /// The host is busy or recovering: the same command may succeed later.
    Busy,
    /// Ended with Ctrl-C.
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

/// Why a command did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub(crate) struct CliError {
    /// How the process ends.
    pub exit: Exit,
    /// What to show: as text, or with `--json` as it is.
    pub problem: Box<Problem>,
    /// What the reader can do about it.
    pub hint: Option<String>,
    /// True if the detail tells every fault already: as text, the list of faults would say it twice.
    pub told: bool,
}

impl CliError {
    /// An error with the exit code that fits `word`'s kind of problem.
    pub(crate) fn new(exit: Exit, word: &str, title: &str, detail: impl Into<String>) -> Self {
        Self { exit, problem: Box::new(Problem::new(0, word, title, detail)), hint: None, told: false }
    }

    /// The operation failed.
    pub(crate) fn failed(detail: impl Into<String>) -> Self {
        Self::new(Exit::Failed, "failed", "The operation failed", detail)
    }

    /// Arguments that do not go together.
    pub(crate) fn usage(detail: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", "Wrong arguments", detail)
    }

    /// A file that is not usable.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Exit::Invalid, "invalid", "Not usable", detail)
    }

    /// A person has to agree first.
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
            ClientError::Unreachable { nobody_listens, .. } => {
                let hint = if nobody_listens {
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

/// Errors of use cases that run in this process, as the control API would have told them.
impl From<AppError> for CliError {
    fn from(error: AppError) -> Self {
        // Here the reader is the operator: the causes are for them.
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
