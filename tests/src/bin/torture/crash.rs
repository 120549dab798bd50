//! Kills the real host at random moments under load while its CRM misbehaves, restarts it on the same data, and at the
//! end compares everything with a sequential model.

mod killer;
mod senders;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use handoff_tests::simulators::recorder::{Recorder, Weather};

use crate::{check, install, settle};
use killer::Killer;

/// 2 MiB in segments of 128 KiB, plus some; one is being written, and a batch may close one early.
const SEGMENTS_MAX: usize = 24;
/// Small sizes, so that rotation, checkpoints, retention and body files are active all the time.
const TINY: &str = "[limits.store]
segment-bytes = 131072
buffer-bytes = 49152
inline-body-bytes = 4096

[retention]
bytes = 2097152

[limits.call]
http-timeout-ms = 250
";

/// Number of kills and random seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) kills: u64,
    pub(crate) seed: u64,
}

/// Runs it; returns all differences.
pub(crate) async fn run(plan: Plan) -> Vec<String> {
    println!("{} kills, seed {} (--seed {} repeats the random choices)", plan.kills, plan.seed, plan.seed);
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
        "{} kills in {:.0} s; {} events were answered with 202, {} abandoned without an answer. {}",
        plan.kills,
        begun.elapsed().as_secs_f64(),
        sent.answered(),
        sent.unknown(),
        killer.summary()
    );
    let draining = Instant::now();
    settle::drained(&host).await;
    println!("pending work was done within {:.1} s", draining.elapsed().as_secs_f64());
    let reports = settle::reports(&host).await;
    let mut findings = check::all(&host, &crm, &sent, &reports, SEGMENTS_MAX).await;
    findings.extend(killer.findings);
    {
        let book = crm.book();
        println!(
            "the CRM applied {} requests, received {} repeated ones, failed {}; {} were overtaken",
            book.applied, book.repeated, book.refused, book.overtaken
        );
    }
    if !findings.is_empty() {
        println!("the data is kept in {}", host.keep().display());
    }
    findings
}
