//! Deliveries that do not end, of a generation that is watched: noticed once they are at work for longer than the bound, and not
//! because something waits. One thread, a clock in the hand, the store in the other.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, yield_now};

use crate::egress::SendOutcome;
use crate::engine::probation::{Probation, Rule, Tripped};
use crate::engine::{Code, CodeSource, Engine, EngineParts, Figures, LoadError, WayOut};
use crate::model::effects::{Effects, Trace};
use crate::model::event::Event;
use crate::model::failure::{Failure, host_codes};
use crate::model::grants::Grants;
use crate::model::http::{HttpError, Request, Response};
use crate::model::installation::{GenerationContent, GenerationReason, NewDetails};
use crate::model::limits::{EngineLimits, ProbationLimits};
use crate::model::names::{Generation, InstallationId};
use crate::model::time::{Clock, Timestamp};
use crate::runtime::{Call, Called};
use crate::store::{ByHand, NewEvent, NewGeneration, Recipients, Store, StoreOptions};

use super::clock::HandClock;
use super::script::event;

const START: Timestamp = Timestamp(1_800_000_000_000);
const DEADLINE_MS: u64 = 5_000;
/// Longer than any deadline.
const HANGS: u64 = 600_000;
const OLD: Generation = Generation(1);
const NEW: Generation = Generation(2);

/// A connector that works for as long as an event says, and the runtime around it: places, and a deadline.
#[derive(Clone)]
struct Guest {
    clock: HandClock,
    places: Arc<Semaphore>,
}

impl Guest {
    async fn work(&self, call: Call, event: &Event) -> Called {
        let _place = self.places.acquire().await;
        let started = self.clock.steady_us();
        call.on_start.iter().for_each(|on_start| on_start.started());
        let ms: u64 = String::from_utf8_lossy(&event.data).parse().expect("a number");
        self.clock.wait_until(self.clock.now().plus_ms(ms.min(DEADLINE_MS))).await;
        let late = || Failure::retry(host_codes::DEADLINE, "too long");
        let outcome = if ms > DEADLINE_MS { Err(late()) } else { Ok(Effects::default()) };
        Called { outcome, trace: Trace { duration_us: self.clock.steady_us() - started, ..Trace::default() } }
    }
}

impl Code for Guest {
    fn handle<'a>(&'a self, call: Call, event: &'a Event) -> BoxFuture<'a, Called> {
        self.work(call, event).boxed()
    }

    fn validate(&self, _: Call) -> BoxFuture<'_, Called> {
        unreachable!("nobody asks")
    }

    fn migrate(&self, _: Call, _: u32) -> BoxFuture<'_, Called> {
        unreachable!("nobody asks")
    }
}

impl CodeSource for Guest {
    fn prepare<'a>(&'a self, _: &'a GenerationContent) -> BoxFuture<'a, Result<Arc<dyn Code>, LoadError>> {
        let code: Arc<dyn Code> = Arc::new(self.clone());
        async { Ok(code) }.boxed()
    }
}

struct NoWayOut;

impl WayOut for NoWayOut {
    fn look_up<'a>(&'a self, _: &'a Grants, _: &'a Request) -> BoxFuture<'a, Result<Response, HttpError>> {
        unreachable!("nobody asks")
    }

    fn send<'a>(&'a self, _: &'a Grants, _: &'a Request, _: &'a str) -> BoxFuture<'a, SendOutcome> {
        unreachable!("nobody sends")
    }
}

/// A host with one installation, in its second generation.
struct Bench {
    clock: HandClock,
    guest: Guest,
    store: Store,
    hand: ByHand,
    engine: Arc<Engine>,
    id: InstallationId,
    events: u64,
    _dir: TempDir,
}

