//! Deliveries of a generation on probation that do not end: noticed once they have been running for longer than the
//! bound, and not because something waits.

use std::sync::Arc;

use futures_util::FutureExt as _;

use crate::probation::{Probation, Tripped};
use handoff_model::limits::{EngineLimits, ProbationLimits};
use handoff_model::names::Generation;
use handoff_model::time::Clock as _;
use handoff_policy::probation::{DeliverySummary, Expected, Rule};

use super::bench::{Bench, DEADLINE_MS, START};

/// Longer than any deadline.
const HANGS: u64 = 600_000;
const OLD: Generation = Generation(1);
const NEW: Generation = Generation(2);

impl Bench {
    /// Creates a second generation; the first had `before` deliveries.
    async fn upgraded(at_once: usize, before: u64) -> Self {
        let mut bench = Self::new(at_once).await;
        bench.take(before, 3).await;
        bench.pass(3 * before).await;
        assert_eq!(bench.deliveries(), before);
        bench.generation(Some(OLD)).await;
        bench
    }

    /// Puts the second generation on probation, with the default bounds: half a second.
    fn watch(&self) {
        let records = self.store.track_records(self.id);
        let baseline = records.baseline.as_ref().expect("a baseline");
        assert_eq!((baseline.generation, records.active.generation), (OLD, NEW));
        let expected = Arc::new(Expected::after(baseline, &ProbationLimits::default(), |_| true));
        self.engine.begin_probation(Probation { installation: self.id, generation: NEW, expected });
    }

    /// Events whose first attempt by the active generation has ended.
    fn deliveries(&self) -> u64 {
        self.store.track_records(self.id).active.events
    }

    fn tripped(&self) -> Option<Tripped> {
        self.engine.trips().next().now_or_never()
    }
}

async fn watched(at_once: usize) -> Bench {
    let bench = Bench::upgraded(at_once, 100).await;
    bench.watch();
    bench
}

#[tokio::test]
async fn a_hang_is_noticed_after_the_bound_and_not_after_the_deadline() {
    let mut bench = watched(32).await;
    let begun = bench.clock.now();
    bench.take(40, HANGS).await;
    bench.pass(500).await;
    assert_eq!(bench.tripped(), None, "half a second is allowed");
    bench.pass(1).await;
    let tripped = bench.tripped().expect("noticed");
    assert_eq!((tripped.generation, tripped.at.since_ms(begun)), (NEW, 501));
    let evidence = tripped.evidence;
    assert_eq!((evidence.rule, evidence.running, evidence.now), (Rule::Latency, 32, DeliverySummary::default()));
    assert_eq!(evidence.bound_ms, Some(500.0));
    bench.pass(60_000).await;
    assert_eq!(bench.tripped(), None, "once");
}

#[tokio::test]
async fn as_many_hanging_calls_as_run_at_once_are_enough() {
    let as_shipped = EngineLimits::default().concurrency_per_installation;
    for at_once in [as_shipped, 10] {
        let mut bench = watched(at_once).await;
        let begun = bench.clock.now();
        bench.take(40, HANGS).await;
        bench.pass(2 * DEADLINE_MS).await;
        let tripped = bench.tripped().expect("noticed");
        assert_eq!(tripped.at.since_ms(begun), 501);
        assert_eq!(
            (tripped.evidence.running, tripped.evidence.now.deliveries),
            (u64::try_from(at_once).expect("a number"), 0)
        );
    }
}

/// At most two run at once, and the deadline ends them.
#[tokio::test]
async fn few_that_run_into_their_deadline_are_enough() {
    let mut bench = watched(2).await;
    bench.take(40, HANGS).await;
    bench.pass(5 * DEADLINE_MS).await;
    let evidence = bench.tripped().expect("noticed").evidence;
    // Two have ended, and two more run.
    assert_eq!((evidence.rule, evidence.bad, evidence.running), (Rule::Latency, 4, 2));
}

