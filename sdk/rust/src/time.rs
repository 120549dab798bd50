//! Points in time as RFC 3339 text, without a clock: a connector's only clock is the delivery's.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

const MS_PER_DAY: u64 = 86_400_000;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted. JSON and text form: RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Creates a time from milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(milliseconds)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Adds milliseconds; saturates at the end of the range.
    #[must_use]
    pub const fn plus_millis(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }

    /// Adds minutes.
    #[must_use]
    pub const fn plus_minutes(self, minutes: u64) -> Self {
        self.plus_millis(minutes.saturating_mul(60_000))
    }

    /// Adds hours.
    #[must_use]
    pub const fn plus_hours(self, hours: u64) -> Self {
        self.plus_minutes(hours.saturating_mul(60))
    }

    /// Adds days of 24 hours.
    #[must_use]
    pub const fn plus_days(self, days: u64) -> Self {
        self.plus_hours(days.saturating_mul(24))
    }

    /// Subtracts milliseconds; saturates at 1970.
    #[must_use]
    pub const fn minus_millis(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_sub(milliseconds))
    }

    /// Milliseconds from an earlier point to this one; 0 if it is not earlier.
    #[must_use]
    pub const fn millis_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0 / MS_PER_DAY);
        let rest = self.0 % MS_PER_DAY;
        let (hour, minute, second, ms) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1_000 % 60, rest % 1_000);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if ms != 0 {
            write!(f, ".{ms:03}")?;
        }
        f.write_str("Z")
    }
}

/// The text is not a time that a [`Timestamp`] can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an RFC 3339 date and time from 1970 on with an offset, such as 2026-03-30T15:30:20-08:00")]
pub struct InvalidTimestamp(String);

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    /// Parses RFC 3339 (section 5.6). Digits below a millisecond are dropped.
    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        parse(text.as_bytes()).map(Self).ok_or_else(|| InvalidTimestamp(text.chars().take(64).collect()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let expected = "an RFC 3339 date and time with an offset, such as 2026-03-30T15:30:20-08:00";
        text.parse().map_err(|_| serde::de::Error::invalid_value(serde::de::Unexpected::Str(&text), &expected))
    }
}

fn parse(text: &[u8]) -> Option<u64> {
    let (date_time, rest) = text.split_at_checked(19)?;
    let number = |from: usize, to: usize| digits(date_time.get(from..to)?);
    let separator = |at: usize, allowed: &[u8]| date_time.get(at).is_some_and(|byte| allowed.contains(byte));
    if !(separator(4, b"-")
        && separator(7, b"-")
        && separator(10, b"Tt ")
        && separator(13, b":")
        && separator(16, b":"))
    {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
        return None;
    }
    // 60 is a leap second (RFC 3339, section 5.7): the arithmetic maps it to the next minute's first.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (ms, offset) = fraction(rest)?;
    let local = days_from_civil(year, month, day)?
        .checked_mul(MS_PER_DAY)?
        .checked_add(hour * 3_600_000 + minute * 60_000 + second * 1_000 + ms)?;
    match offset {
        [b'Z' | b'z'] => Some(local),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let offset_ms = hours * 3_600_000 + minutes * 60_000;
            if *sign == b'+' { local.checked_sub(offset_ms) } else { local.checked_add(offset_ms) }
        }
        _ => None,
    }
}

/// Splits `.123456Z` into milliseconds and the offset's text.
fn fraction(rest: &[u8]) -> Option<(u64, &[u8])> {
    let Some(after_point) = rest.strip_prefix(b".") else { return Some((0, rest)) };
    let count = after_point.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (fraction, offset) = after_point.split_at_checked(count)?;
    if fraction.is_empty() {
        return None;
    }
    let padded: Vec<u8> = fraction.iter().copied().chain(std::iter::repeat(b'0')).take(3).collect();
    Some((digits(&padded)?, offset))
}

fn digits(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0_u64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u64::from(byte - b'0')))
}

fn days_in_month(year: u64, month: u64) -> u64 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, whose years are counted from March so that the leap day is
/// the last of its year.
fn days_from_civil(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    (year * 365 + year / 4 - year / 100 + year / 400 + day_of_year).checked_sub(719_468)
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    #[test]
    fn rfc_3339_is_parsed_and_formatted_in_utc() {
        for (text, written) in [
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
            ("2026-03-30T15:30:20-08:00", "2026-03-30T23:30:20Z"),
            ("2024-02-29t23:59:59.9995z", "2024-02-29T23:59:59.999Z"),
            ("2000-02-29 12:00:00.5+05:30", "2000-02-29T06:30:00.500Z"),
            ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), written, "{text}");
        }
    }

    #[test]
    fn invalid_times_are_refused() {
        for text in [
            "",
            "2026-03-30",
            "2026-03-30T15:30:20",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "2026-03-30T24:00:00Z",
            "2026-03-30T15:30:20.Z",
            "2026-03-30T15:30:20+0800",
            "2026-03-30T15:30:2éZ",
            "1970-01-01T00:00:00+01:00",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_survives_the_round_trip() {
        for day in 0..146_097 * 2 {
            let (year, month, date) = civil_from_days(day);
            assert_eq!(days_from_civil(year, month, date), Some(day));
        }
    }
}
