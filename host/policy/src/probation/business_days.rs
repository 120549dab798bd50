//! When a number of business days has passed at a rooftop. Reads no clock.

use chrono::{DateTime, Datelike as _, Days, LocalResult, NaiveDateTime, NaiveTime, TimeZone as _, Utc};

use handoff_model::delivery::zone::TimeZone;
use handoff_model::limits::Weekdays;
use handoff_model::time::Timestamp;

/// The time when this many business days have passed since `start`. A business day that has begun ends at the same time of
/// the next one; other days do not count. From Tuesday 22:00, two business days end on Thursday at 22:00; from a closed
/// Sunday, at the end of Tuesday.
#[must_use]
pub fn business_days_after(start: Timestamp, days: u32, weekdays: Weekdays, zone: TimeZone) -> Timestamp {
    let local = start.to_utc().with_timezone(&zone.0).naive_local();
    let next_open = |after: NaiveDateTime| {
        let mut following = (1..=7).filter_map(|later| after.checked_add_days(Days::new(later)));
        following.find(|day| weekdays.contains(day.weekday())).unwrap_or(after)
    };
    let begun =
        if weekdays.contains(local.weekday()) { local } else { next_open(local).date().and_time(NaiveTime::MIN) };
    let at = (0..days).fold(begun, |at, _| next_open(at));
    Timestamp::from_utc(resolved(zone, at)).max(start)
}

/// The instant of a local time. One that does not exist, because clocks are set forward, is an hour later.
fn resolved(zone: TimeZone, local: NaiveDateTime) -> DateTime<Utc> {
    let hour = chrono::TimeDelta::hours(1);
    match zone.0.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(_, at) => at.to_utc(),
        LocalResult::None => {
            let later = local.checked_add_signed(hour).unwrap_or(local);
            zone.0.from_local_datetime(&later).latest().map_or_else(|| local.and_utc(), |at| at.to_utc())
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const CHICAGO: TimeZone = TimeZone(chrono_tz::America::Chicago);

    fn after(start: &str, days: u32, weekdays: Weekdays) -> String {
        business_days_after(Timestamp::parse_rfc3339(start).unwrap(), days, weekdays, CHICAGO)
            .to_utc()
            .with_timezone(&CHICAGO.0)
            .format("%a %Y-%m-%d %H:%M %z")
            .to_string()
    }

    #[test]
    fn business_days_are_counted_in_the_zone_of_the_rooftop() {
        let usual = Weekdays::default();
        let cases = [
            ("2026-03-03T22:00:00-06:00", 2, "Thu 2026-03-05 22:00 -0600"),
            ("2026-03-06T22:00:00-06:00", 2, "Mon 2026-03-09 22:00 -0500"),
            ("2026-03-07T09:00:00-06:00", 2, "Tue 2026-03-10 09:00 -0500"),
            // A closed Sunday: Monday and Tuesday count as a whole.
            ("2026-03-08T10:00:00-05:00", 2, "Wed 2026-03-11 00:00 -0500"),
            ("2026-03-08T10:00:00-05:00", 6, "Mon 2026-03-16 00:00 -0500"),
            ("2026-03-07T02:30:00-06:00", 1, "Mon 2026-03-09 02:30 -0500"),
        ];
        for (start, days, expected) in cases {
            assert_eq!(after(start, days, usual), expected, "{days} from {start}");
        }
    }

    #[test]
    fn a_time_that_the_clocks_skip_is_an_hour_later() {
        let all = Weekdays::all();
        assert_eq!(after("2026-03-07T02:30:00-06:00", 1, all), "Sun 2026-03-08 03:30 -0500");
    }
}
