//! Commands that change something. Each records the author and the reason in the history.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use handoff_control::dead_letters::DeadLetterId;
use handoff_model::names::{GroupName, InstallationName};

/// The author of a change and its reason.
#[derive(Clone, Debug, Args)]
pub(crate) struct WhoArgs {
    /// The reason, in one sentence. Recorded in the history.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// A note beside your name in the history, for example the person that you act for. The host identifies you itself.
    #[arg(long, value_name = "NOTE", env = "HANDOFF_BY", hide_env_values = true)]
    pub by: Option<String>,
}

/// Options of `install`.
#[derive(Clone, Debug, Args)]
#[command(
    override_usage = "handoff install [OPTIONS] --settings <FILE> [NAME] <PACKAGE>\n       handoff install [OPTIONS] --settings <FILE> --digest <SHA256> <NAME>",
    after_help = "Shows what the package asks for and runs its own check before anything changes. What the settings file does not name needs your yes: at the prompt, or with --yes. Without a terminal and without --yes the command ends with 5.

If the installation exists, its next generation is made: with another package an upgrade, with the same one a change of settings. Events in flight finish or are delivered again; none is lost or doubled.

PACKAGE is a file (`leads.wasm`, `./dir/leads`), or PUBLISHER/NAME of a registry, with @ and the versions that will do: acme/leads@1.2 means ^1.2, as Cargo writes it. Of a registry only what a trusted key signed is taken (`handoff trust`). Without NAME, the installation is called as the package after the slash.

Examples:
  handoff install web-leads adf-leads.wasm -s web-leads.toml
  handoff install acme/leads -s leads.toml
  handoff install web-leads acme/leads@~1.1.0 -s web-leads.toml --dry-run
  handoff install web-leads --digest sha256:9f2c… -s web-leads.toml --reason 'new CRM host'"
)]
pub(crate) struct InstallArgs {
    /// The new or existing installation, and its package. Without a name, the installation gets the name of the
    /// package. With --digest, give only the installation.
    #[arg(value_names = ["NAME", "PACKAGE"], num_args = 1..=2, required = true, value_hint = ValueHint::FilePath)]
    pub what: Vec<String>,
    /// The digest of a package that the host already has.
    #[arg(long, value_name = "SHA256")]
    pub digest: Option<String>,
    /// The name of the registry in the host's configuration. Default: the default registry.
    #[arg(long, value_name = "NAME", conflicts_with = "digest")]
    pub registry: Option<String>,
    /// Allow pre-releases.
    #[arg(long, conflicts_with = "digest")]
    pub pre_release: bool,
    /// The settings file: rooftop, config, grants, shares, webhooks, folders, schedules. `handoff check --example=settings`
    /// explains it.
    #[arg(long, short = 's', visible_alias = "with", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub settings: PathBuf,
    /// Install for this group of rooftops. The settings file then names no rooftop.
    #[arg(long, value_name = "NAME")]
    pub group: Option<GroupName>,
    /// Check everything, show the report and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Approve the permissions that the package requests.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// Allow a package that was rolled back.
    #[arg(long)]
    pub force: bool,
    /// The author and the reason.
    #[command(flatten)]
    pub who: WhoArgs,
}

/// Options of `pause` and `resume`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  handoff pause web-leads --reason 'CRM maintenance until 22:00'
  handoff resume web-leads")]
pub(crate) struct PauseArgs {
    /// The installation.
    pub name: InstallationName,
    /// The author and the reason.
    #[command(flatten)]
    pub who: WhoArgs,
}

/// Options of `retry-now`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Failed deliveries wait longer after each attempt, by default up to 5 minutes. Once the cause is gone, this delivers them now.\n\nExamples:
  handoff retry-now bdc-list --reason 'the CRM works again'"
)]
pub(crate) struct RetryNowArgs {
    /// The installation.
    pub name: InstallationName,
    /// The author and the reason.
    #[command(flatten)]
    pub who: WhoArgs,
}

/// Selects dead letters.
#[derive(Clone, Debug, Args)]
pub(crate) struct PickArgs {
    /// Ids, as shown by `handoff dead-letters`: installation/position.
    #[arg(value_name = "ID", required_unless_present_any = ["installation", "code"])]
    #[arg(conflicts_with_all = ["installation", "code"])]
    pub ids: Vec<DeadLetterId>,
    /// All dead letters of an installation.
    #[arg(long, short = 'i', value_name = "NAME")]
    pub installation: Option<InstallationName>,
    /// All dead letters with a failure code.
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
}

/// Options of `redrive`.
#[derive(Clone, Debug, Args)]
#[command(
    override_usage = "handoff redrive [OPTIONS] <ID>...\n       handoff redrive [OPTIONS] --installation <NAME>\n       handoff redrive [OPTIONS] --code <CODE>"
)]
#[command(after_help = "They wait again, in their old order per key, and go to the active version.

Examples:
  handoff redrive web-leads/1042 web-leads/1043
  handoff redrive --installation web-leads --code crm-unavailable")]
pub(crate) struct RedriveArgs {
    /// The dead letters.
    #[command(flatten)]
    pub pick: PickArgs,
    /// The author and the reason.
    #[command(flatten)]
    pub who: WhoArgs,
}

/// Options of `discard`.
#[derive(Clone, Debug, Args)]
#[command(
    override_usage = "handoff discard [OPTIONS] --reason <TEXT> <ID>...\n       handoff discard [OPTIONS] --reason <TEXT> --installation <NAME>\n       handoff discard [OPTIONS] --reason <TEXT> --code <CODE>"
)]
#[command(
    after_help = "Their events stay in the log until they are too old; they are not delivered any more. This cannot be undone.

Examples:
  handoff discard web-leads/1042 --reason 'test lead of the vendor'
  handoff discard --installation web-leads --code not-a-lead --reason 'spam' --yes"
)]
pub(crate) struct DiscardArgs {
    /// The dead letters.
    #[command(flatten)]
    pub pick: PickArgs,
    /// The reason, in one sentence. Recorded in the history.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// A note beside your name in the history, for example the person that you act for. The host identifies you itself.
    #[arg(long, value_name = "NOTE", env = "HANDOFF_BY", hide_env_values = true)]
    pub by: Option<String>,
    /// Discard all dead letters of an installation or code without confirmation.
    #[arg(long, short = 'y')]
    pub yes: bool,
}
