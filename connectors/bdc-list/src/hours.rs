//! Business hours: how much of a span is within them, and when a given amount of them has passed. Pure arithmetic.
//!
//! A connector has no time zone rules, only the rooftop's offset from UTC at each delivery. Each end of a span uses the
//! offset of its own delivery, which makes spans exact (clocks change outside business hours). A future deadline uses
//! today's offset and is recomputed with the offset of the day when its timer fires: across a clock change it is never
//! early, and in spring up to one hour late.

use handoff_sdk::Timestamp;
use serde::Deserialize;

const DAY_S: i64 = 86_400;
/// How many days ahead a deadline is searched. Timers are limited to a year ahead.
const DAYS_AHEAD_MAX: i64 = 360;

/// Opening hours by weekday (`"09:00-20:00"`, several separated by commas, empty when closed) and closed dates.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct HoursConfig {
    /// Monday.
    pub mon: String,
    /// Tuesday.
    pub tue: String,
    /// Wednesday.
    pub wed: String,
    /// Thursday.
    pub thu: String,
    /// Friday.
    pub fri: String,
    /// Saturday.
    pub sat: String,
    /// Sunday.
    pub sun: String,
    /// Closed dates, `2026-12-25`.
    pub closed_dates: Vec<String>,
}

impl Default for HoursConfig {
    fn default() -> Self {
        let day = || "09:00-20:00".to_owned();
        Self {
            mon: day(),
            tue: day(),
            wed: day(),
            thu: day(),
            fri: day(),
            sat: "09:00-18:00".to_owned(),
            sun: String::new(),
            closed_dates: Vec::new(),
        }
    }
}

/// Parsed hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// Monday first: (from, to) in seconds of the day, in order, without overlap.
    days: [Vec<(i64, i64)>; 7],
    /// Days since 1970-01-01.
    closed: Vec<i64>,
}

impl Hours {
    /// # Errors
    /// A sentence that names the field, its value and what was expected.
    pub fn parse(config: &HoursConfig) -> Result<Self, String> {
        let texts = [
            ("mon", &config.mon),
            ("tue", &config.tue),
            ("wed", &config.wed),
            ("thu", &config.thu),
            ("fri", &config.fri),
            ("sat", &config.sat),
            ("sun", &config.sun),
        ];
        let mut days: [Vec<(i64, i64)>; 7] = Default::default();
        for (day, (name, text)) in days.iter_mut().zip(texts) {
            *day = parse_day(text).ok_or_else(|| {
                format!("`business-hours.{name}` holds `{text}`: expected spans in order such as `09:00-12:00,13:00-20:00`, or an empty text when closed.")
            })?;
        }
        if days.iter().all(Vec::is_empty) {
            return Err("`business-hours` has no open day: expected at least one.".to_owned());
        }
        let mut closed = Vec::new();
        for text in &config.closed_dates {
            let parsed = if text.len() == 10 { format!("{text}T00:00:00Z").parse::<Timestamp>().ok() } else { None };
            closed.push(
                seconds(parsed.ok_or_else(|| {
                    format!("`business-hours.closed-dates` holds `{text}`: expected a date such as `2026-12-25`.")
                })?) / DAY_S,
            );
        }
        Ok(Self { days, closed })
    }

    /// Seconds of business hours between two instants, each with its offset from UTC in seconds.
    pub fn between_seconds(&self, (from, from_offset): (Timestamp, i32), (to, to_offset): (Timestamp, i32)) -> u64 {
        let (from, to) = (seconds(from) + i64::from(from_offset), seconds(to) + i64::from(to_offset));
        let mut sum = 0;
        for day in from.div_euclid(DAY_S)..=to.div_euclid(DAY_S).min(from.div_euclid(DAY_S) + DAYS_AHEAD_MAX) {
            for (open, close) in self.spans(day) {
                sum += (close.min(to) - open.max(from)).max(0);
            }
        }
        u64::try_from(sum).unwrap_or(0)
    }

    /// The instant at which this many seconds of business hours have passed since `from` with its offset from UTC, if
    /// the offset is `to_offset` then. All offsets in seconds.
    pub fn after_seconds(
        &self,
        (from, from_offset): (Timestamp, i32),
        business_seconds: u64,
        to_offset: i32,
    ) -> Timestamp {
        let start = seconds(from) + i64::from(from_offset);
        let mut left = i64::try_from(business_seconds).unwrap_or(i64::MAX);
        let first = start.div_euclid(DAY_S);
        for day in first..first + DAYS_AHEAD_MAX {
            for (open, close) in self.spans(day) {
                let open = open.max(start);
                let length = (close - open).max(0);
                if length > 0 && left <= length {
                    return instant(open + left - i64::from(to_offset), from);
                }
                left -= length;
            }
        }
        instant(start + DAYS_AHEAD_MAX * DAY_S - i64::from(to_offset), from)
    }

