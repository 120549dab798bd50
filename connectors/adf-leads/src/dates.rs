//! Converts the dates of leads to RFC 3339. It never reads a clock; a zone's rules come from the caller.
//!
//! ADF requires ISO 8601:1988 with an offset. Public ADF documents contain all the formats that are parsed here.

mod named;
mod numeric;
mod zone;

use handoff_sdk::Timestamp;

/// The rules of a time zone.
pub trait Zone {
    /// The offset from UTC, in seconds east, of a local time that is counted as if it were UTC.
    fn offset_of_local(&self, local: Timestamp) -> i32;
}

/// A zone with one offset, in seconds east.
#[derive(Debug, Clone, Copy)]
pub struct FixedOffset(pub i32);

impl Zone for FixedOffset {
    fn offset_of_local(&self, _: Timestamp) -> i32 {
        self.0
    }
}

/// A parsed date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadDate {
    /// RFC 3339 with offset, or `YYYY-MM-DD` if only a day is needed.
    pub value: String,
    /// Deviations: warning code and message.
    pub deviations: Vec<(&'static str, String)>,
}

/// The parts of a date before its offset is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) year: u32,
    pub(crate) month: u32,
    pub(crate) day: u32,
    pub(crate) time: Option<Time>,
    pub(crate) offset_minutes: Option<i32>,
    pub(crate) deviations: Vec<(&'static str, String)>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Time {
    pub(crate) hour: u32,
    pub(crate) minute: u32,
    pub(crate) second: u32,
    pub(crate) millisecond: u32,
}

impl Parts {
    pub(crate) fn deviates(&mut self, code: &'static str, message: impl Into<String>) {
        self.deviations.push((code, message.into()));
    }

    fn is_real(&self) -> bool {
        let leap = self.year.is_multiple_of(4) && !self.year.is_multiple_of(100) || self.year.is_multiple_of(400);
        let days = match self.month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => return false,
        };
        let time = self.time.unwrap_or_default();
        (1900..=2200).contains(&self.year)
            && (1..=days).contains(&self.day)
            && time.hour < 24
            && time.minute < 60
            && time.second <= 60
    }
}

/// Parses a date and time; a time without an offset is one of `zone` at that date. A date alone stays a date.
///
/// `None` if the text has no known format, is not a real date (February 30), or is before 1970.
pub fn read_moment(text: &str, zone: &dyn Zone) -> Option<ReadDate> {
    let mut parts = parse(text)?;
    // Consumers count milliseconds from 1970 UTC, and an offset may move the time into the year before.
    if parts.year <= 1970 {
        return None;
    }
    let Some(time) = parts.time else {
        parts.deviates("date-without-time", "the date has no time and stays a date");
        return Some(ReadDate { value: format_day(&parts), deviations: parts.deviations });
    };
    let mut value = format!("{}T{:02}:{:02}:{:02}", format_day(&parts), time.hour, time.minute, time.second.min(59));
    if time.millisecond > 0 {
        value.push_str(&format!(".{:03}", time.millisecond));
    }
    let offset = parts.offset_minutes.unwrap_or_else(|| {
        let local = format!("{value}Z").parse().unwrap_or_default();
        let offset = zone.offset_of_local(local).div_euclid(60);
        parts.deviates(
            "date-without-offset",
            format!("the date has no offset from UTC; the rooftop's at that time, {}, is used", format_offset(offset)),
        );
        offset
    });
    value.push_str(&format_offset(offset));
    Some(ReadDate { value, deviations: parts.deviations })
}

/// Parses a day, as in the bounds of a time frame; a time of day is kept if there is one.
pub fn read_day(text: &str, zone: &dyn Zone) -> Option<ReadDate> {
    let parts = parse(text)?;
    if parts.time.is_some() {
        return read_moment(text, zone);
    }
    Some(ReadDate { value: format_day(&parts), deviations: parts.deviations })
}

/// The time of a value of [`ReadDate`], for comparing two; a date counts as the start of its day in UTC.
pub fn instant(value: &str) -> Option<Timestamp> {
    if value.contains('T') { value.parse().ok() } else { format!("{value}T00:00:00Z").parse().ok() }
}