impl Bench {
    /// So many deliveries run at once; of the old generation there were so many.
    async fn new(at_once: usize, before: u64) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let mut options = StoreOptions::new(dir.path());
        options.cache_bytes = 1 << 20;
        let (store, hand) = Store::open_by_hand(options).expect("it opens");
        let clock = HandClock::new(START);
        let guest = Guest { clock: clock.clone(), places: Arc::new(Semaphore::new(1_000)) };
        let engine = Arc::new(Engine::start(EngineParts {
            store: store.clone(),
            code: Arc::new(guest.clone()),
            egress: Arc::new(NoWayOut),
            clock: Arc::new(clock.clone()),
            seed: 1,
            limits: EngineLimits { concurrency_per_installation: at_once, ..EngineLimits::default() },
            rooftops: Default::default(),
            retention: (u64::MAX, u64::MAX),
        }));
        let id = InstallationId(1);
        let mut bench = Self { clock, guest, store, hand, engine, id, events: 0, _dir: dir };
        bench.generation(None).await;
        bench.take(before, 3).await;
        bench.pass(3 * before).await;
        assert_eq!(bench.engine.vitals(id, OLD).deliveries, before);
        bench.generation(Some(OLD)).await;
        bench
    }

    async fn generation(&mut self, expected: Option<Generation>) {
        let new = NewGeneration {
            name: "watched".parse().expect("a name"),
            rooftop: "main-street".parse().expect("a name"),
            content: GenerationContent {
                package: "acme/watched".to_owned(),
                version: "1.0.0".parse().expect("a version"),
                digest: "sha256:00".to_owned(),
                state_schema: 1,
                config_json: "{}".to_owned(),
                grants: Grants { accepts: ["lead".to_owned()].into(), ..Grants::default() },
                ingress_json: "{}".to_owned(),
            },
            by: "ann".to_owned(),
            reason: if expected.is_some() { GenerationReason::Upgrade } else { GenerationReason::Install },
            note: None,
            at: self.clock.now(),
            expected,
            details: NewDetails::default(),
            migration: None,
            changes_json: None,
            leave: None,
        };
        let store = self.store.clone();
        let made = tokio::spawn(async move { store.put_generation(new).await });
        self.answered(made).await.expect("a generation");
    }

    /// Events at which the connector works for so long each.
    async fn take(&mut self, count: u64, ms: u64) {
        let numbers = self.events..self.events + count;
        self.events = numbers.end;
        let event = |number: u64| event("/outside", &number.to_string(), "lead", None, ms.to_string().into_bytes());
        let new = numbers.map(|number| NewEvent { event: event(number), to: Recipients::Subscribers }).collect();
        let (store, now) = (self.store.clone(), self.clock.now());
        let taken = tokio::spawn(async move { store.append(new, now, None).await });
        self.answered(taken).await.expect("taken");
    }

    async fn answered<T>(&mut self, task: JoinHandle<T>) -> T {
        self.settle().await;
        assert!(task.is_finished(), "the store has answered");
        task.await.expect("no panic")
    }

    /// Everyone goes on until nobody can without the time going on.
    async fn settle(&mut self) {
        let mut quiet = 0;
        while quiet < 3 {
            for _ in 0..200 {
                yield_now().await;
            }
            let is_quiet = self.hand.waiting() == 0 && self.hand.unanswered() == 0;
            quiet = if is_quiet { quiet + 1 } else { 0 };
            self.hand.take(usize::MAX);
            self.hand.finish();
        }
    }

    /// So much time passes, and everyone does what is due at each moment of it.
    async fn pass(&mut self, ms: u64) {
        let until = self.clock.now().plus_ms(ms);
        while let Some(due) = self.clock.next_due().filter(|due| *due < until) {
            self.clock.move_to(due);
            self.settle().await;
        }
        self.clock.move_to(until);
        self.settle().await;
    }

    /// Watches the second generation, with the bounds as they are shipped: half a second.
    fn watch(&self) {
        let baseline = self.engine.vitals(self.id, OLD);
        let until = self.clock.now().plus_ms(900_000);
        let limits = ProbationLimits::default();
        let probation = Probation { installation: self.id, generation: NEW, until, baseline, limits };
        self.engine.begin_probation(probation);
    }

    fn tripped(&self) -> Option<Tripped> {
        self.engine.trips().next().now_or_never()
    }
}

