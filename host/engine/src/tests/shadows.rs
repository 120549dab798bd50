//! Shadow runs: a candidate with a newer schema, and runs that are cancelled. Nothing durable changes, and nothing is
//! left behind.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::Loaded;
use crate::shadow::{Cut, Rerun, ShadowAsk, ShadowEnd, ShadowStep, Strictness, Which};
use handoff_model::installation::GenerationContent;

use super::bench::{Bench, NEW_KEY, OLD_KEY, Release, content, number};

/// Deliveries before a run (`RECORDED`), and how many of them run again (`LAST`).
const RECORDED: u64 = 10;
const LAST: u32 = 3;

/// What a run must not change: the log, the state, the generations, the queues.
type Durable = (u64, u64, Option<Vec<u8>>, usize, String);

impl Bench {
    async fn recorded() -> Self {
        let mut bench = Self::new(4).await;
        for _ in 0..RECORDED {
            bench.take_data(1, format!("1 {OLD_KEY}")).await;
            bench.pass(1).await;
        }
        assert_eq!(bench.durable().1, RECORDED);
        bench
    }

    fn durable(&self) -> Durable {
        let state = |key| self.store.state_get(self.id, key).expect("state");
        let generations = self.store.generations(self.id).expect("generations").len();
        let counts = format!("{:?}", self.store.counts(self.id));
        (self.store.last_position().0, number(state(OLD_KEY)), state(NEW_KEY), generations, counts)
    }

    /// A candidate, and a weak reference that shows whether its code is still in use.
    async fn ask(&self, release: Release) -> (ShadowAsk, Weak<Loaded>) {
        let installation = self.store.installation_by_id(self.id).expect("the installation");
        let migrates = matches!(release, Release::Renames | Release::CannotMigrate);
        let candidate = GenerationContent { state_schema: if migrates { 2 } else { 1 }, ..content(release) };
        let loaded = self.engine.load(&installation, &candidate).await.expect("code");
        let held = Arc::downgrade(&loaded);
        let ask = ShadowAsk {
            installation,
            loaded,
            which: Which::Last(LAST),
            strictness: Strictness::Effects,
            from_schema: migrates.then_some(1),
            time: Duration::from_secs(600),
        };
        (ask, held)
    }

    /// Runs a candidate to its end, while time passes.
    async fn run(&self, ask: ShadowAsk) -> (ShadowEnd, Vec<Rerun>) {
        let mut reruns = Vec::new();
        let mut on = |step: ShadowStep| reruns.extend(step.rerun.map(|rerun| *rerun));
        let time = async {
            loop {
                tokio::task::yield_now().await;
                if let Some(due) = self.clock.next_due() {
                    self.clock.move_to(due);
                }
            }
        };
        let end = tokio::select! {
            end = self.engine.shadow(ask, &mut on) => end.expect("the store reads"),
            () = time => unreachable!("it has no end"),
        };
        (end, reruns)
    }

    /// Starts a run of a candidate that hangs, and continues once it does.
    async fn begin_stuck(&self) -> (impl Future<Output = ShadowEnd> + use<>, Weak<Loaded>) {
        let (ask, held) = self.ask(Release::Stuck).await;
        let engine = self.engine.clone();
        let mut run = Box::pin(async move { engine.shadow(ask, &mut |_| {}).await.expect("the store reads") });
        tokio::select! {
            end = &mut run => panic!("it is stuck: {end:?}"),
            () = self.guest.stuck.notified() => {}
        }
        (run, held)
    }
}

#[tokio::test]
async fn a_candidate_with_a_newer_schema_migrates_only_its_own_view() {
    let bench = Bench::recorded().await;
    let before = bench.durable();
    let (ask, held) = bench.ask(Release::Renames).await;
    let (end, reruns) = bench.run(ask).await;
    assert_eq!((end.ran, end.total, end.cut, end.migration_failure), (3, 3, None, None));
    for (rerun, count) in reruns.iter().zip(RECORDED - 2..) {
        let writes = &rerun.outcome.as_ref().expect("it works").state_writes;
        let written = (writes.len(), writes.get(NEW_KEY).cloned().flatten());
        assert_eq!(written, (1, Some(count.to_string().into_bytes())), "it goes on from the count of before");
        assert!(!rerun.state_assumed && !rerun.differences.is_empty(), "{:?}", rerun.differences);
    }
    assert_eq!(bench.durable(), before);
    bench.engine.forget_candidates();
    assert!(held.upgrade().is_none(), "its code is gone");

    // The same number, on the active version.
    let (ask, _) = bench.ask(Release::Good).await;
    let (end, reruns) = bench.run(ask).await;
    assert_eq!(end.ran, 3);
    assert!(reruns.iter().all(|rerun| rerun.differences.is_empty()));
}

#[tokio::test]
async fn a_migration_that_fails_is_told_and_leaves_nothing() {
    let bench = Bench::recorded().await;
    let before = bench.durable();
    let (ask, held) = bench.ask(Release::CannotMigrate).await;
    let (end, reruns) = bench.run(ask).await;
    assert_eq!(end.migration_failure.map(|failure| failure.code), Some("unreadable".to_owned()));
    assert!(reruns.is_empty() && end.ran == 0);
    assert_eq!(bench.durable(), before);
    bench.engine.forget_candidates();
    assert!(held.upgrade().is_none());
}

#[tokio::test]
async fn a_run_that_somebody_gives_up_leaves_nothing_and_the_next_one_begins() {
    let bench = Bench::recorded().await;
    let before = bench.durable();
    let (run, held) = bench.begin_stuck().await;
    drop(run);
    bench.engine.forget_candidates();
    assert!(held.upgrade().is_none(), "its code is gone");
    assert_eq!(bench.durable(), before);
    let (ask, _) = bench.ask(Release::Good).await;
    assert_eq!(bench.run(ask).await.0.ran, 3);
}

#[tokio::test]
async fn a_stopping_host_ends_shadow_runs_that_are_active_or_waiting() {
    let bench = Bench::recorded().await;
    let before = bench.durable();
    let (run, held) = bench.begin_stuck().await;
    let (ask, waiting) = bench.ask(Release::Good).await;
    let engine = bench.engine.clone();
    let next = async move { engine.shadow(ask, &mut |_| {}).await.expect("the store reads") };
    bench.engine.end_shadows();
    let (stuck, next) = tokio::join!(run, next);
    assert_eq!((stuck.total, stuck.ran, stuck.cut), (3, 0, Some(Cut::Stopping)));
    assert_eq!((next.ran, next.cut), (0, Some(Cut::Stopping)));
    bench.engine.forget_candidates();
    assert!(held.upgrade().is_none(), "its code is gone");
    assert!(waiting.upgrade().is_some(), "the active version stays");
    assert_eq!(bench.durable(), before);
}
