//! Schedules tick by themselves.

use std::time::Duration;

use handoff_tests::harness::{TestHost, component, eventually_within, web_leads};

#[tokio::test]
async fn a_schedule_ticks_once_per_minute() {
    let host = TestHost::new().start().await;
    let mut settings = web_leads(&host.inbox());
    settings.insert(
        "schedules".to_owned(),
        toml::Value::Array(vec![toml::Value::Table(
            "name = \"every-minute\"\ncron = \"* * * * *\"".parse().expect("TOML"),
        )]),
    );
    host.install("web-leads", &component("adf-leads"), &settings).await.ok();
    let ticks = eventually_within(Duration::from_secs(75), "a tick", async || {
        let ticks = host.events("com.handoff.schedule.ticked.v1").await;
        (!ticks.is_empty()).then_some(ticks)
    })
    .await;
    let tick = &ticks[0];
    assert_eq!(tick["source"], "/schedules/web-leads/every-minute");
    assert!(tick["id"].as_str().is_some_and(|id| id.ends_with(":00.000Z") || id.ends_with(":00Z")), "{tick}");
    let data = host.event_data(tick["position"].as_u64().expect("a position")).await;
    assert_eq!((&data["schedule"], &data["scheduledFor"]), (&"every-minute".into(), &tick["id"]), "{data}");
    assert!(ticks.len() <= 2, "at most one tick per minute: {ticks:#?}");
}
