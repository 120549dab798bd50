//! Transitions of real time zones, catch-up, jitter.

use super::*;

fn schedule(when: ScheduleWhen, zone: &str, jitter_ms: u64) -> Schedule {
    let settings = ScheduleSettings { name: "daily".to_owned(), when, jitter_ms };
    let zone = TimeZone::try_from(zone.to_owned()).expect("a zone");
    Schedule::new(&"leads".parse().expect("a name"), &settings, zone).expect("a schedule")
}

fn cron(pattern: &str, zone: &str) -> Schedule {
    schedule(ScheduleWhen::Cron(pattern.to_owned()), zone, 0)
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect("a time")
}

/// All ticks after `from` up to `until`, in local time.
fn ticks(schedule: &Schedule, from: &str, until: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut last = at(from);
    while let Some(tick) = schedule.next_after(last).filter(|tick| tick.scheduled <= at(until)) {
        assert!(tick.scheduled > last, "time goes forward");
        found.push(tick.scheduled.to_utc().with_timezone(&schedule.zone.0).format("%m-%d %H:%M%:z").to_string());
        last = tick.scheduled;
    }
    found
}

#[test]
fn a_fixed_time_in_a_gap_ticks_once_right_after_it() {
    let chicago = cron("30 2 * * *", "America/Chicago");
    assert_eq!(
        ticks(&chicago, "2026-03-07T12:00:00-06:00", "2026-03-09T12:00:00-05:00"),
        ["03-08 03:00-05:00", "03-09 02:30-05:00"]
    );
    let berlin = cron("15 2 * * *", "Europe/Berlin");
    assert_eq!(
        ticks(&berlin, "2026-03-28T12:00:00+01:00", "2026-03-30T12:00:00+02:00"),
        ["03-29 03:00+02:00", "03-30 02:15+02:00"]
    );
    let lord_howe = cron("15 2 * * *", "Australia/Lord_Howe");
    assert_eq!(
        ticks(&lord_howe, "2026-10-03T12:00:00+10:30", "2026-10-05T12:00:00+11:00"),
        ["10-04 02:30+11:00", "10-05 02:15+11:00"]
    );
}

#[test]
fn a_fixed_time_in_a_fold_ticks_once() {
    let chicago = cron("30 1 * * *", "America/Chicago");
    assert_eq!(
        ticks(&chicago, "2026-10-31T12:00:00-05:00", "2026-11-02T12:00:00-06:00"),
        ["11-01 01:30-05:00", "11-02 01:30-06:00"]
    );
    let berlin = cron("30 2 * * *", "Europe/Berlin");
    assert_eq!(
        ticks(&berlin, "2026-10-24T12:00:00+02:00", "2026-10-26T12:00:00+01:00"),
        ["10-25 02:30+02:00", "10-26 02:30+01:00"]
    );
    let lord_howe = cron("45 1 * * *", "Australia/Lord_Howe");
    assert_eq!(
        ticks(&lord_howe, "2026-04-04T12:00:00+11:00", "2026-04-06T12:00:00+10:30"),
        ["04-05 01:45+11:00", "04-06 01:45+10:30"]
    );
}

#[test]
fn a_search_that_starts_inside_a_fold_does_not_tick_again() {
    let chicago = cron("30 1 * * *", "America/Chicago");
    // 01:40 in the first pass: the tick of 01:30 is over, and the second pass must not repeat it.
    let next = chicago.next_after(at("2026-11-01T01:40:00-05:00")).expect("a tick");
    assert_eq!(next.scheduled, at("2026-11-02T01:30:00-06:00"));
    let next = chicago.next_after(at("2026-11-01T01:10:00-06:00")).expect("a tick");
    assert_eq!(next.scheduled, at("2026-11-02T01:30:00-06:00"));
}

#[test]
fn intervals_continue_through_gap_and_fold() {
    let chicago = cron("*/30 * * * *", "America/Chicago");
    assert_eq!(
        ticks(&chicago, "2026-03-08T01:00:00-06:00", "2026-03-08T03:30:00-05:00"),
        ["03-08 01:30-06:00", "03-08 03:00-05:00", "03-08 03:30-05:00"]
    );
    assert_eq!(
        ticks(&chicago, "2026-11-01T00:30:00-05:00", "2026-11-01T02:00:00-06:00"),
        ["11-01 01:00-05:00", "11-01 01:30-05:00", "11-01 01:00-06:00", "11-01 01:30-06:00", "11-01 02:00-06:00"]
    );
}

