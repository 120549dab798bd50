//! `rollback`, and `outbox` for the requests that it holds.

use clap::{Args, Subcommand, ValueEnum};

use handoff_package::manifest::PackageName;

use super::WhoArgs;
use handoff_control::outbox::{OutboxId, OutboxState};
use handoff_model::names::{Generation, GroupName, InstallationName};
use handoff_model::scope::Scope;

/// Options of `rollback`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Needs no confirmation and no download: the previous version is kept ready. Once this command returns, nothing that the rolled-back version still computes takes effect, and none of its pending requests is sent; its events and dead letters are delivered again. Also works while the host is stopped.

Requests that the rolled-back version had not sent yet are held: look at them with `handoff outbox --state held`, then release or discard them. Requests that it sent, and emitted events that other connectors have handled, cannot be undone: --dry-run counts them beforehand, and the report lists what the others did. Emitted events that nobody has handled become dead letters of their recipients, with the code `withdrawn`; with --replay they are removed, because the older version emits its own. With --replay, events that others have handled are not emitted again, even if the older version would emit different ones: `handoff show NAME` counts these, and `handoff trace POSITION` shows how they differ.

State stays if the schema is the same. If it is not, or with --restore-state, every key and timer is restored to its value before the rolled-back version changed it.

Examples:
  handoff rollback web-leads
  handoff rollback web-leads --dry-run
  handoff rollback web-leads --to 1.0.0 --reason 'leads arrive without phone numbers'
  handoff rollback web-leads --restore-state --replay
  handoff rollback --package acme/leads             all installations that run its newest version here"
)]
pub(crate) struct RollbackArgs {
    /// The installation.
    #[arg(required_unless_present = "package", conflicts_with = "package")]
    pub name: Option<InstallationName>,
    /// All installations of this package whose active version is the newest one here, in one durable write.
    #[arg(long, value_name = "PUBLISHER/NAME")]
    pub package: Option<PackageName>,
    /// With --package: only installations of this group of rooftops.
    #[arg(long, value_name = "GROUP", requires = "package")]
    pub group: Option<GroupName>,
    /// With --package: the installations with this active version instead.
    #[arg(long, value_name = "VERSION", requires = "package")]
    pub from: Option<semver::Version>,
    /// The target generation, by number or version. Default: the previous generation (see `handoff show NAME`).
    #[arg(long, value_name = "GENERATION|VERSION", value_parser = back_to)]
    pub to: Option<BackTo>,
    /// Restore state and timers, even if the schema is the same.
    #[arg(long, conflicts_with = "keep_state")]
    pub restore_state: bool,
    /// Keep state and timers, even if the older version has a different schema.
    #[arg(long)]
    pub keep_state: bool,
    /// Deliver the events of the rolled-back version again. Requests for them keep their idempotency keys.
    #[arg(long)]
    pub replay: bool,
    /// Report what would happen and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// The author and the reason.
    #[command(flatten)]
    pub who: WhoArgs,
}

/// The target of a rollback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BackTo {
    /// The generation with this number.
    Generation(Generation),
    /// The newest earlier generation with this version.
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
    /// The subcommand. Without it, list requests.
    #[command(subcommand)]
    pub command: Option<OutboxCommand>,
    /// Options of the list.
    #[command(flatten)]
    pub list: OutboxListArgs,
}

/// Subcommands of `outbox`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum OutboxCommand {
    /// List requests. This is the default.
    List(OutboxListArgs),
    /// Show a request with its content and the event that caused it.
    Show(OutboxShowArgs),
    /// Release held requests, so that they are sent.
    Release(ReleaseArgs),
    /// Discard held requests permanently.
    Discard(DiscardHeldArgs),
}

/// Selects outbox requests for the list.
#[derive(Clone, Debug, Args)]
pub(crate) struct OutboxListArgs {
    /// Only requests of this installation.
    #[arg(long, short = 'i', value_name = "NAME")]
    pub installation: Option<InstallationName>,
    /// Only requests of this rooftop, or of a group as group:NAME.
    #[arg(long, value_name = "ROOFTOP")]
    pub rooftop: Option<Scope>,
    /// Only requests in this state.
    #[arg(long, value_name = "STATE")]
    pub state: Option<OutboxStateArg>,
    /// Maximum number of requests, up to 1000.
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
    /// The id, as shown by `handoff outbox`: installation/position.
    #[arg(value_name = "ID")]
    pub id: OutboxId,
}

/// The state of an outbox request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutboxStateArg {
    /// Waits to be sent or retried.
    Pending,
    /// Held by a rollback until someone releases or discards it.
    Held,
    /// The target answered.
    Answered,
    /// Its attempts are used up, or the target refused it permanently.
    Failed,
    /// Was held and then discarded by a person, or replaced by a newer request.
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

/// Selects held requests.
#[derive(Clone, Debug, Args)]
pub(crate) struct PickHeldArgs {
    /// Ids, as shown by `handoff outbox`: installation/position.
    #[arg(value_name = "ID", required_unless_present = "installation", conflicts_with = "installation")]
    pub ids: Vec<OutboxId>,
    /// All held requests of an installation.
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
    /// The requests.
    #[command(flatten)]
    pub pick: PickHeldArgs,
    /// The author and the reason.
    #[command(flatten)]
    pub who: WhoArgs,
    /// Release all requests of an installation without confirmation.
    #[arg(long, short = 'y')]
    pub yes: bool,
}

/// Options of `outbox discard`.
#[derive(Clone, Debug, Args)]
#[command(
    override_usage = "handoff outbox discard [OPTIONS] --reason <TEXT> <ID>...\n       handoff outbox discard [OPTIONS] --reason <TEXT> --installation <NAME>"
)]
#[command(after_help = "They are never sent. This cannot be undone.

Examples:
  handoff outbox discard bdc-list/1044 --reason 'wrong phone number'
  handoff outbox discard --installation bdc-list --reason 'all by the bad release' --yes")]
pub(crate) struct DiscardHeldArgs {
    /// The requests.
    #[command(flatten)]
    pub pick: PickHeldArgs,
    /// The reason, in one sentence. Recorded in the history.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// A note beside your name in the history, for example the person that you act for. The host identifies you itself.
    #[arg(long, value_name = "NOTE", env = "HANDOFF_BY", hide_env_values = true)]
    pub by: Option<String>,
    /// Discard all requests of an installation without confirmation.
    #[arg(long, short = 'y')]
    pub yes: bool,
}
