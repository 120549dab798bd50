//! All commands with their options and help texts. Declares only; runs nothing.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

mod backup;
mod change;
mod clock;
mod develop;
mod failure_counts;
mod find;
mod gates;
mod history;
mod host;
mod incidents;
mod init;
mod mask;
mod read;
mod registry;
mod registry_server;
mod rollback;
mod send;
mod shadow;
mod uninstall;
mod upgrade;

pub(crate) use backup::{BackupArgs, RestoreArgs};
pub(crate) use change::{DiscardArgs, InstallArgs, PauseArgs, PickArgs, RedriveArgs, RetryNowArgs, WhoArgs};
pub(crate) use clock::{ClockArgs, Target as ClockTarget};
pub(crate) use develop::{DevArgs, NewArgs, PackArgs, TestArgs};
pub(crate) use failure_counts::FailureCountsArgs;
pub(crate) use find::FindArgs;
pub(crate) use gates::{GateAction, GatesArgs};
pub(crate) use history::{AuditArgs, AuditCommand, HistoryArgs};
pub(crate) use host::{BuildArgs, CheckArgs, DoctorArgs, ExampleArg, RepairArgs, ServeArgs};
pub(crate) use incidents::{IncidentAction, IncidentsArgs};
pub(crate) use init::{InitArgs, ManArgs};
pub(crate) use mask::MaskArgs;
pub(crate) use read::{DeadLettersArgs, EventsArgs, HooksArgs, ListArgs, LogsArgs, ShowArgs, TraceArgs};
pub(crate) use registry::{
    ApplyArgs, DeprecateArgs, ExactRef, InfoArgs, KeyArgs, KeysArgs, KeysCommand, LockArgs, LoginArgs, NextKeyArgs,
    PublishArgs, RegistryArgs, RenewArgs, SearchArgs, TrustAddArgs, TrustArgs, TrustCommand, TrustEndArgs,
    WithdrawArgs,
};
pub(crate) use registry_server::{
    AuthArg, RegistryBindArgs, RegistryCommand, RegistryDecideArgs, RegistryFailureCountsArgs, RegistryGcArgs,
    RegistryResetIndexArgs, RegistryServeArgs, RegistryServerArgs, RequestNamespaceArgs,
};
pub(crate) use rollback::{
    BackTo, DiscardHeldArgs, OutboxArgs, OutboxCommand, OutboxListArgs, OutboxShowArgs, PickHeldArgs, ReleaseArgs,
    RollbackArgs,
};
pub(crate) use send::{FireArgs, HookAction, HookArgs, SendArgs, SendHookArgs, SetAsideArgs, TimersAction, TimersArgs};
pub(crate) use shadow::{CandidateArgs, ReplayArgs, ShadowArgs};
pub(crate) use uninstall::UninstallArgs;
pub(crate) use upgrade::{UpgradeArgs, Wanted};

/// The default configuration file.
pub(crate) const CONFIG: &str = "handoff.toml";
/// The configuration file of an installed package.
pub(crate) const INSTALLED_CONFIG: &str = "/etc/handoff/handoff.toml";

/// The release and its commit.
pub(crate) const VERSION: &str = env!("HANDOFF_VERSION");

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the operation failed; for status and doctor, something needs attention
  2  wrong arguments
  3  no such installation, package, version, event or dead letter
  4  no host answers, or its answer was lost: look before you ask again
  5  refused, or a person has to agree first (--yes, or --approve CODE for exactly what was shown)
  6  configuration, settings file or package not usable
  7  the host is busy or recovering: the same command may succeed later
130  ended with Ctrl-C

With --json, answers go to standard output as the control API's JSON, and errors to standard error as problem details (RFC 9457).

Examples:
  handoff doctor                                    is this machine ready?
  handoff install web-leads adf-leads.wasm -s web-leads.toml
  handoff list                                      what is installed?
  handoff trace 1042                                what happened to event 1042?
  handoff rollback web-leads                        roll back to the previous version";

