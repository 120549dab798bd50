//! Commands that only look.

use clap::{Args, ValueEnum};

use handoff_control::dead_letters::DeadLetterId;
use handoff_model::effects::LogLevel;
use handoff_model::names::{InstallationName, Position};

/// Options of `show`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  handoff show web-leads\n  handoff show web-leads --json | jq .generations")]
pub(crate) struct ShowArgs {
    /// The installation.
    pub name: InstallationName,
}

/// Options of `events`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  handoff events
  handoff events --type 'com.handoff.lead.*' --limit 20
  handoff events 1042                  one event with its data
  handoff events 1042 --data > lead.xml")]
pub(crate) struct EventsArgs {
    /// Show this event with its data.
    #[arg(value_parser = position, conflicts_with_all = ["before", "type_name", "source", "installation", "limit"])]
    pub position: Option<Position>,
    /// With a position: write the data alone, as it came in.
    #[arg(long, requires = "position", conflicts_with = "json")]
    pub data: bool,
    /// At most so many, up to 1000.
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: Option<u32>,
    /// Only before this position: the next page.
    #[arg(long, value_name = "POSITION", value_parser = position)]
    pub before: Option<Position>,
    /// Only of this type; a * at the end stands for anything.
    #[arg(long = "type", short = 't', value_name = "TYPE")]
    pub type_name: Option<String>,
    /// Only from this source; a * at the end stands for anything.
    #[arg(long, value_name = "SOURCE")]
    pub source: Option<String>,
    /// Only those that went to this installation.
    #[arg(long, short = 'i', value_name = "NAME")]
    pub installation: Option<InstallationName>,
}

/// Options of `trace`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Shows each connector that handled the event, every attempt, and what came of it: records, further events, reminders, and requests to other systems with their answers.

Examples:
  handoff trace 1042
  handoff trace 1042 --verbose         with log messages, look-ups and state keys"
)]
pub(crate) struct TraceArgs {
    /// The event's position, as `handoff events` shows it.
    #[arg(value_parser = position)]
    pub position: Position,
    /// Also log messages, look-ups and every state key.
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
    /// Only of this installation.
    #[arg(long, short = 'i', value_name = "NAME")]
    pub installation: Option<InstallationName>,
    /// Only with this failure code.
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
    /// Only after this one: the next page.
    #[arg(long, value_name = "ID")]
    pub after: Option<DeadLetterId>,
    /// At most so many, up to 1000.
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: Option<u32>,
}

/// Options of `logs`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "With --json, one object a line.

Examples:
  handoff logs web-leads
  handoff logs --level warn --follow")]
pub(crate) struct LogsArgs {
    /// Only of this installation.
    pub installation: Option<InstallationName>,
    /// Only this serious or more.
    #[arg(long, short = 'l', value_name = "LEVEL")]
    pub level: Option<Level>,
    /// Keep showing new messages until Ctrl-C.
    #[arg(long, short = 'f')]
    pub follow: bool,
    /// At most so many of the newest, up to 1000.
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: Option<u32>,
}

/// How serious a message is.
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
