//! Kills the real host at random moments while it is under load and its CRM has bad weather, starts it on the same data,
//! and at the end compares everything with what a sequential model says.

mod check;
mod killer;
mod senders;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use handoff_tests::harness::TestHost;
use handoff_tests::simulators::recorder::{Recorder, Weather};
use serde_json::{Value, json};

use crate::install::{self, AFTER, FIRST};
use crate::post::{Door, Letter};
use killer::Killer;

/// Longest that a healthy host may need for what waits at the end.
const DRAIN: Duration = Duration::from_secs(180);
/// Small parts, so that rotation, checkpoints, retention and body files are at work at any moment.
const TINY: &str = "[limits.store]
segment-bytes = 131072
buffer-bytes = 49152
inline-body-bytes = 4096

[retention]
bytes = 2097152

[limits.call]
http-timeout-ms = 250
";

/// How long and with which chances.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) kills: u64,
    pub(crate) seed: u64,
}

/// Runs it; answers whatever is not as it must be.
pub(crate) async fn run(plan: Plan) -> Vec<String> {
    println!("{} kills, seed {} (--seed {} takes the same chances again)", plan.kills, plan.seed, plan.seed);
    let crm = Recorder::start(plan.seed, Box::new(|_, _| ())).await;
    let mut host = install::host(&crm).config(TINY).start().await;
    let begun = Instant::now();
    let stop = Arc::new(AtomicBool::new(false));
    let senders = senders::start(&host.url(""), plan.seed, &stop);

    let mut killer = Killer::new(plan.seed);
    killer.run(&mut host, &crm, plan.kills, &senders.answered).await;
    crm.set(Weather::Clear);
    host.start_again().await;
    stop.store(true, Ordering::Relaxed);
    let sent = senders.finish().await;
    println!(
        "{} kills in {:.0} s; {} events were answered with 202, {} given up without an answer. {}",
        plan.kills,
        begun.elapsed().as_secs_f64(),
        sent.answered(),
        sent.unknown(),
        killer.summary()
    );
    let draining = Instant::now();
    drained(&host, &killer).await;
    println!("what waited was done within {:.1} s", draining.elapsed().as_secs_f64());
    let reports = reports(&host).await;
    let mut findings = check::all(&host, &crm, &sent, &reports).await;
    findings.extend(killer.findings);
    {
        let book = crm.book();
        println!(
            "the CRM did {} requests, was asked {} times again for what it had done, and failed {} times",
            book.applied, book.repeated, book.refused
        );
    }
    findings
}

/// Waits until nothing waits.
async fn drained(host: &TestHost, killer: &Killer) {
    let deadline = Instant::now() + DRAIN;
    loop {
        killer.resume_all(host).await;
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
    let busy = timers || ["waiting", "inFlight", "outboxPending"].iter().any(|what| counts[what] != 0);
    (busy || !installation["paused"].is_null()).then(|| installation.to_string())
}

/// What both tallies keep.
async fn reports(host: &TestHost) -> check::Reports {
    let wanted = json!({
        "specversion": "1.0", "id": "report", "source": senders::SOURCE, "type": tally::REPORT_WANTED,
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
