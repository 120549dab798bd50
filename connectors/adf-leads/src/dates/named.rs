//! Dates with the name of the month: RFC 2822, JavaScript's `Date.toString()`, and informal formats.

use super::{Parts, numeric};

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Weekday, day, month and year in any order with the year last, then an optional time and zone.
pub(crate) fn parse(text: &str) -> Option<Parts> {
    let mut parts = Parts::default();
    let (mut month, mut day, mut year) = (None, None, None);
    let mut rest = text;
    while year.is_none() {
        let end = rest.find([' ', ',']).unwrap_or(rest.len());
        let (word, tail) = rest.split_at_checked(end)?;
        if word.is_empty() && tail.is_empty() {
            return None;
        }
        rest = tail.trim_start_matches([' ', ',']);
        let lower = word.trim_end_matches('.').to_ascii_lowercase();
        let name = lower.get(..3).unwrap_or_default();
        if let Some(index) = MONTHS.iter().position(|month| *month == name) {
            month = Some(u32::try_from(index).ok()? + 1);
        } else if let Some(number) = numeric::digits(lower.trim_end_matches(['s', 't', 'n', 'd', 'r', 'h'])) {
            if day.is_none() && number <= 31 {
                day = Some(number);
            } else {
                year = Some(number);
            }
        } else if !lower.is_empty() && !WEEKDAYS.contains(&name) {
            return None;
        }
    }
    (parts.year, parts.month, parts.day) = (year?, month?, day?);
    parts.deviates("date-format", "not ISO 8601; read by the month's name");
    let rest = rest.strip_prefix("at ").unwrap_or(rest).trim();
    if rest.is_empty() { Some(parts) } else { numeric::clock(rest, parts) }
}
