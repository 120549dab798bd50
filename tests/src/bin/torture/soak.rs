//! Loads the real host at 70 % of its measured peak for a given time, with swaps, rollbacks and restarts; samples
//! resources and reports whether they stayed flat. It checks at the end that nothing was lost or doubled.

mod changes;
mod draw;
mod load;
mod sample;
mod verdict;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use handoff_tests::harness::TestHost;
use handoff_tests::simulators::recorder::Recorder;

use crate::{check, install, settle};
use changes::Changes;
use load::{Load, Pace};
use sample::Sampler;
use verdict::Verdict;

/// In less time the host's buffers and caches do not even fill.
const JUDGED: Duration = Duration::from_secs(600);
/// Share of the peak.
const SHARE: f64 = 0.7;
/// Sizes small enough that the journal reaches its limit within seconds and drops segments all the time.
const SMALL: &str = "[limits.store]
segment-bytes = 16777216
buffer-bytes = 16777216

[retention]
bytes = 134217728

[limits.call]
http-timeout-ms = 1000
";
/// 128 MiB in segments of 16 MiB and a little.
const SEGMENTS_MAX: usize = 14;

/// Duration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) seconds: u64,
    pub(crate) seed: u64,
    /// Whether to write the graph into the repository.
    pub(crate) write: bool,
}

/// Runs it; returns all differences.
pub(crate) async fn run(plan: Plan) -> Vec<String> {
    let length = Duration::from_secs(plan.seconds);
    let load = Load::new();
    let crm = Recorder::start(plan.seed, load.observer()).await;
    let mut host = install::host(&crm).config(SMALL).start().await;
    let senders = load.start(&host.url(""));

    let peak = peak(&host, &load, length).await;
    let rate = peak * SHARE;
    println!("peak: {peak:.0} events a second; now {rate:.0} a second for {} s", plan.seconds);
    // The measurement of the peak is not part of the run.
    drop(load.take_times());
    load.set(Pace::PerSecond(rate));
    let begun = Instant::now();
    let mut sampler = Sampler::new(length);
    let mut changes = Changes::new(length);
    while begun.elapsed() < length {
        sampler.wait().await;
        sampler.take(&host, &load, &crm);
        changes.make_due(&mut host, &crm, &mut sampler).await;
    }
    load.set(Pace::End);
    let sent = senders.finish().await;
    settle::drained(&host).await;
    let reports = settle::reports(&host).await;
    println!("{} events were sent; {}", sent.answered(), changes.summary());

    let mut findings = check::all(&host, &crm, &sent, &reports, SEGMENTS_MAX).await;
    let run = sampler.finish(peak, rate);
    let verdicts = Verdict::of(&run);
    for verdict in &verdicts {
        println!("{verdict}");
    }
    if length >= JUDGED {
        findings.extend(verdicts.iter().filter(|verdict| !verdict.is_flat()).map(ToString::to_string));
    } else {
        println!("shorter than {} minutes: too short to judge growth", JUDGED.as_secs() / 60);
    }
    let folder = if plan.write { repository().join("tests") } else { repository().join("target/soak") };
    std::fs::create_dir_all(&folder).expect("a folder for the graph");
    for (name, text) in [("soak.svg", draw::svg(&run)), ("soak.json", run.json(&verdicts))] {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        println!("wrote {}", path.display());
    }
    println!("\nFor BENCHMARKS.md:\n\n{}", verdict::markdown(&run, &verdicts));
    if !findings.is_empty() {
        println!("the data is kept in {}", host.keep().display());
    }
    findings
}

fn repository() -> PathBuf {
    let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("tests/ lies in the workspace").to_owned()
}

/// Events per second that the host completes, including all requests.
async fn peak(host: &TestHost, load: &Load, length: Duration) -> f64 {
    let time = (length / 12).clamp(Duration::from_secs(2), Duration::from_secs(20));
    // Warm up first: code is loaded, connections are opened, every lead is listed.
    load.set(Pace::PerSecond(400.0));
    tokio::time::sleep(time / 2).await;
    load.set(Pace::PerSecond(0.0));
    settle::drained(host).await;
    let (before, begun) = (load.answered(), Instant::now());
    load.set(Pace::Full);
    tokio::time::sleep(time).await;
    load.set(Pace::PerSecond(0.0));
    settle::drained(host).await;
    let events = f64::from(u32::try_from(load.answered() - before).unwrap_or(u32::MAX));
    events / begun.elapsed().as_secs_f64()
}
