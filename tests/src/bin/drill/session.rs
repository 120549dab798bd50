//! One host from an empty store to its shutdown, with several rounds under steady load. It compares nothing itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bad_release::Fault;
use handoff_tests::harness::{TestHost, bdc_list_at};
use serde_json::Value;

use crate::acts;
use crate::crm::Crm;
use crate::judge::{self, Judged, Story};
use crate::load::Load;
use crate::options::{Mode, Options};
use crate::release::Release;
use crate::round::{self, Back, Trouble};

/// Time limit for pending work at the end.
const DRAIN: Duration = Duration::from_secs(180);
/// No rate limits, and look-ups that do not wait for a healthy CRM.
const WIDE: &str = "[ingress.rate]\nclient-per-second = 1000000\nclient-burst = 1000000\nhook-per-second = 1000000\nhook-burst = 1000000\n";
/// Probation with default settings, except floors at this connector's values and a suitable deadline: it makes no
/// look-ups.
const WATCHED: &str = "[probation]\nenabled = true\nlatency-floor-ms = 1\n\n[limits.call]\ndeadline-ms = 500\n";

/// Describes the settings of a host with automatic rollback.
pub(crate) const WATCHED_IN_WORDS: &str = "Probation has its defaults, but for the floor of the latency, which is 1 ms instead of 500 ms. A call's deadline is \
     500 ms instead of 5 s.";

/// Runs the rounds and judges them.
pub(crate) async fn run(options: Arc<Options>, mode: Mode, release: Arc<Release>, rounds: u64) -> Judged {
    let crm = Crm::start().await;
    let builder = TestHost::new().ingress(WIDE).config(if mode == Mode::Probation { WATCHED } else { "" });
    let builder = builder.with_code_of(&release.code).with_lead_handoff_to(bdc_list_at(crm.recorder.port()));
    let mut host = builder.start().await;
    let load = Load::start(host.url("/hooks/web-leads"), options.rate);
    let (mut done, mut broken, mut disturbed) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        match round::run(&host, &options, mode, &release, done.last()).await {
            Ok(round) => done.push(round),
            // The next round would be judged by the remains of this one.
            Err(Trouble::Disturbed(what)) => {
                disturbed.push(what);
                break;
            }
            Err(Trouble::Broken(what)) => {
                broken.push(what);
                break;
            }
        }
    }
    let sent = load.finish().await;
    let by_itself = done.iter().filter(|round| matches!(round.back, Back::ByItself)).count();
    let acts = acts::of(&host, by_itself).await;
    broken.extend(ended(&mut host, release.fault).await);
    host.copy_code(&release.code);
    let story = Story { mode, fault: release.fault, sent, rounds: done, acts, broken, disturbed };
    let judged = judge::all(&host, &crm, story);
    if options.keep && !judged.findings.is_empty() {
        println!("  the data is kept in {}", host.keep().display());
    }
    judged
}

/// Lets the host finish its work and stops it. Returns the problem, if any.
async fn ended(host: &mut TestHost, fault: Fault) -> Option<String> {
    if host.is_dead() {
        host.kill();
        return Some("the host exited unexpectedly".to_owned());
    }
    let mut busy = drained(host).await;
    // An operator reviews the held requests: they are right, unless this release sends or stores wrong data.
    if busy.is_none() && settled_held(host, fault).await {
        busy = drained(host).await;
    }
    host.stop().await;
    busy.map(|busy| format!("work still pending after {DRAIN:?}: {busy}"))
}

/// Releases or discards the requests that rollbacks held. Returns whether there were any.
async fn settled_held(host: &TestHost, fault: Fault) -> bool {
    let verb = if round::is_replayed(fault) { "discard" } else { "release" };
    let args = ["outbox", verb, "--installation", round::NAME, "--reason", "reviewed", "--yes", "--json"];
    let said = host.cli(&args).await;
    said.code == 0 && said.json()["done"].as_u64().unwrap_or_default() > 0
}

/// Waits until no work is pending; returns what is, after the time limit.
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

/// The pending work of an installation; response timers of `bdc-list` do not count.
fn busy(installation: &Value) -> Option<String> {
    let counts = &installation["counts"];
    let busy = ["waiting", "inFlight", "outboxPending"].iter().any(|what| counts[what] != 0);
    (busy || !installation["paused"].is_null()).then(|| installation.to_string())
}
