//! Commands that only read.

use clap::{Args, ValueEnum};

use handoff_control::dead_letters::DeadLetterId;
use handoff_model::effects::LogLevel;
use handoff_model::names::{InstallationName, Position};
use handoff_model::scope::Scope;

/// Options of `list`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ListArgs {
    /// Only installations of this rooftop, or of a group as group:NAME.
    #[arg(long, value_name = "ROOFTOP")]
    pub rooftop: Option<Scope>,
}

/// Options of `show`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  handoff show web-leads\n  handoff show web-leads --json | jq .generations\n  handoff show web-leads --settings > web-leads.toml\n  handoff upgrade web-leads -s web-leads.toml"
)]
pub(crate) struct ShowArgs {
    /// The installation.
    pub name: InstallationName,
    /// Print only the settings of the active generation, as a settings file. Secrets are only named there.
    #[arg(long)]
    pub settings: bool,
}

/// Options of `events`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  handoff events
  handoff events --type 'com.handoff.lead.*' --limit 20
  handoff events 1042                  one event with its data
  handoff events 1042 --data > lead.xml
  handoff events --cloudevents | handoff mask - > masked.json")]
pub(crate) struct EventsArgs {
    /// Show this event with its data.
    #[arg(value_parser = position, conflicts_with_all = ["before", "type_name", "source", "rooftop", "installation", "limit"])]
    pub position: Option<Position>,
    /// Write only the data of the event, unchanged. Needs a position.
    #[arg(long, requires = "position", conflicts_with = "json")]
    pub data: bool,
    /// Write the events with their data as CloudEvents in JSON, one on each line, oldest first.
    #[arg(long, conflicts_with = "data")]
    pub cloudevents: bool,
    /// Maximum number of events, up to 1000.
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: Option<u32>,
    /// Only events before this position, for the next page.
    #[arg(long, value_name = "POSITION", value_parser = position)]
    pub before: Option<Position>,
    /// Only events of this type. A * at the end matches any characters.
    #[arg(long = "type", short = 't', value_name = "TYPE")]
    pub type_name: Option<String>,
    /// Only events from this source. A * at the end matches any characters.
    #[arg(long, value_name = "SOURCE")]
    pub source: Option<String>,
    /// Only events of this rooftop, or of a group as group:NAME.
    #[arg(long, value_name = "ROOFTOP")]
    pub rooftop: Option<Scope>,
    /// Only events that were routed to this installation.
    #[arg(long, short = 'i', value_name = "NAME")]
    pub installation: Option<InstallationName>,
}

/// Options of `trace`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Shows each connector that handled the event, every attempt, and its results: records, further events, reminders, and requests to other systems with their answers.

Examples:
  handoff trace 1042
  handoff trace 1042 --verbose         with log messages, look-ups and state keys"
)]
pub(crate) struct TraceArgs {
    /// The position of the event, as shown by `handoff events`.
    #[arg(value_parser = position)]
    pub position: Position,
    /// Also show log messages, look-ups and all state keys.
    #[arg(long, short = 'v')]
    pub verbose: bool,
}

/// Options of `dead-letters`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  handoff dead-letters
  handoff dead-letters --installation web-leads --code crm-unavailable
  handoff trace 1042                   why did web-leads/1042 fail?
  handoff redrive web-leads/1042       try it again")]
pub(crate) struct DeadLettersArgs {
    /// Only dead letters of this installation.
    #[arg(long, short = 'i', value_name = "NAME")]
    pub installation: Option<InstallationName>,
    /// Only dead letters of deliveries of this rooftop, or of a group as group:NAME.
    #[arg(long, value_name = "ROOFTOP")]
    pub rooftop: Option<Scope>,
    /// Only dead letters with this failure code.
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
    /// Only dead letters after this one, for the next page.
    #[arg(long, value_name = "ID")]
    pub after: Option<DeadLetterId>,
    /// Maximum number of dead letters, up to 1000.
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: Option<u32>,
}

/// Options of `hooks`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Counts begin with the host, and the last 50 refusals of each hook are kept until it stops. Behind a reverse proxy, the address is the proxy's. Senders are not told why their webhook was refused.

Examples:
  handoff hooks
  handoff hooks web-leads              why are this vendor's webhooks refused?"
)]
pub(crate) struct HooksArgs {
    /// Show the last refused webhooks of this installation.
    pub name: Option<InstallationName>,
}

/// Options of `logs`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "With --json, one object a line.

Examples:
  handoff logs web-leads
  handoff logs --level warn --follow")]
pub(crate) struct LogsArgs {
    /// Only messages of this installation.
    pub installation: Option<InstallationName>,
    /// Only messages of this level or a more severe one.
    #[arg(long, short = 'l', value_name = "LEVEL")]
    pub level: Option<Level>,
    /// Continue with new messages until Ctrl-C.
    #[arg(long, short = 'f')]
    pub follow: bool,
    /// Maximum number of messages, up to 1000. Selects the newest.
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: Option<u32>,
}

/// The level of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
        }
    }
}

pub(super) fn position(text: &str) -> Result<Position, String> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    digits
        .parse()
        .map(Position)
        .map_err(|_| "expected an event's position, a number as `handoff events` shows it".to_owned())
}