/// Runs handoffs between dealership systems as sandboxed, versioned connectors.
#[derive(Clone, Debug, Parser)]
#[command(name = "handoff", version = VERSION, propagate_version = true, max_term_width = 100, after_help = EXIT_CODES)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// Options of all commands.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of all commands.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// The host's configuration, which has to exist. Default: handoff.toml in the current folder, else
    /// /etc/handoff/handoff.toml, else no configuration.
    #[arg(long = "config", global = true, value_name = "FILE", env = "HANDOFF_CONFIG")]
    #[arg(value_hint = ValueHint::FilePath, hide_env_values = true)]
    pub given_config: Option<PathBuf>,
    /// The configuration in use: the given one or the default one.
    #[arg(skip = PathBuf::from(CONFIG))]
    pub config: PathBuf,
    /// The host's Unix socket. Overrides the configuration.
    #[arg(long, global = true, value_name = "PATH", conflicts_with = "url", env = "HANDOFF_SOCKET")]
    #[arg(value_hint = ValueHint::AnyPath, hide_env_values = true)]
    pub socket: Option<PathBuf>,
    /// The URL of a host on another machine, for example https://handoff.dealer.example:7420.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "HANDOFF_URL",
        requires = "token_file",
        hide_env_values = true
    )]
    #[arg(value_hint = ValueHint::Url)]
    pub url: Option<url::Url>,
    /// A file with the token for --url.
    #[arg(long, global = true, value_name = "FILE", env = "HANDOFF_TOKEN_FILE", hide_env_values = true)]
    #[arg(value_hint = ValueHint::FilePath)]
    pub token_file: Option<PathBuf>,
    /// Print JSON, for programs.
    #[arg(long, global = true, action = ArgAction::SetTrue)]
    pub json: bool,
    /// Show whole values in tables. Otherwise the middle of long ones is cut, so that a table fits the terminal; without a
    /// terminal it has the width of COLUMNS, or 80 columns.
    #[arg(long, global = true, action = ArgAction::SetTrue)]
    pub wide: bool,
    /// When to use colour. The default respects NO_COLOR.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    pub color: ColorWhen,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// All commands, in the order of typical use: run, change, inspect, repair, develop.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a configuration for a new host.
    Init(InitArgs),
    /// Run the host.
    Serve(ServeArgs),
    /// Check the configuration, and settings files against it.
    Check(CheckArgs),
    /// Check that this machine is ready to run a host.
    Doctor(DoctorArgs),
    /// Write a backup of the host's data while it runs.
    Backup(BackupArgs),
    /// Restore a backup into an empty data folder, or verify it.
    Restore(RestoreArgs),
    /// Check a stopped host's journal for damage, and discard damaged parts if necessary.
    Repair(RepairArgs),
    /// Show host status.
    #[command(
        after_help = "Ends with 1 while incidents are open or the host accepts nothing.\n\nExamples:\n  handoff status\n  handoff status --json | jq .counts"
    )]
    Status,
    /// Install a package, or change its settings.
    Install(InstallArgs),
    /// Upgrade or reconfigure an installation.
    Upgrade(UpgradeArgs),
    /// Roll back to the previous version.
    Rollback(RollbackArgs),
    /// Deliver the events that wait for a retry at once.
    RetryNow(RetryNowArgs),
    /// Pause deliveries to an installation; its events wait.
    Pause(PauseArgs),
    /// Resume deliveries to a paused installation.
    Resume(PauseArgs),
    /// End an installation, and remove its state and pending work.
    Uninstall(UninstallArgs),
    /// Manage the publishers whose packages this host accepts.
    Trust(TrustArgs),
    /// Print the exact installations of the host as a lock file.
    Lock(LockArgs),
    /// Bring installations to the state of a lock file.
    Apply(ApplyArgs),
    /// List installations.
    #[command(
        visible_alias = "ls",
        after_help = "If the host is stopped, it says so and ends as `handoff status` does: with 1 while incidents are open.\n\nExamples:\n  handoff list\n  handoff list --json"
    )]
    List(ListArgs),
    /// Show an installation: versions, permissions, queue and metrics.
    Show(ShowArgs),
    /// List the generations of an installation: author, time, reason and origin.
    History(HistoryArgs),
    /// List who changed what on this host, or verify the audit log.
    Audit(AuditArgs),
    /// List events, newest first, or show one.
    Events(EventsArgs),
    /// Find events and requests by a text: a number, an e-mail address, an id, a name.
    Find(FindArgs),
    /// Show all deliveries of an event, and all events that they emitted.
    Trace(TraceArgs),
    /// Run recorded deliveries on another version, without effects, and show what would differ.
    Shadow(ShadowArgs),
    /// Run one recorded delivery again, without effects, or export it as a test case.
    Replay(ReplayArgs),
    /// Show log messages of connectors.
    Logs(LogsArgs),
    /// List dead letters: deliveries that failed permanently.
    DeadLetters(DeadLettersArgs),
    /// Deliver dead letters again.
    Redrive(RedriveArgs),
    /// Discard dead letters.
    Discard(DiscardArgs),
    /// Make a dead letter of an event that waits, also in a paused installation.
    SetAside(SetAsideArgs),
    /// List outbox requests, or release or discard those that a rollback holds.
    Outbox(OutboxArgs),
    /// List the gates to targets, or open one that a target closed.
    Gates(GatesArgs),
    /// List webhooks accepted and refused, by hook, or show why those of one were refused.
    Hooks(HooksArgs),
    /// List timers, or fire one now.
    Timers(TimersArgs),
    /// Send an event to the host.
    Send(SendArgs),
    /// Send a webhook to an installation, signed as its sender would sign it.
    Hook(HookArgs),
    /// Search a registry for packages.
    Search(SearchArgs),
    /// Show a package in a registry: its versions, signers and changes.
    Info(InfoArgs),
    /// Show which counts of failures the host sends to publishers, or send them now.
    FailureCounts(FailureCountsArgs),
    /// List open incidents, or close one.
    Incidents(IncidentsArgs),
    /// Create a project for a connector.
    New(NewArgs),
    /// Build a connector into a package.
    Build(BuildArgs),
    /// Make a package of a component that another tool built.
    Pack(PackArgs),
    /// Mask personal data in events and cases.
    Mask(MaskArgs),
    /// Run a connector on a throw-away host, and swap in each change.
    Dev(DevArgs),
    /// Run the cases of a connector on the built component.
    Test(TestArgs),
    /// Run a registry, verify its packages, remove unreferenced data, or manage namespaces.
    Registry(RegistryServerArgs),
    /// Create and show publishing keys.
    Keys(KeysArgs),
    /// Log in to a registry.
    Login(LoginArgs),
    /// Sign a package and publish it to a registry.
    Publish(PublishArgs),
    /// Mark a published version as deprecated, or remove the mark.
    Deprecate(DeprecateArgs),
    /// Exclude a version from new installs.
    Yank(WithdrawArgs),
    /// Recall a version: warn every host that runs it.
    Recall(WithdrawArgs),
    /// Sign a package's version list again, to show that it is current.
    Renew(RenewArgs),
    /// Print a shell completion script.
    Completions(CompletionsArgs),
    /// Show the help of a command.
    #[command(after_help = "Examples:\n  handoff help\n  handoff help rollback\n  handoff help registry serve")]
    Help(HelpArgs),
    /// Show the release and its commit.
    #[command(after_help = "Examples:\n  handoff version\n  handoff version --json")]
    Version,
    /// Show or move the clock of a host that runs with a test clock.
    #[command(hide = true)]
    Clock(ClockArgs),
    /// Write the man pages of all commands into a folder.
    #[command(hide = true)]
    Man(ManArgs),
}

/// Options of `help`.
#[derive(Clone, Debug, Args)]
pub(crate) struct HelpArgs {
    /// The command, with its subcommand if it has any.
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// Options of `completions`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  handoff completions bash > /etc/bash_completion.d/handoff
  handoff completions zsh > ~/.zfunc/_handoff
  handoff completions fish > ~/.config/fish/completions/handoff.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell.
    pub shell: Shell,
}
