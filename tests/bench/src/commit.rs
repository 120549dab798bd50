//! From acknowledged publish to committed delivery: 256 producers in this process, a real component, the store on disk.
//! For comparison, the same bytes appended to a file with as many syncs.

use std::time::Instant;

use crate::embedded::{DATA_BYTES, Embedded};
use crate::goals::{Goals, Verdict};
use crate::guest::Taker;
use crate::machine::cpu_seconds;
use crate::results::{Samples, number, percent, plain};
use crate::{Load, bounds, say};

/// Publishing tasks, each waiting for its acknowledgement.
const PRODUCERS: usize = 256;
/// Events per second required on two cores.
const RATE: f64 = 15_000.0;

struct Run {
    rate: f64,
    bare: f64,
    acknowledged: f64,
    cpu_us: f64,
    bytes: f64,
    per_sync: f64,
}

/// Measures, checks the count of commits, and adds rows.
pub(crate) async fn measure(load: Load, taker: &Taker, goals: &mut Goals) {
    say("Acknowledged publish to committed delivery, 256 producers in process");
    let events = load.commit_events;
    let embedded = Embedded::start("").await;
    let id = embedded.install("taker", &taker.package).await;
    let mut committed = events / 10;
    embedded.publish(committed, PRODUCERS).await;
    embedded.wait_committed(&[id], committed).await;
    let mut runs = Vec::new();
    for _ in 0..load.runs {
        let (before, cpu, start) =
            (embedded.host.store().journal_volume(), cpu_seconds(std::process::id()), Instant::now());
        embedded.publish(events, PRODUCERS).await;
        let acknowledged = start.elapsed().as_secs_f64();
        committed += events;
        embedded.wait_committed(&[id], committed).await;
        let seconds = start.elapsed().as_secs_f64();
        let cpu = cpu_seconds(std::process::id()) - cpu;
        let after = embedded.host.store().journal_volume();
        let (syncs, bytes) = (after.syncs - before.syncs, after.bytes - before.bytes);
        let run = Run {
            rate: number(events) / seconds,
            bare: number(events) / bounds::append_seconds(bytes, syncs),
            acknowledged: number(events) / acknowledged,
            cpu_us: 1e6 * cpu / number(events),
            bytes: number(bytes) / number(events),
            per_sync: number(events) / number(syncs.max(1)),
        };
        println!(
            "  {} events/s, acknowledged {}/s, {} µs of processor time, {} bytes each, {} per sync; bare {}/s",
            plain(run.rate),
            plain(run.acknowledged),
            plain(run.cpu_us),
            plain(run.bytes),
            plain(run.per_sync),
            plain(run.bare)
        );
        runs.push(run);
    }
    embedded.stop().await;
    rows(&runs, goals);
}

fn rows(runs: &[Run], goals: &mut Goals) {
    let of = |figure: fn(&Run) -> f64| runs.iter().map(figure).collect::<Samples>();
    let (rate, bare) = (of(|run| run.rate), of(|run| run.bare));
    let share = rate.median() / bare.median();
    let what = format!("202 to commit, {DATA_BYTES} bytes each, {PRODUCERS} producers in process");
    let value = format!("{} events/s", plain(rate.median()));
    // No run can be faster than the disk alone; an unsteady disk means that the machine was disturbed in between.
    let steady = if bare.is_steady() && share <= 1.0 { "" } else { " (not steady)" };
    let against =
        format!("{} events/s{steady}: as many bytes appended with as many `fdatasync`s", plain(bare.median()));
    goals.row(&what, &value, &against, &percent(share, 1.0), "at least a third", Verdict::of(share >= 1.0 / 3.0));
    goals.row(
        "↳ on these cores",
        &value,
        "",
        &plain(rate.median()),
        "at least 15,000/s",
        Verdict::of(rate.median() >= RATE),
    );
    let cpu = of(|run| run.cpu_us);
    goals.note(
        "↳ processor time of the whole process",
        &format!("{} µs an event", plain(cpu.median())),
        "producers included",
    );
    let (bytes, per_sync) = (of(|run| run.bytes), of(|run| run.per_sync));
    let ratio = bytes.median() / number(DATA_BYTES);
    goals.note(
        "↳ journal",
        &format!("{} bytes an event", plain(bytes.median())),
        &format!("{} times the payload; {} events a sync", plain(ratio), plain(per_sync.median())),
    );
    let acknowledged = of(|run| run.acknowledged);
    goals.note(
        "↳ acknowledged meanwhile",
        &format!("{} events/s", plain(acknowledged.median())),
        "producers continue after the acknowledgement, so a queue grows while deliveries are slower",
    );
}
