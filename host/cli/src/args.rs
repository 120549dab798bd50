//! Every command with its options and help. Declares only; runs nothing.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

mod change;
mod history;
mod host;
mod incidents;
mod read;
mod registry;
mod registry_server;
mod rollback;
mod shadow;
mod upgrade;

pub(crate) use change::{DiscardArgs, InstallArgs, PauseArgs, PickArgs, RedriveArgs, WhoArgs};
pub(crate) use history::{AuditArgs, AuditCommand, HistoryArgs};
pub(crate) use host::{BuildArgs, CheckArgs, DoctorArgs, ExampleArg, RepairArgs, ServeArgs};
pub(crate) use incidents::{IncidentAction, IncidentsArgs};
pub(crate) use read::{DeadLettersArgs, EventsArgs, LogsArgs, ShowArgs, TraceArgs};
pub(crate) use registry::{
    ApplyArgs, DeprecateArgs, ExactRef, InfoArgs, KeyArgs, KeysArgs, KeysCommand, LockArgs, LoginArgs, NextKeyArgs,
    PublishArgs, RegistryArgs, RenewArgs, SearchArgs, TrustAddArgs, TrustArgs, TrustCommand, TrustEndArgs,
    WithdrawArgs,
};
pub(crate) use registry_server::{AuthArg, RegistryCommand, RegistryGcArgs, RegistryServeArgs, RegistryServerArgs};
pub(crate) use rollback::{
    BackTo, DiscardHeldArgs, OutboxArgs, OutboxCommand, OutboxListArgs, OutboxShowArgs, PickHeldArgs, ReleaseArgs,
    RollbackArgs,
};
pub(crate) use shadow::{CandidateArgs, ReplayArgs, ShadowArgs};
pub(crate) use upgrade::{UpgradeArgs, Wanted};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the operation failed
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
  handoff list                                      what is at work?
  handoff trace 1042                                what became of event 1042?
  handoff rollback web-leads                        put the version before back, at once";

/// Runs handoffs between dealership systems as sandboxed, versioned connectors.
#[derive(Clone, Debug, Parser)]
#[command(name = "handoff", version, propagate_version = true, max_term_width = 100, after_help = EXIT_CODES)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// The host's configuration; says where data and socket are.
    #[arg(long, global = true, value_name = "FILE", env = "HANDOFF_CONFIG", default_value = "handoff.toml")]
    #[arg(value_hint = ValueHint::FilePath, hide_env_values = true)]
    pub config: PathBuf,
    /// The host's Unix socket, instead of the one that the configuration names.
    #[arg(long, global = true, value_name = "PATH", conflicts_with = "url", env = "HANDOFF_SOCKET")]
    #[arg(value_hint = ValueHint::AnyPath, hide_env_values = true)]
    pub socket: Option<PathBuf>,
    /// A host on another machine, for example https://handoff.dealer.example:7420.
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
    /// File with the token for --url.
    #[arg(long, global = true, value_name = "FILE", env = "HANDOFF_TOKEN_FILE", hide_env_values = true)]
    #[arg(value_hint = ValueHint::FilePath)]
    pub token_file: Option<PathBuf>,
    /// Answer in JSON, for programs.
    #[arg(long, global = true, action = ArgAction::SetTrue)]
    pub json: bool,
    /// Use colour; NO_COLOR is respected.
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

/// What to do. In the order of a day's work: run, change, look, mend, develop.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the host.
    Serve(ServeArgs),
    /// Check the configuration, and settings files against it.
    Check(CheckArgs),
    /// Look for what keeps a host from working well on this machine.
    Doctor(DoctorArgs),
    /// Look for damage in a stopped host's journal, and start without it if you must.
    Repair(RepairArgs),
    /// Show how the host is.
    #[command(after_help = "Examples:\n  handoff status\n  handoff status --json | jq .counts")]
    Status,
    /// Install a package, or change its settings.
    Install(InstallArgs),
    /// Put another version, or other settings, in the place of what is there.
    Upgrade(UpgradeArgs),
    /// Put the version before back, at once.
    Rollback(RollbackArgs),
    /// Stop deliveries to an installation; its events wait.
    Pause(PauseArgs),
    /// Deliver to a paused installation again, first what waits.
    Resume(PauseArgs),
    /// Say whose packages this host takes.
    Trust(TrustArgs),
    /// Print what is installed, exactly, as a file that can be applied again.
    Lock(LockArgs),
    /// Bring installations into the state of a lock.
    Apply(ApplyArgs),
    /// List the installations.
    #[command(visible_alias = "ls", after_help = "Examples:\n  handoff list\n  handoff list --json")]
    List,
    /// Show an installation: versions, what it may reach, what waits, its figures.
    Show(ShowArgs),
    /// List the generations of an installation: who, when, why, from where.
    History(HistoryArgs),
    /// Show who changed what on this host, and check that the record is whole.
    Audit(AuditArgs),
    /// List events, newest first, or show one.
    Events(EventsArgs),
    /// Show the way of an event: who handled it, what came of it.
    Trace(TraceArgs),
    /// Run recorded deliveries through another version, without effects, and show what would be otherwise.
    Shadow(ShadowArgs),
    /// Run one recorded delivery again, without effects; export it as a test case.
    Replay(ReplayArgs),
    /// Show what connectors log.
    Logs(LogsArgs),
    /// List deliveries that failed for good.
    DeadLetters(DeadLettersArgs),
    /// Deliver dead letters again.
    Redrive(RedriveArgs),
    /// Give dead letters up, for good.
    Discard(DiscardArgs),
    /// List requests to other systems that are not answered yet; release or discard those that a rollback holds.
    Outbox(OutboxArgs),
    /// Look for packages in a registry.
    Search(SearchArgs),
    /// Show a package of a registry: its versions, who signed them, what changed.
    Info(InfoArgs),
    /// List what the host noticed and a person should look at, or close one.
    Incidents(IncidentsArgs),
    /// Build a connector's folder into a package.
    Build(BuildArgs),
    /// Serve packages to other hosts, check them, sweep what nobody names.
    Registry(RegistryServerArgs),
    /// Make and show the keys with which you publish.
    Keys(KeysArgs),
    /// Keep your login for a registry.
    Login(LoginArgs),
    /// Sign a package and publish it in a registry.
    Publish(PublishArgs),
    /// Warn of a published version, or no longer.
    Deprecate(DeprecateArgs),
    /// Let nobody new have a published version.
    Yank(WithdrawArgs),
    /// Tell every host that has a published version to leave it.
    Recall(WithdrawArgs),
    /// Sign a package's list of versions anew, so that hosts see that it is still the newest.
    Renew(RenewArgs),
    /// Print a shell's completion script.
    Completions(CompletionsArgs),
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
