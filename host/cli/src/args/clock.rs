//! The hidden command `clock`, for tests and development.

use std::str::FromStr;

use clap::Args;

use handoff_control::Time;

/// Options of `clock`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  handoff clock
  handoff clock +1d
  handoff clock 2027-03-14T09:00:00Z")]
pub(crate) struct ClockArgs {
    /// The new time, or an offset: +90s, +30m, +8h, +1d. Without it, the time is shown.
    #[arg(value_name = "TIME")]
    pub to: Option<Target>,
}

/// The new time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A point in time.
    At(Time),
    /// An offset in milliseconds.
    Further(u64),
}

impl Target {
    pub(crate) fn from(self, now: Time) -> Time {
        match self {
            Self::At(time) => time,
            Self::Further(ms) => Time(now.0.plus_ms(ms)),
        }
    }
}

impl FromStr for Target {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let Some(span) = text.strip_prefix('+') else { return Time::try_from(text.to_owned()).map(Self::At) };
        let further = || {
            let number: u64 = span.get(..span.len().checked_sub(1)?)?.parse().ok()?;
            let unit_ms = match span.chars().last()? {
                's' => 1_000,
                'm' => 60_000,
                'h' => 3_600_000,
                'd' => 86_400_000,
                _ => return None,
            };
            number.checked_mul(unit_ms)
        };
        further().map(Self::Further).ok_or_else(|| format!("`{text}` is not a span: expected +90s, +30m, +8h or +1d"))
    }
}
