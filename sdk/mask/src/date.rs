//! Dates move by one number of weeks for each key: intervals and days of the week stay.

use chrono::{Datelike as _, Days, NaiveDate};

use crate::Masker;

const WEEKS_MIN: u32 = 52;
const WEEKS: u32 = 468;
const MS_PER_DAY: u64 = 86_400_000;

/// What a date begins with.
#[derive(Clone, Copy)]
enum Order {
    Year,
    Month,
    Day,
}

/// A date at the start of a text, with the text after it.
struct Found<'a> {
    date: NaiveDate,
    order: Order,
    separator: Option<char>,
    widths: [usize; 3],
    after: &'a str,
}

/// Whether a text is a date, or begins with one and goes on with a time.
pub(crate) fn is_date(text: &str) -> bool {
    find(text).is_some()
}

fn find(text: &str) -> Option<Found<'_>> {
    let length = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    if matches!(length, 8 | 14) && (text.len() == length || text[length..].starts_with(['T', '.', 'Z', '+', '-'])) {
        let (date, after) = text.split_at(8);
        let number = |from: usize, to: usize| date.get(from..to).and_then(|part| part.parse::<u32>().ok());
        let date = day(i32::try_from(number(0, 4)?).ok()?, number(4, 6)?, number(6, 8)?)?;
        return Some(Found { date, order: Order::Year, separator: None, widths: [4, 2, 2], after });
    }
    let separator = text[length..].chars().next().filter(|letter| "-/.".contains(*letter))?;
    let mut parts = text.splitn(3, separator);
    let (first, second, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    let (third, after) = rest.split_at(end);
    let is_number = |part: &str| !part.is_empty() && part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    if ![first, second, third].into_iter().all(is_number)
        || !(after.is_empty() || after.starts_with(['T', 't', ' ', ',']))
    {
        return None;
    }
    let number = |part: &str| part.parse::<u32>().unwrap_or(0);
    let widths = [first.len(), second.len(), third.len()];
    let year = |part: &str| match part.len() {
        4 => i32::try_from(number(part)).ok(),
        2 => i32::try_from(number(part)).ok().map(|year| if year < 70 { 2000 + year } else { 1900 + year }),
        _ => None,
    };
    let found = |date, order| Some(Found { date, order, separator: Some(separator), widths, after });
    if first.len() == 4 {
        return found(day(year(first)?, number(second), number(third))?, Order::Year);
    }
    if first.len() > 2 || second.len() > 2 {
        return None;
    }
    let year = year(third)?;
    let month_first = || day(year, number(first), number(second)).map(|date| (date, Order::Month));
    let day_first = || day(year, number(second), number(first)).map(|date| (date, Order::Day));
    let (date, order) =
        if separator == '.' { day_first().or_else(month_first)? } else { month_first().or_else(day_first)? };
    found(date, order)
}

/// A date of a person or a deal, not any eight digits.
fn day(year: i32, month: u32, day: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(year, month, day).filter(|_| (1880..=2100).contains(&year))
}

impl Masker {
    /// By how many days dates move back.
    fn shift_days(&self) -> u64 {
        u64::from(7 * (WEEKS_MIN + self.key.draw("dates", "").below(WEEKS)))
    }

    /// A text that [`is_date`]; its time of day stays.
    pub(crate) fn date(&self, text: &str) -> String {
        let Some(found) = find(text) else { return self.whole(text) };
        self.count("date");
        let date = found.date.checked_sub_days(Days::new(self.shift_days())).unwrap_or(found.date);
        let (year, month, day) = (date.year().to_string(), date.month().to_string(), date.day().to_string());
        let parts = match found.order {
            Order::Year => [year, month, day],
            Order::Month => [month, day, year],
            Order::Day => [day, month, year],
        };
        let parts: Vec<String> = parts
            .into_iter()
            .zip(found.widths)
            .map(|(part, width)| {
                let cut = part.len().saturating_sub(if part.len() == 4 && width == 2 { 2 } else { part.len() });
                format!("{:0>width$}", &part[cut..])
            })
            .collect();
        let separator = found.separator.map(String::from).unwrap_or_default();
        parts.join(&separator) + found.after
    }

    /// Milliseconds since 1970.
    pub(crate) fn epoch_ms(&self, ms: u64) -> u64 {
        self.count("date");
        ms.saturating_sub(self.shift_days() * MS_PER_DAY)
    }
}
