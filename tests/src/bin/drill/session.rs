//! One host from an empty store to its end, with several rounds under one steady load. Compares nothing itself.

use std::time::{Duration, Instant};

use bad_release::Fault;
use handoff_tests::harness::{TestHost, bad_release, bdc_list_at};
use serde_json::Value;

use crate::crm::Crm;
use crate::judge::{self, Judged};
use crate::load::Load;
use crate::options::Options;
use crate::round;

/// Longest that a healthy host may need for what waits at the end.
const DRAIN: Duration = Duration::from_secs(180);
/// Clients are limited by nothing, and look-ups of the host do not wait for a CRM that is fine.
const WIDE: &str = "[ingress.rate]\nclient-per-second = 1000000\nclient-burst = 1000000\nhook-per-second = 1000000\nhook-burst = 1000000\n";

/// Runs the rounds and judges them.
pub(crate) async fn run(options: &Options, fault: Fault, rounds: u64) -> Judged {
    let crm = Crm::start().await;
    let settings = bdc_list_at(crm.recorder.port());
    let mut host = TestHost::new().ingress(WIDE).with_lead_handoff_to(settings.clone()).start().await;
    let package = bad_release(fault, host.folder());
    let load = Load::start(host.url("/hooks/web-leads"), options.rate);
    let (mut done, mut findings) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        match round::run(&host, options, fault, &package, &settings).await {
            Ok(round) => done.push(round),
            Err(finding) => {
                findings.push(format!("{}: {finding}", fault.name()));
                break;
            }
        }
    }
    let sent = load.finish().await;
    let mut busy = drained(&host).await;
    // A person looks at what was held: it is right, unless this release tells the CRM or its state wrong things.
    if busy.is_none() && settled_held(&host, fault).await {
        busy = drained(&host).await;
    }
    if let Some(busy) = busy {
        findings.push(format!("{}: still at work after {DRAIN:?}: {busy}", fault.name()));
    }
    host.stop().await;
    let mut judged = judge::all(&host, &crm, fault, &sent, done);
    judged.findings.extend(findings);
    if options.keep && !judged.findings.is_empty() {
        println!("  everything is kept in {}", host.keep().display());
    }
    judged
}

/// Sends what rollbacks held, or gives it up. True if that was anything.
async fn settled_held(host: &TestHost, fault: Fault) -> bool {
    let verb = if round::is_replayed(fault) { "discard" } else { "release" };
    let args = ["outbox", verb, "--installation", round::NAME, "--reason", "a person looked at it", "--yes", "--json"];
    let said = host.cli(&args).await;
    said.code == 0 && said.json()["done"].as_u64().unwrap_or_default() > 0
}

/// Waits until nothing waits. What still does, if it takes too long.
async fn drained(host: &TestHost) -> Option<String> {
    let deadline = Instant::now() + DRAIN;
    loop {
        let list = host.control("/v1/installations").await.unwrap_or_default();
        let busy: Vec<String> = list["installations"].as_array().into_iter().flatten().filter_map(busy).collect();
        if busy.is_empty() && list["installations"].is_array() {
            return None;
        }
        if Instant::now() >= deadline {
            return Some(busy.join("; "));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What an installation has left to do; the response clocks of `bdc-list` run on.
fn busy(installation: &Value) -> Option<String> {
    let counts = &installation["counts"];
    let busy = ["waiting", "inFlight", "outboxPending"].iter().any(|what| counts[what] != 0);
    (busy || !installation["paused"].is_null()).then(|| installation.to_string())
}