#[tokio::test]
async fn a_hang_among_deliveries_that_end_is_noticed_after_the_bound() {
    let mut bench = watched(16).await;
    bench.take(30, 3).await;
    bench.pass(100).await;
    let begun = bench.clock.now();
    bench.take(12, HANGS).await;
    bench.pass(1_000).await;
    let tripped = bench.tripped().expect("noticed");
    assert_eq!(tripped.at.since_ms(begun), 501);
    assert_eq!((tripped.evidence.running, tripped.evidence.now.deliveries), (12, 30));
}

#[tokio::test]
async fn one_that_is_stuck_never_passes_the_bound() {
    let mut bench = watched(16).await;
    bench.take(1, HANGS).await;
    for _ in 0..40 {
        bench.take(1, 3).await;
        bench.pass(100).await;
    }
    assert!(bench.clock.now().since_ms(START) > 4_000);
    assert_eq!(bench.tripped(), None);
}

#[tokio::test]
async fn what_ends_in_time_passes_no_bound() {
    let mut bench = watched(16).await;
    bench.take(100, 490).await;
    bench.pass(10_000).await;
    assert_eq!(bench.deliveries(), 100);
    assert_eq!(bench.tripped(), None);
}

#[tokio::test]
async fn without_a_baseline_nothing_is_judged() {
    let mut bench = Bench::upgraded(32, 9).await;
    bench.watch();
    bench.take(100, HANGS).await;
    bench.pass(60_000).await;
    assert_eq!(bench.tripped(), None);
}

/// A neighbour may have occupied all slots of the runtime.
#[tokio::test]
async fn waiting_for_a_place_is_not_work() {
    let mut bench = watched(32).await;
    let places = bench.guest.places.clone().acquire_many_owned(999).await.expect("places");
    bench.take(60, 200).await;
    bench.pass(60 * 200).await;
    assert_eq!(bench.deliveries(), 60, "one after the other");
    assert_eq!(bench.tripped(), None);
    drop(places);
    bench.take(32, HANGS).await;
    bench.pass(501).await;
    assert!(bench.tripped().is_some(), "they work now");
}

#[tokio::test]
async fn waiting_for_the_disk_is_not_work() {
    let mut bench = watched(32).await;
    bench.take(32, 3).await;
    bench.pass_without_disk(10_000).await;
    assert_eq!((bench.deliveries(), bench.tripped()), (0, None));
    bench.run_until_idle().await;
    assert_eq!((bench.deliveries(), bench.tripped()), (32, None));
}

#[tokio::test]
async fn a_cancelled_delivery_is_no_longer_active() {
    let mut bench = watched(32).await;
    bench.take(32, HANGS).await;
    bench.pass(400).await;
    let leaving = bench.engine.leave(bench.id, NEW);
    bench.pass(5_000).await;
    assert_eq!(bench.tripped(), None);
    drop(leaving);
    bench.pass(501).await;
    assert!(bench.tripped().is_some(), "they were delivered again");
}

#[tokio::test]
async fn the_clock_is_read_only_while_a_watched_generation_is_active() {
    let mut bench = watched(16).await;
    let due = |bench: &Bench| bench.clock.next_due().map(|due| due.since_ms(bench.clock.now()));
    bench.run_until_idle().await;
    let idle = due(&bench);
    assert!(idle.is_none_or(|ms| ms > 60_000), "{idle:?}");
    bench.take(1, 100).await;
    bench.pass(50).await;
    assert_eq!(due(&bench), Some(50), "its end");
    bench.pass(1_000).await;
    assert!(due(&bench).is_none_or(|ms| ms > 60_000));
    bench.engine.end_probation(bench.id);
    bench.take(1, HANGS).await;
    bench.pass(50).await;
    assert_eq!(due(&bench), Some(DEADLINE_MS - 50), "its deadline alone");
}
