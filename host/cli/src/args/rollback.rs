//! `rollback`, and what it leaves to decide: the requests that it holds.

use clap::{Args, Subcommand, ValueEnum};

use super::WhoArgs;
use handoff_control::outbox::{OutboxId, OutboxState};
use handoff_model::names::{Generation, InstallationName};

/// Options of `rollback`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Asks nothing and downloads nothing: the version before is kept ready. From the moment that this command answers, nothing that the left version still computes takes effect and nothing that it wanted to send leaves; its events and dead letters are delivered again. Also works while the host is stopped.

Requests that the left version did not get to send are held: look at them with `handoff outbox --state held`, then release or discard them. What it did send, and the events that it gave to others, nothing takes back: --dry-run counts them beforehand. With --replay, events that the left version emitted were delivered already and are not emitted again, even where the older version makes other ones: `handoff show NAME` counts these, and `handoff trace POSITION` shows how they differ.

State stays if the schema is the same. If it is not, or with --restore-state, every key and timer becomes what it was before the left version changed it.

Examples:
  handoff rollback web-leads
  handoff rollback web-leads --dry-run
  handoff rollback web-leads --to 1.0.0 --reason 'leads arrive without phone numbers'
  handoff rollback web-leads --restore-state --replay"
)]
pub(crate) struct RollbackArgs {
    /// The installation.
    pub name: InstallationName,
    /// The generation to go back to, by number or version; without it, the one before (see `handoff show NAME`).
    #[arg(long, value_name = "GENERATION|VERSION", value_parser = back_to)]
    pub to: Option<BackTo>,
    /// Put state and timers back to what they were, also if the schema is the same.
    #[arg(long, conflicts_with = "keep_state")]
    pub restore_state: bool,
    /// Keep state and timers, also if the older version knows another schema.
    #[arg(long)]
    pub keep_state: bool,
    /// Deliver the events that the left version handled again. What was sent for them keeps its idempotency key.
    #[arg(long)]
    pub replay: bool,
    /// Say what would happen; change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Who and why.
    #[command(flatten)]
    pub who: WhoArgs,
}

/// Where to go back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BackTo {
    /// A generation.
    Generation(Generation),
    /// The newest earlier generation of a version.
    Version(semver::Version),
}

fn back_to(text: &str) -> Result<BackTo, String> {
    match (text.parse(), semver::Version::parse(text)) {
        (Ok(number @ 1..), _) => Ok(BackTo::Generation(Generation(number))),
        (_, Ok(version)) => Ok(BackTo::Version(version)),
        _ => Err(
            "expected the number of a generation, 1 or more, or a version like 1.0.0; `handoff show NAME` lists them"
                .to_owned(),
        ),
    }
}

/// Options of `outbox`.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  handoff outbox
  handoff outbox --installation bdc-list --state failed
  handoff outbox --state held                         what a rollback kept back
  handoff outbox show bdc-list/1044                   what is in it, and why it was written
  handoff outbox release bdc-list/1044 bdc-list/1047
  handoff outbox discard --installation bdc-list --reason 'wrong phone numbers'")]
pub(crate) struct OutboxArgs {
    /// What to do; without it, list.
    #[command(subcommand)]
    pub command: Option<OutboxCommand>,
    /// Which to list.
    #[command(flatten)]
    pub list: OutboxListArgs,
}

/// What to do with outbox requests.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum OutboxCommand {
    /// List them, as without a command.
    List(OutboxListArgs),
    /// Show one with what it holds and the event that led to it.
    Show(OutboxShowArgs),
    /// Send held requests after all.
    Release(ReleaseArgs),
    /// Give held requests up, for good.
    Discard(DiscardHeldArgs),
}

/// Which outbox requests to list.
#[derive(Clone, Debug, Args)]
pub(crate) struct OutboxListArgs {
    /// Only of this installation.
    #[arg(long, short = 'i', value_name = "NAME")]
    pub installation: Option<InstallationName>,
    /// Only in this state.
    #[arg(long, value_name = "STATE")]
    pub state: Option<OutboxStateArg>,
    /// At most so many, up to 1000.
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: Option<u32>,
}

/// Options of `outbox show`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "As the connector wrote it: the host adds credentials only when it sends, so they are not here.

Examples:
  handoff outbox show bdc-list/1044
  handoff outbox show bdc-list/1044 --json")]
pub(crate) struct OutboxShowArgs {
    /// Which, as `handoff outbox` names it: installation/position.
    #[arg(value_name = "ID")]
    pub id: OutboxId,
}

/// How an outbox request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutboxStateArg {
    /// Waits to be sent, for the first time or again.
    Pending,
    /// Kept back by a rollback until someone releases or discards it.
    Held,
    /// The target answered.
    Answered,
    /// Given up, or refused for good.
    Failed,
    /// Was held and given up by a person, or replaced by a newer one.
    Discarded,
}

impl From<OutboxStateArg> for OutboxState {
    fn from(state: OutboxStateArg) -> Self {
        match state {
            OutboxStateArg::Pending => Self::Pending,
            OutboxStateArg::Held => Self::Held,
            OutboxStateArg::Answered => Self::Answered,
            OutboxStateArg::Failed => Self::Failed,
            OutboxStateArg::Discarded => Self::Discarded,
        }
    }
}

/// Picks held requests.
#[derive(Clone, Debug, Args)]
pub(crate) struct PickHeldArgs {
    /// These, as `handoff outbox` names them: installation/position.
    #[arg(value_name = "ID", required_unless_present = "installation", conflicts_with = "installation")]
    pub ids: Vec<OutboxId>,
    /// All of an installation.
    #[arg(long, short = 'i', value_name = "NAME")]
    pub installation: Option<InstallationName>,
}

/// Options of `outbox release`.
#[derive(Clone, Debug, Args)]
#[command(
    override_usage = "handoff outbox release [OPTIONS] <ID>...\n       handoff outbox release [OPTIONS] --installation <NAME>"
)]
#[command(
    after_help = "They are sent with the idempotency key that they had: a target that has one already does nothing twice.

Examples:
  handoff outbox release bdc-list/1044
  handoff outbox release --installation bdc-list --reason 'checked by maria'"
)]
pub(crate) struct ReleaseArgs {
    /// Which.
    #[command(flatten)]
    pub pick: PickHeldArgs,
    /// Who and why.
    #[command(flatten)]
    pub who: WhoArgs,
    /// Do not ask before all of an installation are sent.
    #[arg(long, short = 'y')]
    pub yes: bool,
}

/// Options of `outbox discard`.
#[derive(Clone, Debug, Args)]
#[command(
    override_usage = "handoff outbox discard [OPTIONS] --reason <TEXT> <ID>...\n       handoff outbox discard [OPTIONS] --reason <TEXT> --installation <NAME>"
)]
#[command(after_help = "They are never sent. There is no way back.

Examples:
  handoff outbox discard bdc-list/1044 --reason 'wrong phone number'
  handoff outbox discard --installation bdc-list --reason 'all by the bad release' --yes")]
pub(crate) struct DiscardHeldArgs {
    /// Which.
    #[command(flatten)]
    pub pick: PickHeldArgs,
    /// Why, in a sentence; kept in the history.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// A note beside your name in the history, for example for whom you act. The host itself finds out who you are.
    #[arg(long, value_name = "NOTE", env = "HANDOFF_BY", hide_env_values = true)]
    pub by: Option<String>,
    /// Do not ask before all of an installation are given up.
    #[arg(long, short = 'y')]
    pub yes: bool,
}