async fn watched(at_once: usize) -> Bench {
    let bench = Bench::new(at_once, 100).await;
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
    assert_eq!((evidence.rule, evidence.running, evidence.now), (Rule::Latency, 32, Figures::default()));
    assert!((evidence.seen - 501.0).abs() < 0.01, "{evidence:?}");
    bench.pass(60_000).await;
    assert_eq!(bench.tripped(), None, "once");
}

/// Fewer run at once than are asked for: those that hang next make it enough.
#[tokio::test]
async fn as_shipped_a_hang_from_the_first_event_on_is_noticed_before_the_second_deadline() {
    let mut bench = watched(EngineLimits::default().concurrency_per_installation).await;
    let begun = bench.clock.now();
    bench.take(40, HANGS).await;
    bench.pass(2 * DEADLINE_MS).await;
    let tripped = bench.tripped().expect("noticed");
    assert_eq!(tripped.at.since_ms(begun), DEADLINE_MS + 501);
    assert_eq!((tripped.evidence.running, tripped.evidence.now.deliveries), (16, 16));
}

#[tokio::test]
async fn a_hang_among_deliveries_that_end_is_noticed_after_the_bound() {
    let mut bench = watched(16).await;
    bench.take(30, 3).await;
    bench.pass(100).await;
    let begun = bench.clock.now();
    bench.take(8, HANGS).await;
    bench.pass(1_000).await;
    let tripped = bench.tripped().expect("noticed");
    assert_eq!(tripped.at.since_ms(begun), 501);
    assert_eq!((tripped.evidence.running, tripped.evidence.now.deliveries), (8, 30));
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
    assert_eq!(bench.engine.vitals(bench.id, NEW).deliveries, 100);
    assert_eq!(bench.tripped(), None);
}

#[tokio::test]
async fn without_a_baseline_nothing_is_judged() {
    let mut bench = Bench::new(32, 19).await;
    bench.watch();
    bench.take(100, HANGS).await;
    bench.pass(60_000).await;
    assert_eq!(bench.tripped(), None);
}

/// A neighbour may have taken all places of the runtime.
#[tokio::test]
async fn waiting_for_a_place_is_not_work() {
    let mut bench = watched(32).await;
    let places = bench.guest.places.clone().acquire_many_owned(999).await.expect("places");
    bench.take(60, 200).await;
    bench.pass(60 * 200).await;
    assert_eq!(bench.engine.vitals(bench.id, NEW).deliveries, 60, "one after the other");
    assert_eq!(bench.tripped(), None);
    drop(places);
    bench.take(32, HANGS).await;
    bench.pass(501).await;
    assert!(bench.tripped().is_some(), "they work now");
}

#[tokio::test]
async fn what_was_cut_off_is_at_work_no_more() {
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
async fn nobody_looks_at_the_clock_unless_a_watched_generation_is_at_work() {
    let mut bench = watched(16).await;
    let due = |bench: &Bench| bench.clock.next_due().map(|due| due.since_ms(bench.clock.now()));
    bench.settle().await;
    let idle = due(&bench);
    assert!(idle.is_none_or(|ms| ms > 60_000), "{idle:?}");
    bench.take(1, 100).await;
    bench.pass(50).await;
    assert_eq!(due(&bench), Some(50), "its end");
    bench.pass(1_000).await;
    assert_eq!(due(&bench).is_some_and(|ms| ms <= 60_000), false);
    bench.engine.end_probation(bench.id);
    bench.take(1, HANGS).await;
    bench.pass(50).await;
    assert_eq!(due(&bench), Some(DEADLINE_MS - 50), "its deadline alone");
}
