//! After a run: waits until a host has no pending work, and reads the tallies' state. It compares nothing.

use std::time::{Duration, Instant};

use handoff_tests::harness::TestHost;
use serde_json::{Value, json};

use crate::check;
use crate::install::{AFTER, FIRST};
use crate::post::{Endpoint, Post};
use crate::sent::SOURCE;

/// Time limit for pending work at the end.
const DRAIN: Duration = Duration::from_secs(180);

/// Waits until no work is pending.
pub(crate) async fn drained(host: &TestHost) {
    let deadline = Instant::now() + DRAIN;
    loop {
        resume_all(host).await;
        release_all(host).await;
        redrive_leads(host).await;
        let list = host.control("/v1/installations").await.unwrap_or_default();
        let busy: Vec<String> = list["installations"].as_array().into_iter().flatten().filter_map(busy).collect();
        if busy.is_empty() && list["installations"].is_array() {
            return;
        }
        assert!(Instant::now() < deadline, "work still pending after {DRAIN:?}: {busy:?}\n{}", tail(&host.log()));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The pending work of an installation. Response timers of `bdc-list` run for minutes: only the tallies' timers count.
fn busy(installation: &Value) -> Option<String> {
    let (name, counts) = (installation["name"].as_str()?, &installation["counts"]);
    let timers = matches!(name, FIRST | AFTER) && counts["timers"] != 0;
    let busy = timers || ["waiting", "inFlight", "outboxPending", "outboxHeld"].iter().any(|what| counts[what] != 0);
    (busy || !installation["paused"].is_null()).then(|| installation.to_string())
}

/// The state of both tallies.
pub(crate) async fn reports(host: &TestHost) -> check::Reports {
    let wanted = json!({
        "specversion": "1.0", "id": "report", "source": SOURCE, "type": tally::REPORT_WANTED,
    });
    let endpoint = Endpoint::new(host.url(""));
    assert!(endpoint.post(&Post::events(&wanted), || false).await);
    let mut reports = check::Reports::default();
    let deadline = Instant::now() + DRAIN;
    while reports.len() < 2 {
        assert!(Instant::now() < deadline, "no report from the tallies:\n{}", tail(&host.log()));
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

/// Releases the requests that rollbacks held: the generations that they left were good.
async fn release_all(host: &TestHost) {
    let list = host.control("/v1/installations").await.unwrap_or_default();
    for installation in list["installations"].as_array().into_iter().flatten() {
        let held = installation["counts"]["outboxHeld"].as_u64().unwrap_or_default();
        if let (Some(name), 1..) = (installation["name"].as_str(), held) {
            let args = ["outbox", "release", "--installation", name, "--reason", "they are correct", "--yes"];
            host.cli(&args).await.ok();
            println!("  released {held} held requests of {name}");
        }
    }
}

/// Delivers leads again that rollbacks withdrew: the generations that emitted them were good. Entries of tallies stay
/// withdrawn, because a later one was handled before.
async fn redrive_leads(host: &TestHost) {
    let letters = host.control("/v1/dead-letters?limit=1000").await.unwrap_or_default();
    let letters = letters["deadLetters"].as_array().into_iter().flatten();
    let withdrawn = letters.filter(|letter| letter["failure"]["code"] == "withdrawn");
    let ids: Vec<&str> = withdrawn.filter_map(|letter| letter["id"].as_str()).collect();
    for name in ["identity", "bdc-list"] {
        let count = ids.iter().filter(|id| id.split('/').next() == Some(name)).count();
        if count > 0 {
            let args = ["redrive", "--installation", name, "--code", "withdrawn", "--reason", "they are correct"];
            host.cli(&args).await.ok();
            println!("  delivered {count} withdrawn events to {name}");
        }
    }
}

/// Resumes paused installations: killing a compiler process pauses its installation.
pub(crate) async fn resume_all(host: &TestHost) {
    let list = host.control("/v1/installations").await.unwrap_or_default();
    for installation in list["installations"].as_array().into_iter().flatten() {
        if let (Some(name), false) = (installation["name"].as_str(), installation["paused"].is_null()) {
            println!("  {name} is paused: {}", installation["paused"]["message"]);
            host.cli(&["resume", name]).await.ok();
        }
    }
}