fn parse(text: &str) -> Option<Parts> {
    let text = text.trim();
    // Longer texts are not dates; the limit keeps the parsers' work constant.
    if text.len() > 80 {
        return None;
    }
    numeric::iso(text).or_else(|| numeric::slashed(text)).or_else(|| named::parse(text)).filter(Parts::is_real)
}

fn format_day(parts: &Parts) -> String {
    format!("{:04}-{:02}-{:02}", parts.year, parts.month, parts.day)
}

fn format_offset(minutes: i32) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.unsigned_abs();
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use handoff_sdk::Timestamp;

    use super::{FixedOffset, instant, read_moment};

    fn check(text: &str, expected: &str) {
        let read = read_moment(text, &FixedOffset(-6 * 3600)).map_or("unreadable".to_owned(), |date| {
            let codes: Vec<&str> = date.deviations.iter().map(|(code, _)| *code).collect();
            format!("{} {}", date.value, codes.join(",")).trim().to_owned()
        });
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn iso_dates_are_parsed_with_common_mistakes() {
        check("2026-03-30T15:30:20-08:00", "2026-03-30T15:30:20-08:00");
        check("2026-03-30T23:30:20Z", "2026-03-30T23:30:20+00:00");
        check("2026-03-30T23:30:20.125Z", "2026-03-30T23:30:20.125+00:00");
        check("20260330T153020-0800", "2026-03-30T15:30:20-08:00");
        check("2000-03-30T15:30:20-08:0", "2000-03-30T15:30:20-08:00 date-offset");
        check("2000-03-30T15:30:20-8", "2000-03-30T15:30:20-08:00 date-offset");
        check("2008-06-25T8:47:50", "2008-06-25T08:47:50-06:00 date-format,date-without-offset");
        check("2026-03-30 15:30:20 -08:00", "2026-03-30T15:30:20-08:00 date-format");
        check("2026-03-30", "2026-03-30 date-without-time");
        check("2026-03-30T15:30:20 EST", "2026-03-30T15:30:20-05:00 date-format");
    }

    #[test]
    fn american_and_mail_dates_are_parsed() {
        check("3/30/2026 3:30 PM", "2026-03-30T15:30:00-06:00 date-format,date-without-offset");
        check("3/30/2026 12:05:09 am", "2026-03-30T00:05:09-06:00 date-format,date-without-offset");
        check("03/04/2026 12:05PM", "2026-03-04T12:05:00-06:00 date-format,date-ambiguous,date-without-offset");
        check("30/03/2026", "2026-03-30 date-format,date-without-time");
        check("Mon, 30 Mar 2026 15:30:20 -0800", "2026-03-30T15:30:20-08:00 date-format");
        check("30 Mar 2026 15:30:20 GMT", "2026-03-30T15:30:20+00:00 date-format");
        check("Mon Mar 30 2026 15:30:20 GMT-0700 (Pacific Daylight Time)", "2026-03-30T15:30:20-07:00 date-format");
        check("March 30, 2026 at 3:30 p.m.", "2026-03-30T15:30:00-06:00 date-format,date-without-offset");
    }

    #[test]
    fn dates_are_counted_from_1970() {
        let millis = |value| instant(value).map(Timestamp::as_millis);
        assert_eq!(millis("1970-01-01T00:00:00+00:00"), Some(0));
        assert_eq!(millis("2000-03-01"), Some(951_868_800_000));
        assert_eq!(millis("2024-02-29T23:59:59.500-05:00"), Some(1_709_269_199_500));
    }

    #[test]
    fn invalid_dates_are_not_guessed() {
        for text in [
            "",
            "today",
            "2026-02-30T10:00:00Z",
            "2026-13-01",
            "25:00",
            "99/99/9999",
            "0000-00-00T00:00:00",
            "1",
            "1943-03-30T15:30:20-05:00",
        ] {
            check(text, "unreadable");
        }
    }
}
