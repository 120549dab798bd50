//! A thousand installations with little load each, compared with one that gets all events.

use std::time::{Duration, Instant};

use handoff_model::names::{InstallationId, InstallationName};

use crate::embedded::Embedded;
use crate::goals::{Goals, Verdict};
use crate::guest::Taker;
use crate::machine::{cpu_seconds, resident_kib};
use crate::results::{Samples, number, percent, plain};
use crate::{Load, say};

const PRODUCERS: usize = 256;
/// Events per second at a moderate rate, over all installations.
const PACE: u64 = 1_000;
/// Interval at which the paced events are published.
const TICK: Duration = Duration::from_millis(10);
/// Memory that an idle installation may take, in MiB.
const IDLE_MIB: f64 = 1.0;

/// The results of a host with a number of installations.
struct Found {
    saturated: Samples,
    /// Microseconds of processor time per event at the moderate rate.
    paced_cpu: f64,
    /// Milliseconds until the last event of a tick was committed; the worst tick.
    behind: f64,
    /// MiB: one installation, all idle, all after one delivery each.
    memory: [f64; 3],
}

/// Measures both and adds rows.
pub(crate) async fn measure(load: Load, taker: &Taker, goals: &mut Goals) {
    say(&format!("{} installations compared with one", load.many));
    // The many first: memory must be measured in a fresh process.
    let many = host(load, taker, load.many).await;
    let one = host(load, taker, 1).await;
    let (rate, alone) = (many.saturated.median(), one.saturated.median());
    let share = rate / alone;
    let what = format!("{} installations at saturation", load.many);
    let against = format!("{} events/s with one installation", plain(alone));
    let value = format!("{} events/s", plain(rate));
    goals.row(&what, &value, &against, &percent(share, 1.0), "at least half", Verdict::of(share >= 0.5));
    let value = format!("{} µs of processor time an event", plain(many.paced_cpu));
    let remark = format!(
        "one installation: {} µs; the longest wait for a commit {} and {} ms",
        plain(one.paced_cpu),
        plain(many.behind),
        plain(one.behind)
    );
    goals.note(&format!("↳ at {PACE} events/s, one a second each"), &value, &remark);
    let [single, idle, used] = many.memory;
    let each = |mib: f64| (mib - single) / number(load.many - 1);
    let value = format!("{} KiB", plain(1_024.0 * each(idle).max(0.0)));
    let against = format!("{} MiB with all, {} MiB with one", plain(idle), plain(single));
    let ratio = format!("{} KiB after a delivery each", plain(1_024.0 * each(used).max(0.0)));
    let goal = "under 1 MiB";
    goals.row("↳ one more idle installation", &value, &against, &ratio, goal, Verdict::of(each(idle) < IDLE_MIB));
}

async fn host(load: Load, taker: &Taker, count: u64) -> Found {
    let embedded = Embedded::start("").await;
    let mut ids = vec![embedded.install(&name(0), &taker.package).await];
    let to = move |number: u64| Some(named(number % count));
    let mut committed = 100;
    embedded.publish_to(committed, 1, |_| Some(named(0))).await;
    embedded.wait_committed(&ids, committed).await;
    let single = mib();
    for number in 1..count {
        ids.push(embedded.install(&name(number), &taker.package).await);
    }
    let idle = mib();
    committed += count;
    embedded.publish_to(count, 1, to).await;
    embedded.wait_committed(&ids, committed).await;
    let used = mib();
    let (paced_cpu, behind) = paced(load, &embedded, &ids, &mut committed, to).await;
    let mut saturated = Samples::default();
    for _ in 0..load.runs {
        let start = Instant::now();
        embedded.publish_to(load.commit_events, PRODUCERS, to).await;
        committed += load.commit_events;
        embedded.wait_committed(&ids, committed).await;
        saturated.push(number(load.commit_events) / start.elapsed().as_secs_f64());
    }
    println!("  {count} installations: {} events/s, {} µs each when paced", saturated.in_order(), plain(paced_cpu));
    embedded.stop().await;
    Found { saturated, paced_cpu, behind, memory: [single, idle, used] }
}

/// Publishes [`PACE`] events per second for some seconds. Returns microseconds of processor time per event, and the
/// longest wait for the commits of a tick in milliseconds.
async fn paced(
    load: Load,
    embedded: &Embedded,
    ids: &[InstallationId],
    committed: &mut u64,
    to: impl Fn(u64) -> Option<InstallationName> + Clone + Send + 'static,
) -> (f64, f64) {
    let each = PACE / (1_000 / u64::try_from(TICK.as_millis()).expect("a tick"));
    let ticks = load.paced_seconds * PACE / each;
    let cpu = cpu_seconds(std::process::id());
    let mut clock = tokio::time::interval(TICK);
    let mut behind = Duration::ZERO;
    for _ in 0..ticks {
        clock.tick().await;
        let start = Instant::now();
        embedded.publish_to(each, usize::try_from(each).expect("a few"), to.clone()).await;
        *committed += each;
        embedded.wait_committed(ids, *committed).await;
        behind = behind.max(start.elapsed());
    }
    let cpu = cpu_seconds(std::process::id()) - cpu;
    (1e6 * cpu / number(ticks * each), behind.as_secs_f64() * 1_000.0)
}

fn name(number: u64) -> String {
    format!("taker-{number}")
}

fn named(number: u64) -> InstallationName {
    name(number).parse().expect("a name")
}

fn mib() -> f64 {
    resident_kib(std::process::id()).0 / 1_024.0
}
