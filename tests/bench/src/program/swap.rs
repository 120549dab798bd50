//! Hot swaps under load: another version of the last of three connectors every other second, and how leads are
//! affected. The seconds in between are the steady state, so both are measured in the same minutes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinHandle;

use handoff_tests::harness::{CONTROL_TOKEN, TestHost, bdc_list_at, component, restamped};
use handoff_tests::leads::Lead;
use handoff_tests::simulators::recorder::{Observer, Recorder};

use super::load::{PATIENCE, Post};
use super::{Load, fast_host, say};
use crate::goals::{Goals, Verdict};
use crate::results::{Samples, number, plain};

const NAME: &str = "bdc-list";
/// Leads per second. Well below the host's peak, like a day's traffic.
const RATE: u32 = 200;
const SECOND: Duration = Duration::from_secs(1);

/// When leads were posted, and when they were listed.
#[derive(Default)]
struct Times {
    posted: Mutex<HashMap<String, Instant>>,
    listed: Mutex<HashMap<String, Instant>>,
}

/// Runs the measurement.
pub(crate) async fn measure(load: Load, goals: &mut Goals) {
    say("Hot swaps under load");
    let times = Arc::new(Times::default());
    let crm = Recorder::start(0, times.observer()).await;
    let settings = bdc_list_at(crm.port());
    let host = fast_host().with_lead_handoff_to(settings.clone()).start().await;
    let other = restamped(NAME, "1.1.0", host.folder());
    // Both are compiled and loaded before the measurement, as after a preflight.
    for package in [&other, &component(NAME)] {
        host.install(NAME, package, &settings).await.ok();
    }
    let digests = digests(&host).await;

    let stop = Arc::new(AtomicBool::new(false));
    let sender = send(&host, times.clone(), stop.clone());
    tokio::time::sleep(2 * SECOND).await;
    let mut swaps = Vec::new();
    let begun = Instant::now();
    for swap in 0..load.swaps {
        tokio::time::sleep((begun + 2 * swap * SECOND).saturating_duration_since(Instant::now())).await;
        let digest = &digests[usize::try_from(swap % 2).expect("0 or 1")];
        let start = Instant::now();
        install(&host, digest, &settings).await;
        swaps.push((start, start.elapsed()));
    }
    tokio::time::sleep(2 * SECOND).await;
    stop.store(true, Ordering::Relaxed);
    let sent = sender.await.expect("the sender");
    wait_listed(&crm, &sent).await;
    host.quiet().await;
    rows(&times, &swaps, &crm, &sent, goals);
}

impl Times {
    fn observer(self: &Arc<Self>) -> Observer {
        let times = self.clone();
        Box::new(move |_, body| {
            let comments = body["customer"]["comments"].as_str().unwrap_or_default();
            if let Some((_, mark)) = comments.rsplit_once('[') {
                lock(&times.listed).entry(mark.trim_end_matches(']').to_owned()).or_insert_with(Instant::now);
            }
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The digest of the active version comes second, so that the first swap changes something.
async fn digests(host: &TestHost) -> [String; 2] {
    let shown = host.cli_json(&["show", NAME]).await;
    let digest = |generation: usize| {
        let digest = shown["generations"][generation]["digest"].as_str();
        digest.unwrap_or_else(|| panic!("no generation in {shown:#}")).to_owned()
    };
    [digest(1), digest(0)]
}

/// Sends leads at an even rate, each independently.
fn send(host: &TestHost, times: Arc<Times>, stop: Arc<AtomicBool>) -> JoinHandle<Vec<String>> {
    let (client, url) = (host.client().clone(), host.url("/hooks/web-leads"));
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(SECOND / RATE);
        let (mut tasks, mut sent) = (Vec::new(), Vec::new());
        for lead in (0..).map(Lead::new) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let (post, client, url) = (Post::lead(&lead), client.clone(), url.clone());
            ticks.tick().await;
            lock(&times.posted).insert(lead.id.clone(), Instant::now());
            sent.push(lead.id);
            tasks.push(tokio::spawn(async move {
                let mut request = client.post(url).body(post.body);
                for (name, value) in post.headers {
                    request = request.header(name, value);
                }
                let answer = request.send().await.expect("the host answers");
                assert_eq!(answer.status().as_u16(), 202, "a lead was refused");
            }));
        }
        for task in tasks {
            task.await.expect("a lead");
        }
        sent
    })
}

async fn install(host: &TestHost, digest: &str, settings: &toml::Table) {
    let request = json!({ "name": NAME, "digest": digest, "settings": settings, "by": "bench" });
    let request = host.client().post(host.control_url("/v1/installations")).bearer_auth(CONTROL_TOKEN).json(&request);
    let answer = request.send().await.expect("the host answers");
    let status = answer.status();
    assert!(status.is_success(), "{}", answer.text().await.unwrap_or_default());
}

async fn wait_listed(crm: &Recorder, sent: &[String]) {
    let deadline = Instant::now() + PATIENCE;
    while sent.iter().any(|lead| crm.book().listed(lead) == 0) {
        assert!(Instant::now() < deadline, "leads were lost over the swaps");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn rows(times: &Times, swaps: &[(Instant, Duration)], crm: &Recorder, sent: &[String], goals: &mut Goals) {
    let (posted, listed) = (lock(&times.posted), lock(&times.listed));
    let (mut swapping, mut steady) = (Samples::default(), Samples::default());
    for lead in sent {
        let (posted, listed) = (posted[lead], listed[lead]);
        let is_near = |swap: &(Instant, Duration)| posted >= swap.0 && posted < swap.0 + SECOND;
        let samples = if swaps.iter().any(is_near) { &mut swapping } else { &mut steady };
        samples.push(listed.duration_since(posted).as_secs_f64() * 1_000.0);
    }
    let violations = crm.book().violations.clone();
    let doubled = sent.iter().filter(|lead| crm.book().listed(lead) > 1).count();
    assert!(violations.is_empty() && doubled == 0, "effects were doubled: {violations:?}");
    let ratio = swapping.at(0.99) / steady.at(0.99);
    goals.row(
        &format!("POST to the CRM's call list in the second of a hot swap, {RATE} leads/s, {} swaps", swaps.len()),
        &format!("p99 {} ms", plain(swapping.at(0.99))),
        &format!("p99 {} ms in the seconds between", plain(steady.at(0.99))),
        &format!("{} times", plain(ratio)),
        "at most 1.2 times",
        Verdict::of(ratio <= 1.2),
    );
    let halves = format!("p50 {} and {} ms", plain(swapping.median()), plain(steady.median()));
    goals.note("↳ the middle", &halves, "in the second of a swap, and between");
    let took: Samples = swaps.iter().map(|(_, took)| took.as_secs_f64() * 1_000.0).collect();
    let remark = format!("p99; {} leads, none lost, none doubled", number(sent.len()));
    let value = format!("{} ms, {} ms", plain(took.median()), plain(took.at(0.99)));
    goals.note("↳ the swap itself, preflight included, p50", &value, &remark);
}
