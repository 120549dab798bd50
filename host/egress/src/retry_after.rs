//! The field `Retry-After` (RFC 9110, section 10.2.3). Pure.

use chrono::{DateTime, Datelike as _, NaiveDateTime};

use handoff_model::time::Timestamp;

/// Milliseconds to wait, at most `most_ms`; none if the field is invalid.
#[must_use]
pub fn parse(value: &str, now: Timestamp, most_ms: u64) -> Option<u64> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // Too many digits for a number are still a long time.
        let seconds = value.parse::<u64>().unwrap_or(u64::MAX);
        return Some(seconds.saturating_mul(1_000).min(most_ms));
    }
    let at = parse_http_date(value, now)?;
    Some(at.since_ms(now).min(most_ms))
}

/// The three formats of an HTTP-date (RFC 9110, section 5.6.7); recipients must accept the obsolete two as well.
fn parse_http_date(value: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(time) = DateTime::parse_from_rfc2822(value) {
        return Some(Timestamp::from_utc(time.to_utc()));
    }
    // The weekday of a year of two digits says nothing until the century is known.
    let without_weekday = value.split_once(", ").map_or(value, |(_, rest)| rest);
    let time = match NaiveDateTime::parse_from_str(without_weekday, "%d-%b-%y %H:%M:%S GMT") {
        Ok(time) => in_the_right_century(time, now),
        Err(_) => NaiveDateTime::parse_from_str(value, "%a %b %e %H:%M:%S %Y").ok()?,
    };
    Some(Timestamp::from_utc(time.and_utc()))
}

/// A year of two digits that seems to be more than 50 years ahead is the one before with the same digits.
fn in_the_right_century(time: NaiveDateTime, now: Timestamp) -> NaiveDateTime {
    let latest = now.to_utc().year().saturating_add(50);
    let year = latest - (latest - time.year()).rem_euclid(100);
    time.with_year(year).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_all_three_date_formats_are_parsed_and_bounded() {
        let now = Timestamp(784_111_747_000); // 1994-11-06T08:49:07Z
        for (value, expected) in [
            ("120", Some(120_000)),
            (" 0 ", Some(0)),
            ("99999999999999999999999", Some(3_600_000)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30_000)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(30_000)),
            ("Sun Nov  6 08:49:37 1994", Some(30_000)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("Sunday, 06-Nov-44 08:49:37 GMT", Some(3_600_000)),
            ("Tuesday, 06-Nov-45 08:49:37 GMT", Some(0)),
            ("Sat, 06 Nov 2094 08:49:37 GMT", Some(3_600_000)),
            ("", None),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(parse(value, now, 3_600_000), expected, "{value:?}");
        }
    }
}
