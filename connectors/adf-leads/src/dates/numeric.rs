//! Numeric dates: ISO 8601, extended and basic, with common mistakes, and month/day/year with slashes.

use super::{Parts, Time, zone};

/// `YYYY-MM-DD` or `YYYYMMDD`, then a time and an offset, both optional.
pub(crate) fn iso(text: &str) -> Option<Parts> {
    let mut parts = Parts::default();
    let day_length = text.find(['T', 't', ' ']).unwrap_or(text.len());
    let (day, rest) = text.split_at_checked(day_length)?;
    if day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit()) {
        parts.year = day.get(..4)?.parse().ok()?;
        parts.month = day.get(4..6)?.parse().ok()?;
        parts.day = day.get(6..)?.parse().ok()?;
    } else {
        let mut fields = day.split('-');
        let (year, month, day) = (fields.next()?, fields.next()?, fields.next()?);
        if year.len() != 4 || fields.next().is_some() {
            return None;
        }
        parts.year = digits(year)?;
        parts.month = digits(month)?;
        parts.day = digits(day)?;
        if month.len() != 2 || day.len() != 2 {
            parts.deviates("date-format", "month or day has one digit; ISO 8601 requires two");
        }
    }
    let rest = rest.trim();
    let rest = rest.strip_prefix(['T', 't']).unwrap_or(rest).trim();
    if text.get(day_length..).is_some_and(|tail| tail.starts_with(' ')) && !rest.is_empty() {
        parts.deviates("date-format", "date and time are separated by a space; ISO 8601 requires `T`");
    }
    if rest.is_empty() { Some(parts) } else { clock(rest, parts) }
}

/// `m/d/Y`, as in the United States, or `d/m/Y` where only that is possible; a two-digit year is 20xx.
pub(crate) fn slashed(text: &str) -> Option<Parts> {
    let (day, rest) = text.split_once([' ', 'T', ',']).unwrap_or((text, ""));
    let mut fields = day.split(['/', '.', '-']);
    let (first, second, year) = (digits(fields.next()?)?, digits(fields.next()?)?, fields.next()?);
    if fields.next().is_some() || !matches!(year.len(), 2 | 4) {
        return None;
    }
    let century = if year.len() == 2 { 2000 } else { 0 };
    let mut parts = Parts { year: century + digits(year)?, month: first, day: second, ..Parts::default() };
    parts.deviates("date-format", "not ISO 8601; read as month/day/year");
    if first > 12 {
        (parts.month, parts.day) = (second, first);
        parts.deviations.clear();
        parts.deviates("date-format", "not ISO 8601; read as day/month/year because there is no such month");
    } else if second <= 12 && first != second {
        parts.deviates("date-ambiguous", "month and day could be swapped; read as month/day/year");
    }
    let rest = rest.trim();
    if rest.is_empty() { Some(parts) } else { clock(rest, parts) }
}

/// A time of day with an optional AM/PM and offset or zone name, added to a date.
pub(crate) fn clock(text: &str, mut parts: Parts) -> Option<Parts> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.' | ','))).unwrap_or(text.len());
    let (clock, rest) = text.split_at_checked(end)?;
    let (whole, fraction) = clock.split_once(['.', ',']).unwrap_or((clock, ""));
    let mut time = Time { millisecond: milliseconds(fraction)?, ..Time::default() };
    if !whole.contains(':') && matches!(whole.len(), 4 | 6) {
        time.hour = digits(whole.get(..2)?)?;
        time.minute = digits(whole.get(2..4)?)?;
        time.second = whole.get(4..6).map_or(Some(0), digits)?;
    } else {
        let mut fields = whole.split(':');
        let hour = fields.next()?;
        time.hour = digits(hour)?;
        time.minute = fields.next().map_or(Some(0), digits)?;
        time.second = fields.next().map_or(Some(0), digits)?;
        if fields.next().is_some() {
            return None;
        }
        if hour.len() != 2 && parts.deviations.is_empty() {
            parts.deviates("date-format", "the hour has one digit; ISO 8601 requires two");
        }
    }
    let rest = half_of_day(rest.trim(), &mut time)?;
    parts.time = Some(time);
    zone_of(rest.trim(), &mut parts)?;
    Some(parts)
}

/// Removes AM or PM from the text, in any notation.
fn half_of_day<'a>(text: &'a str, time: &mut Time) -> Option<&'a str> {
    let lower = text.to_ascii_lowercase();
    for (mark, shift) in [("a.m.", 0), ("p.m.", 12), ("am", 0), ("pm", 12)] {
        if lower.starts_with(mark) {
            if !(1..=12).contains(&time.hour) {
                return (time.hour >= 13 && shift == 12).then(|| text.get(mark.len()..)).flatten();
            }
            time.hour = time.hour % 12 + shift;
            return text.get(mark.len()..);
        }
    }
    Some(text)
}

fn zone_of(text: &str, parts: &mut Parts) -> Option<()> {
    // `GMT-0700 (Pacific Daylight Time)`: the words in parentheses repeat the number.
    let text = text.split('(').next().unwrap_or_default().trim();
    if text.is_empty() {
        return Some(());
    }
    let number = ["GMT", "UTC"].iter().find_map(|name| text.strip_prefix(name)).filter(|rest| !rest.is_empty());
    let number = number.unwrap_or(text);
    if let Some((minutes, proper)) = zone::offset(number) {
        parts.offset_minutes = Some(minutes);
        if !proper {
            parts.deviates("date-offset", "the offset is not written as ±hh:mm");
        }
        return Some(());
    }
    parts.offset_minutes = Some(zone::named(text)?);
    if parts.deviations.is_empty() {
        parts.deviates("date-format", "the offset is a zone name; ISO 8601 requires ±hh:mm");
    }
    Some(())
}

fn milliseconds(fraction: &str) -> Option<u32> {
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let padded: String = fraction.chars().chain("000".chars()).take(3).collect();
    padded.parse().ok()
}

/// A number of one to four digits.
pub(crate) fn digits(text: &str) -> Option<u32> {
    let proper = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    proper.then(|| text.parse().ok()).flatten()
}