#[test]
fn a_zone_without_daylight_saving_never_moves() {
    let phoenix = cron("30 2 * * SUN", "America/Phoenix");
    assert_eq!(
        ticks(&phoenix, "2026-03-07T00:00:00-07:00", "2026-03-15T12:00:00-07:00"),
        ["03-08 02:30-07:00", "03-15 02:30-07:00"]
    );
}

#[test]
fn weekdays_use_the_zone_of_the_rooftop() {
    let chicago = cron("0 20 * * FRI", "America/Chicago");
    let tick = chicago.next_after(at("2026-06-01T00:00:00Z")).expect("a tick");
    assert_eq!(tick.scheduled, at("2026-06-06T01:00:00Z"), "Friday evening in Chicago is Saturday in UTC");
    let event = chicago.event(tick);
    assert_eq!((event.id.as_str(), event.source.as_str()), ("2026-06-06T01:00:00.000Z", "/schedules/leads/daily"));
    assert_eq!(
        String::from_utf8(event.data.clone()).expect("text"),
        r#"{"localTime":"2026-06-05T20:00:00-05:00","schedule":"daily","scheduledFor":"2026-06-06T01:00:00.000Z"}"#
    );
    assert_eq!(event.check(), Ok(()));
}

#[test]
fn after_a_month_of_downtime_only_the_latest_tick_is_delivered() {
    let minutely = cron("* * * * *", "America/Chicago");
    let now = at("2026-06-30T10:00:30Z");
    let tick = minutely.due(at("2026-05-30T10:00:00Z"), now).expect("a tick");
    assert_eq!(tick.scheduled, at("2026-06-30T10:00:00Z"));
    assert_eq!(minutely.due(tick.scheduled, now), None, "it is delivered once only");
    let yearly = cron("0 0 1 1 *", "America/Chicago");
    let tick = yearly.due(at("2023-06-01T00:00:00Z"), now).expect("a tick");
    assert_eq!(tick.scheduled, at("2026-01-01T06:00:00Z"));
    assert_eq!(yearly.due(at("2026-02-01T00:00:00Z"), now), None);
}

#[test]
fn every_counts_from_1970_independent_of_the_start() {
    let quarter = schedule(ScheduleWhen::EveryMs(900_000), "America/Chicago", 0);
    for start in ["2026-06-01T10:00:00Z", "2026-06-01T10:07:31Z", "2026-06-01T10:14:59.999Z"] {
        assert_eq!(quarter.next_after(at(start)).map(|tick| tick.scheduled), Some(at("2026-06-01T10:15:00Z")));
    }
    assert_eq!(quarter.next_after(Timestamp(u64::MAX)), None);
}

#[test]
fn jitter_delays_the_delivery_but_keeps_the_id() {
    let jittered = schedule(ScheduleWhen::EveryMs(60_000), "UTC", 30_000);
    let tick = jittered.next_after(at("2026-06-01T10:00:00Z")).expect("a tick");
    assert_eq!(Some(tick), jittered.next_after(at("2026-06-01T10:00:59Z")));
    assert!(tick.due.since_ms(tick.scheduled) <= 30_000);
    assert_eq!(jittered.event(tick).id, "2026-06-01T10:01:00.000Z");
}

#[test]
fn patterns_that_never_tick_or_tick_by_the_second_are_refused() {
    for pattern in ["", "* * * *", "0 0 31 2 *", "* * * * * *", "61 * * * *", "0 8 * * FUNDAY", "💥 * * * *"] {
        assert!(parse_cron(pattern).is_err(), "{pattern:?}");
    }
    for pattern in ["0 8 * * MON-FRI", "0 0 29 2 *", "*/15 7-19 * * 1-6", "0 0 L * *", "@daily"] {
        assert!(parse_cron(pattern).is_ok(), "{pattern:?}");
    }
}
