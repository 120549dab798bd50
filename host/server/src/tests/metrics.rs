//! Tests of metrics: the samples of a host, their documentation, and the listener that has nothing else.

use super::bench::{Bench, get, post_json, send};
use super::control::bench_with_events;
use crate::{control, metrics};
use handoff_model::names::Position;

#[tokio::test]
async fn a_scrape_has_the_queue_the_deliveries_and_the_host() {
    let bench = bench_with_events(3).await;
    bench.dead_letter(Position(1)).await;
    let router = control::router(bench.shard.clone());
    post_json(&router, "/v1/installations/web-leads/pause", serde_json::json!({"reason": "inventory"})).await;
    let answer = get(&router, "/metrics").await;
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let own = "installation=\"web-leads\",rooftop=\"main-street\"";
    for line in [
        "# HELP handoff_queue_entries Events that wait for a delivery, including those between two attempts."
            .to_owned(),
        "# TYPE handoff_deliveries_total counter".to_owned(),
        format!("handoff_deliveries_total{{{own},outcome=\"committed\"}} 0"),
        format!("handoff_deliveries_total{{{own},outcome=\"retry\"}} 0"),
        format!("handoff_deliveries_total{{{own},outcome=\"dead-letter\"}} 1"),
        format!("handoff_queue_entries{{{own}}} 2"),
        format!("handoff_queue_oldest_age_seconds{{{own}}} 0.000"),
        format!("handoff_dead_letters{{{own}}} 1"),
        format!("handoff_installation_paused{{{own}}} 1"),
        format!(
            "handoff_installation_info{{{own},package=\"handoff/adf-leads\",version=\"1.0.0\",generation=\"1\"}} 1"
        ),
        format!("handoff_outbox_requests{{{own},state=\"pending\"}} 0"),
        "handoff_host_state{state=\"ready\"} 1".to_owned(),
        "handoff_host_state{state=\"blocked\"} 0".to_owned(),
        "handoff_journal_segments 1".to_owned(),
        "process_start_time_seconds 1774884620.000".to_owned(),
    ] {
        assert!(answer.text.lines().any(|found| found == line), "{line} in {}", answer.text);
    }
    // Other programs write to the same disk meanwhile.
    let is_ours = |line: &&str| !line.starts_with("handoff_disk_free_bytes ");
    let again = get(&router, "/metrics").await.text;
    assert!(again.lines().filter(is_ours).eq(answer.text.lines().filter(is_ours)), "the order never changes: {again}");
}

#[tokio::test]
async fn every_metric_is_documented() {
    let bench = bench_with_events(1).await;
    let text = get(&control::router(bench.shard.clone()), "/metrics").await.text;
    let documentation = include_str!("../../../PRODUCTION.md");
    let names = text.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next());
    let missing: Vec<&str> = names.filter(|name| !documentation.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "host/PRODUCTION.md lacks {missing:?}");
}

#[tokio::test]
async fn the_metrics_listener_has_nothing_else_and_asks_for_its_token() {
    let open = Bench::new("[metrics]\nlisten = \"127.0.0.1:9464\"\n").await;
    let router = metrics::router(open.shard.clone());
    assert_eq!(get(&router, "/metrics").await.status, 200);
    assert_eq!(get(&router, "/v1/status").await.problem(), "404 no-such-path -");
    assert_eq!(send(&router, "POST", "/metrics", &[], "").await.problem(), "405 method-not-allowed -");

    let closed = Bench::new("[metrics]\nlisten = \"127.0.0.1:9464\"\ntoken-secret = \"door\"\n").await;
    let router = metrics::router(closed.shard.clone());
    assert_eq!(get(&router, "/metrics").await.problem(), "401 unauthorized -");
    let wrong = send(&router, "GET", "/metrics", &[("authorization", "Bearer open")], "").await;
    assert_eq!(wrong.problem(), "401 unauthorized -");
    assert_eq!(send(&router, "GET", "/metrics", &[("authorization", "Bearer open-sesame")], "").await.status, 200);
}
