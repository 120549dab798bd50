//! Commands that send an event or a webhook to a host, and that fire timers.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::WhoArgs;
use handoff_control::dead_letters::DeadLetterId;
use handoff_model::names::{InstallationName, RooftopName};

/// Options of `send`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "FILE is an event in the JSON format of CloudEvents, several of them as an array or one on each line, or with --type the data of one. An event with the same source and id is taken once. Recorded in the audit log.

Examples:
  handoff send order.json
  handoff send order-data.json --type com.example.order.received.v1 --rooftop north
  handoff send lead.xml --type com.example.lead.v1 --content-type application/xml
  handoff events --cloudevents | handoff mask - | handoff send - --url https://staging.example --token-file staging.token
  echo '{\"order\": 7}' | handoff send - --type com.example.order.received.v1"
)]
pub(crate) struct SendArgs {
    /// The file, or - for standard input.
    #[arg(value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// The file is the data of an event of this type.
    #[arg(long = "type", short = 't', value_name = "TYPE")]
    pub type_name: Option<String>,
    /// The media type of the data. Default: application/json.
    #[arg(long, value_name = "TYPE", requires = "type_name")]
    pub content_type: Option<String>,
    /// The event's id. Default: a new one.
    #[arg(long, value_name = "ID", requires = "type_name")]
    pub id: Option<String>,
    /// The event's source. Default: urn:handoff:send.
    #[arg(long, value_name = "URI", requires = "type_name")]
    pub source: Option<String>,
    /// The event's subject.
    #[arg(long, value_name = "TEXT", requires = "type_name")]
    pub subject: Option<String>,
    /// The rooftop. Required if the host has several.
    #[arg(long, value_name = "NAME")]
    pub rooftop: Option<RooftopName>,
    /// The author and the reason.
    #[command(flatten)]
    pub who: WhoArgs,
}

/// Options of `hook`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  handoff hook send web-leads lead.xml --content-type application/xml
  handoff hooks web-leads              what came in at the hook?")]
pub(crate) struct HookArgs {
    /// The action.
    #[command(subcommand)]
    pub action: HookAction,
}

/// Subcommands of `hook`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum HookAction {
    /// Send a webhook, signed with the installation's secret as its sender would sign it.
    Send(SendHookArgs),
}

/// Options of `hook send`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "The host signs the body with the secret that the settings name, and receives it like one from outside: the secret does not leave the host. A hook that is verified with a public key cannot be tried this way. Recorded in the audit log.

Examples:
  handoff hook send order-intake order.json
  handoff hook send web-leads lead.xml --content-type application/xml --id test-1"
)]
pub(crate) struct SendHookArgs {
    /// The installation.
    pub name: InstallationName,
    /// The file with the body, or - for standard input.
    #[arg(value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// The media type of the body. Default: application/json.
    #[arg(long, value_name = "TYPE")]
    pub content_type: Option<String>,
    /// The sender's id of the webhook, where the hook has one. Default: a new one.
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// The author and the reason.
    #[command(flatten)]
    pub who: WhoArgs,
}

/// Options of `timers`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  handoff timers
  handoff timers --installation bdc-list
  handoff timers fire bdc-list response-L-42 --reason 'try the escalation'")]
pub(crate) struct TimersArgs {
    /// The action. Without it, list timers.
    #[command(subcommand)]
    pub action: Option<TimersAction>,
    /// Only timers of this installation.
    #[arg(long, short = 'i', value_name = "NAME")]
    pub installation: Option<InstallationName>,
    /// Maximum number of timers, up to 1000.
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: Option<u32>,
}

/// Subcommands of `timers`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum TimersAction {
    /// Deliver the event of a timer now. The timer is gone then.
    Fire(FireArgs),
}

/// Options of `timers fire`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  handoff timers fire bdc-list response-L-42 --reason 'try the escalation'")]
pub(crate) struct FireArgs {
    /// The installation.
    pub name: InstallationName,
    /// The timer's key, as listed.
    pub key: String,
    /// Fire it without confirmation.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// The author and the reason.
    #[command(flatten)]
    pub who: WhoArgs,
}

/// Options of `set-aside`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "For an event that can never succeed and stops its queue, or for the one that paused an installation. Later events of its key go on. It can be redriven or discarded like any other dead letter.

Examples:
  handoff set-aside bdc-list/1042 --reason 'an order id that the parts desk cannot have'
  handoff resume bdc-list"
)]
pub(crate) struct SetAsideArgs {
    /// The installation and the position of the event, as shown by `handoff trace`: installation/position.
    #[arg(value_name = "NAME/POSITION")]
    pub id: DeadLetterId,
    /// The reason, in one sentence. Recorded in the history.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// A note beside your name in the history, for example the person that you act for. The host identifies you itself.
    #[arg(long, value_name = "NOTE", env = "HANDOFF_BY", hide_env_values = true)]
    pub by: Option<String>,
}
