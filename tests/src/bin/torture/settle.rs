//! After a storm: waits until a host has done what waits, and asks the tallies what they keep. Compares nothing.

use std::time::{Duration, Instant};

use handoff_tests::harness::TestHost;
use serde_json::{Value, json};

use crate::check;
use crate::install::{AFTER, FIRST};
use crate::post::{Door, Letter};
use crate::sent::SOURCE;

/// Longest that a healthy host may need for what waits at the end.
const DRAIN: Duration = Duration::from_secs(180);

/// Waits until nothing waits.
pub(crate) async fn drained(host: &TestHost) {
    let deadline = Instant::now() + DRAIN;
    loop {
        resume_all(host).await;
        release_all(host).await;
        let list = host.control("/v1/installations").await.unwrap_or_default();
        let busy: Vec<String> = list["installations"].as_array().into_iter().flatten().filter_map(busy).collect();
        if busy.is_empty() && list["installations"].is_array() {
            return;
        }
        assert!(Instant::now() < deadline, "still at work after {DRAIN:?}: {busy:?}\n{}", tail(&host.log()));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What an installation has left to do. The response clocks of `bdc-list` run for minutes: only the tallies' timers count.
fn busy(installation: &Value) -> Option<String> {
    let (name, counts) = (installation["name"].as_str()?, &installation["counts"]);
    let timers = matches!(name, FIRST | AFTER) && counts["timers"] != 0;
    let busy = timers || ["waiting", "inFlight", "outboxPending", "outboxHeld"].iter().any(|what| counts[what] != 0);
    (busy || !installation["paused"].is_null()).then(|| installation.to_string())
}

/// What both tallies keep.
pub(crate) async fn reports(host: &TestHost) -> check::Reports {
    let wanted = json!({
        "specversion": "1.0", "id": "report", "source": SOURCE, "type": tally::REPORT_WANTED,
    });
    let door = Door::new(host.url(""));
    assert!(door.post(&Letter::events(&wanted), || false).await);
    let mut reports = check::Reports::default();
    let deadline = Instant::now() + DRAIN;
    while reports.len() < 2 {
        assert!(Instant::now() < deadline, "the tallies do not report:\n{}", tail(&host.log()));
        tokio::time::sleep(Duration::from_millis(20)).await;
        for event in host.events(tally::REPORTED).await {
            let data = host.event_data(event["position"].as_u64().unwrap_or_default()).await;
            let name = data["installation"].as_str().unwrap_or_default().to_owned();
            reports.insert(name, data["rows"].as_object().cloned().unwrap_or_default());
        }
    }
    reports
}

/// The end of a log.
pub(crate) fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// Sends what rollbacks held: the generations that they left were good ones.
async fn release_all(host: &TestHost) {
    let list = host.control("/v1/installations").await.unwrap_or_default();
    for installation in list["installations"].as_array().into_iter().flatten() {
        let held = installation["counts"]["outboxHeld"].as_u64().unwrap_or_default();
        if let (Some(name), 1..) = (installation["name"].as_str(), held) {
            let args = ["outbox", "release", "--installation", name, "--reason", "they were right", "--yes"];
            host.cli(&args).await.ok();
            println!("  {held} requests of {name} were held, and are sent");
        }
    }
}

/// Lets paused installations go on: a compiler that was killed pauses what it was compiling.
pub(crate) async fn resume_all(host: &TestHost) {
    let list = host.control("/v1/installations").await.unwrap_or_default();
    for installation in list["installations"].as_array().into_iter().flatten() {
        if let (Some(name), false) = (installation["name"].as_str(), installation["paused"].is_null()) {
            println!("  {name} is paused: {}", installation["paused"]["message"]);
            host.cli(&["resume", name]).await.ok();
        }
    }
}
