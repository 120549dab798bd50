//! A queue that grows to a million waiting events: do deliveries become slower, and does memory grow with it?

use std::time::Instant;

use handoff_control::ChangeRequest;
use handoff_model::actor::Identity;
use handoff_model::names::InstallationId;

use crate::embedded::Embedded;
use crate::goals::{Goals, Verdict};
use crate::guest::Taker;
use crate::machine::{cpu_seconds, resident_kib};
use crate::results::{Samples, number, percent, plain};
use crate::{Load, say};

const PRODUCERS: usize = 256;
/// Events per append while the queue is filled.
const BATCH: u64 = 1_000;
/// Memory that one more waiting event may take, in bytes. A waiting event in memory takes hundreds.
const BYTES_EACH: f64 = 16.0;

/// The queue stops growing where a host needs more than this: the machine is shared.
const MEMORY_MAX_MIB: f64 = 4_096.0;

/// The results with a number of waiting events.
struct Level {
    waiting: u64,
    rate: f64,
    /// Microseconds of processor time per event, producers included: steadier than rates if other programs run.
    cpu_us: f64,
    /// MiB: when filled, and after the run.
    filled: f64,
    after: f64,
}

/// Fills, measures, and repeats with more events.
pub(crate) async fn measure(load: Load, taker: &Taker, goals: &mut Goals) {
    say("A backlog of waiting events");
    let most = load.backlog * 2;
    let limits = format!("[limits.engine]\nqueue-entries-max = {most}\ninstallation-queue-entries-max = {most}\n");
    let embedded = Embedded::start(&limits).await;
    let id = embedded.install("taker", &taker.package).await;
    let mut committed = load.commit_events;
    embedded.publish(committed, PRODUCERS).await;
    embedded.wait_committed(&[id], committed).await;
    let mut levels: Vec<Level> = Vec::new();
    for waiting in [0, load.backlog / 10, load.backlog] {
        pause(&embedded, true).await;
        let wanted = waiting;
        let waiting = fill(&embedded, id, wanted).await;
        embedded.host.store().checkpoint().await.expect("a checkpoint");
        let filled = mib();
        let (mut rates, mut cpu) = (Samples::default(), Samples::default());
        for _ in 0..load.runs {
            committed += load.commit_events;
            pause(&embedded, false).await;
            let before = cpu_seconds(std::process::id());
            rates.push(run(&embedded, id, load.commit_events, committed).await);
            cpu.push(1e6 * (cpu_seconds(std::process::id()) - before) / number(load.commit_events));
            pause(&embedded, true).await;
            committed = settled(&embedded, id).await;
        }
        let level = Level { waiting, rate: rates.median(), cpu_us: cpu.median(), filled, after: mib() };
        println!(
            "  {waiting} waiting: {} events/s ({}), {} µs of processor time each ({}), {} MiB filled, {} MiB after the runs",
            plain(level.rate),
            rates.in_order(),
            plain(level.cpu_us),
            cpu.in_order(),
            plain(level.filled),
            plain(level.after)
        );
        levels.push(level);
        if waiting < wanted {
            println!("  {wanted} events do not fit into {MEMORY_MAX_MIB} MiB");
            break;
        }
    }
    embedded.stop().await;
    rows(load, &levels, goals);
}

/// Fills the queue up to a number of events, or to the memory limit; returns how many wait.
async fn fill(embedded: &Embedded, id: InstallationId, wanted: u64) -> u64 {
    loop {
        let waiting = embedded.host.store().counts(id).waiting;
        if waiting >= wanted || mib() > MEMORY_MAX_MIB {
            return waiting;
        }
        embedded.publish_batches((wanted - waiting).min(10 * BATCH), BATCH).await;
    }
}

/// Publishes as many events as are delivered, so that the queue keeps its length. Returns events per second.
async fn run(embedded: &Embedded, id: InstallationId, events: u64, wanted: u64) -> f64 {
    let start = Instant::now();
    let before = embedded.committed(id);
    let delivered = async {
        while embedded.committed(id) < wanted {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        (embedded.committed(id), start.elapsed())
    };
    let ((), (after, time)) = tokio::join!(embedded.publish(events, PRODUCERS), delivered);
    number(after - before) / time.as_secs_f64()
}

/// Waits until the deliveries that ran when the installation was paused have ended; returns the number of commits.
async fn settled(embedded: &Embedded, id: InstallationId) -> u64 {
    loop {
        if embedded.host.status().counts.in_flight == 0 {
            return embedded.committed(id);
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

async fn pause(embedded: &Embedded, pause: bool) {
    let change = ChangeRequest { by: None, reason: None };
    let name = "taker".parse().expect("a name");
    let done = if pause {
        embedded.host.pause(&Identity::Host, &name, change).await
    } else {
        embedded.host.resume(&Identity::Host, &name, change).await
    };
    done.expect("paused or resumed");
}

fn mib() -> f64 {
    resident_kib(std::process::id()).0 / 1_024.0
}

fn rows(load: Load, levels: &[Level], goals: &mut Goals) {
    let (Some(empty), Some(some), Some(full)) = (levels.first(), levels.get(1), levels.last()) else { return };
    let (share, is_whole) = (full.rate / empty.rate, full.waiting >= load.backlog);
    let what = format!("Throughput with {} events waiting", full.waiting);
    let value = format!("{} events/s", plain(full.rate));
    let against = format!("{} events/s with an empty queue", plain(empty.rate));
    goals.row(&what, &value, &against, &percent(share, 1.0), "at least 80 %", Verdict::of(share >= 0.8 && is_whole));
    let with_some = format!("{} events/s", plain(some.rate));
    goals.note(&format!("↳ with {} waiting", some.waiting), &with_some, "");
    let cpu = format!("{} µs an event", plain(full.cpu_us));
    let against = format!("{} with {} waiting, {} with none", plain(some.cpu_us), some.waiting, plain(empty.cpu_us));
    goals.note("↳ processor time of the whole process", &cpu, &against);
    let each = (full.filled - some.filled) * 1_048_576.0 / number((full.waiting - some.waiting).max(1));
    let against =
        format!("{} MiB with {} waiting, {} MiB with none", plain(some.filled), some.waiting, plain(empty.filled));
    let value = format!("{} MiB", plain(full.filled));
    let ratio = format!("{} bytes per additional event", plain(each.max(0.0)));
    let goal = format!("not growing (under {BYTES_EACH} bytes each)");
    goals.row("↳ resident memory", &value, &against, &ratio, &goal, Verdict::of(each < BYTES_EACH && is_whole));
    if !is_whole {
        let remark = format!("the goal was {} waiting events", load.backlog);
        goals.note("↳ the host exceeded the memory limit", &format!("{MEMORY_MAX_MIB} MiB"), &remark);
    }
    let after = format!("{}, {} and {} MiB", plain(empty.after), plain(some.after), plain(full.after));
    goals.note("↳ resident memory after the runs at each level", &after, "");
}
