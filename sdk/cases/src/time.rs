//! Points in time, written as RFC 3339.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z; in JSON, RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Time(pub u64);

impl From<Time> for String {
    fn from(time: Time) -> Self {
        let time = i64::try_from(time.0).ok().and_then(DateTime::<Utc>::from_timestamp_millis);
        time.unwrap_or(DateTime::<Utc>::MAX_UTC).to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }
}

impl TryFrom<String> for Time {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let expected =
            "expected an RFC 3339 date and time from 1970 on with an offset, such as 2026-03-30T15:30:20-08:00";
        let time = DateTime::parse_from_rfc3339(&text).map_err(|_| expected)?;
        u64::try_from(time.timestamp_millis()).map(Self).map_err(|_| expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_any_offset_and_written_in_utc() {
        for (read, written) in [
            ("2026-03-30T15:30:20Z", "2026-03-30T15:30:20Z"),
            ("2026-03-30T15:30:20.5-08:00", "2026-03-30T23:30:20.500Z"),
        ] {
            assert_eq!(Time::try_from(read.to_owned()).map(String::from), Ok(written.to_owned()));
        }
        for wrong in ["1969-12-31T23:59:59Z", "2026-03-30", "2026-03-30T15:30:20"] {
            assert!(Time::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
