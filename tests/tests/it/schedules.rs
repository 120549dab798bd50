//! Schedules, by a clock that the test moves: a year passes in seconds.

use handoff_tests::harness::{TestHost, component, eventually, web_leads};
use serde_json::Value;
use tempfile::TempDir;

/// A host whose clock stands at a time, with `web-leads` on a schedule.
async fn host_at(time: &str, cron: &str) -> (TestHost, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = folder.path().join("clock");
    std::fs::write(&clock, time).expect("the clock's file");
    let host = TestHost::new().environment("HANDOFF_TEST_CLOCK", &clock.display().to_string()).start().await;
    let mut settings = web_leads(&host.inbox());
    let schedule = format!("name = \"work\"\ncron = \"{cron}\"").parse().expect("TOML");
    settings.insert("schedules".to_owned(), toml::Value::Array(vec![toml::Value::Table(schedule)]));
    host.install("web-leads", &component("adf-leads"), &settings).await.ok();
    (host, folder)
}

/// Waits for so many ticks; answers their times, oldest first.
async fn ticks(host: &TestHost, count: usize) -> Vec<String> {
    let ticks = eventually("the ticks", async || {
        let ticks = host.events("com.handoff.schedule.ticked.v1").await;
        (ticks.len() >= count).then_some(ticks)
    })
    .await;
    let mut times: Vec<String> = ticks.iter().filter_map(|tick| tick["id"].as_str().map(str::to_owned)).collect();
    times.sort();
    times
}

#[tokio::test]
async fn a_schedule_ticks_at_the_minute_once() {
    let (host, _clock) = host_at("2026-03-30T15:30:20Z", "* * * * *").await;
    host.cli(&["clock", "2026-03-30T15:30:59Z"]).await.ok();
    assert!(host.events("com.handoff.schedule.ticked.v1").await.is_empty(), "a second early");
    host.cli(&["clock", "+1s"]).await.ok();
    assert_eq!(ticks(&host, 1).await, ["2026-03-30T15:31:00.000Z"]);
    let tick = &host.events("com.handoff.schedule.ticked.v1").await[0];
    assert_eq!(tick["source"], "/schedules/web-leads/work");
    let data: Value = host.event_data(tick["position"].as_u64().expect("a position")).await;
    assert_eq!((&data["schedule"], &data["scheduledFor"]), (&"work".into(), &tick["id"]), "{data}");
    assert!(host.check_published().await.contains("com.handoff.schedule.ticked.v1"));
}

#[tokio::test]
async fn a_tick_missed_while_the_host_was_down_is_made_up_for_once() {
    let (mut host, _clock) = host_at("2026-03-30T15:30:20Z", "0 9 * * *").await;
    host.cli(&["clock", "2026-03-31T14:00:00Z"]).await.ok();
    assert_eq!(ticks(&host, 1).await, ["2026-03-31T14:00:00.000Z"], "nine in Chicago");
    host.stop().await;
    host.start_again().await;
    let now = host.cli_json(&["clock"]).await;
    assert_eq!(now["now"], "2026-03-31T14:00:00.000Z", "the clock continues where it was");
    host.cli(&["clock", "+3d"]).await.ok();
    let all = ticks(&host, 2).await;
    assert_eq!(all[1], "2026-04-03T14:00:00.000Z", "the latest; older ones are left out");
    assert_eq!(all.len(), 2, "{all:?}");
}

#[tokio::test]
async fn a_schedule_keeps_local_time_over_a_clock_change() {
    let (host, _clock) = host_at("2026-03-06T16:00:00Z", "0 9 * * *").await;
    let mut expected = Vec::new();
    for (day, utc_hour) in [(7, 15), (8, 14), (9, 14)] {
        let at = format!("2026-03-{day:02}T{utc_hour}:00:00Z");
        host.cli(&["clock", &at]).await.ok();
        expected.push(at.replace('Z', ".000Z"));
        assert_eq!(ticks(&host, expected.len()).await, expected, "nine in Chicago, before and after 8 March");
    }
}
