//! Options of `find`.

use clap::Args;

use handoff_control::Time;
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;

/// Options of `find`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Searches subjects, ids and data of events, those of dead letters too, and bodies of outbox requests, newest first. Case does not matter. If the text looks like a telephone number, only its last ten digits count, whatever the punctuation. Prints each match as soon as it is found; with --json, one object a line.

The text stays out of the host's logs. The shell keeps it in its own history.

Examples:
  handoff find ann@example.com
  handoff find '(555) 123-4567' --since 7d
  handoff find RO-10423 --rooftop main-street --json | jq .position"
)]
pub(crate) struct FindArgs {
    /// A number, an e-mail address, an id, a name, or another text.
    pub text: String,
    /// Maximum number of matches, up to 1000.
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000), default_value_t = 50)]
    pub limit: u32,
    /// Only what the host took or wrote since then: a time such as 2026-03-30T15:00:00Z, or how long ago, such as 90m, 12h
    /// or 7d.
    #[arg(long, value_name = "TIME")]
    pub since: Option<Since>,
    /// Only events and requests of this rooftop, or of a group as group:NAME.
    #[arg(long, value_name = "ROOFTOP")]
    pub rooftop: Option<Scope>,
}

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// A given one.
    At(Timestamp),
    /// Milliseconds ago.
    Ago(u64),
}

impl Since {
    /// The point in time, as of now.
    pub(crate) fn time(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::Ago(ms) => Timestamp(now.0.saturating_sub(ms)),
        }
    }
}

impl std::str::FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unit_ms = |unit| match unit {
            'm' => Some(60_000),
            'h' => Some(3_600_000),
            'd' => Some(86_400_000),
            _ => None,
        };
        let ago = text.chars().last().and_then(unit_ms).and_then(|unit_ms: u64| {
            let number: u64 = text.get(..text.len() - 1)?.parse().ok()?;
            number.checked_mul(unit_ms)
        });
        match ago {
            Some(ms) => Ok(Self::Ago(ms)),
            None => Time::try_from(text.to_owned())
                .map(|time| Self::At(time.0))
                .map_err(|_| "expected a time such as 2026-03-30T15:00:00Z, or how long ago: 90m, 12h, 7d".to_owned()),
        }
    }
}