    /// The opening hours of a local day (days since 1970-01-01), in local seconds since then.
    fn spans(&self, day: i64) -> impl Iterator<Item = (i64, i64)> {
        // 1970-01-01 was a Thursday: three days after Monday.
        let weekday = usize::try_from((day + 3).rem_euclid(7)).unwrap_or(0);
        let open =
            if self.closed.contains(&day) { &[] } else { self.days.get(weekday).map_or(&[] as &[_], Vec::as_slice) };
        open.iter().map(move |(from, to)| (day * DAY_S + from, day * DAY_S + to))
    }
}

fn seconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_millis() / 1000).unwrap_or(i64::MAX / 4)
}

/// Keeps the milliseconds of the start, so that no deadline is a fraction of a second early.
fn instant(seconds: i64, from: Timestamp) -> Timestamp {
    Timestamp::from_millis(
        u64::try_from(seconds).unwrap_or(0).saturating_mul(1000).saturating_add(from.as_millis() % 1000),
    )
}

fn parse_day(text: &str) -> Option<Vec<(i64, i64)>> {
    let mut spans: Vec<(i64, i64)> = Vec::new();
    for span in text.split(',').map(str::trim).filter(|span| !span.is_empty()) {
        let (from, to) = span.split_once('-')?;
        let (from, to) = (time_of_day(from)?, time_of_day(to)?);
        if from >= to || spans.last().is_some_and(|(_, end)| *end > from) {
            return None;
        }
        spans.push((from, to));
    }
    Some(spans)
}

fn time_of_day(text: &str) -> Option<i64> {
    let (hour, minute) = text.trim().split_once(':')?;
    if hour.len() != 2 || minute.len() != 2 {
        return None;
    }
    let (hour, minute) = (hour.parse::<u8>().ok()?, minute.parse::<u8>().ok()?);
    (minute < 60 && (hour < 24 || (hour == 24 && minute == 0))).then(|| i64::from(hour) * 3600 + i64::from(minute) * 60)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::{Hours, HoursConfig};
    use handoff_sdk::Timestamp;

    const CHICAGO: i32 = -5 * 3600;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn only_business_hours_count() {
        let hours = Hours::parse(&HoursConfig::default()).unwrap();
        // Friday 2026-04-03 19:50 local to Saturday 09:10 local.
        assert_eq!(
            hours.between_seconds(
                (at("2026-04-03T19:50:00-05:00"), CHICAGO),
                (at("2026-04-04T09:10:00-05:00"), CHICAGO)
            ),
            20 * 60
        );
        assert_eq!(
            hours.between_seconds(
                (at("2026-04-05T08:00:00-05:00"), CHICAGO),
                (at("2026-04-05T20:00:00-05:00"), CHICAGO)
            ),
            0,
            "closed on Sunday"
        );
    }

    #[test]
    fn a_deadline_continues_at_the_next_opening() {
        let hours =
            Hours::parse(&HoursConfig { closed_dates: vec!["2026-04-06".to_owned()], ..HoursConfig::default() })
                .unwrap();
        let due = |from: &str, minutes: u64| hours.after_seconds((at(from), CHICAGO), minutes * 60, CHICAGO);
        assert_eq!(due("2026-04-03T10:00:00-05:00", 15), at("2026-04-03T10:15:00-05:00"));
        assert_eq!(
            due("2026-04-04T17:50:00-05:00", 15),
            at("2026-04-07T09:05:00-05:00"),
            "Sunday and a closed Monday are skipped"
        );
        assert_eq!(due("2026-04-03T02:00:00.250-05:00", 15), at("2026-04-03T09:15:00.250-05:00"));
    }

    #[test]
    fn errors_in_business_hours_name_their_field() {
        let bad = |mon: &str| Hours::parse(&HoursConfig { mon: mon.to_owned(), ..HoursConfig::default() }).unwrap_err();
        for text in ["9-17", "17:00-09:00", "09:00-12:00,11:00-13:00", "09:00-25:00", "x"] {
            assert!(bad(text).contains("business-hours.mon"), "{text}");
        }
        let closed = HoursConfig { closed_dates: vec!["25.12.2026".to_owned()], ..HoursConfig::default() };
        assert!(Hours::parse(&closed).unwrap_err().contains("closed-dates"));
    }
}
