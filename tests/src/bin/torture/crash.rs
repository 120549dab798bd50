//! Kills the real host at random moments while it is under load and its CRM has bad weather, starts it on the same data,
//! and at the end compares everything with what a sequential model says.

mod killer;
mod senders;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use handoff_tests::simulators::recorder::{Recorder, Weather};

use crate::{check, install, settle};
use killer::Killer;

/// 2 MiB in segments of 128 KiB and a little; one is being written, and a batch may close one early.
const SEGMENTS_MAX: usize = 24;
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
    settle::drained(&host).await;
    println!("what waited was done within {:.1} s", draining.elapsed().as_secs_f64());
    let reports = settle::reports(&host).await;
    let mut findings = check::all(&host, &crm, &sent, &reports, SEGMENTS_MAX).await;
    findings.extend(killer.findings);
    {
        let book = crm.book();
        println!(
            "the CRM did {} requests, was asked {} times again for what it had done, failed {} times; {} were overtaken",
            book.applied, book.repeated, book.refused, book.overtaken
        );
    }
    if !findings.is_empty() {
        println!("everything is kept in {}", host.keep().display());
    }
    findings
}
