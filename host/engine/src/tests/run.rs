//! Runs one history: engine and store in one thread, in an order that the history's seed determines. Decides nothing
//! about what is correct: the world watches, the model judges.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;
use tokio::task::{JoinHandle, yield_now};

use crate::{Engine, EngineParts};
use handoff_model::limits::EngineLimits;
use handoff_model::names::InstallationId;
use handoff_model::time::{Clock as _, Timestamp};
use handoff_store::{ByHand, Crash, Store, StoreOptions};

use super::clock::HandClock;
use super::history::{History, Kind, Op};
use super::model;
use super::outside::{Outside, Settings};
use super::people;
use super::sites::{self, SITES};
use super::world::{Tally, World};

/// The start time of every history.
pub(super) const START: Timestamp = Timestamp(1_800_000_000_000);
/// Turns after which an undisturbed host must be idle.
const TURNS_MAX: u32 = 20_000;
/// Waits after which everything must have been delivered, sent and fired.
const WAITS_MAX: u32 = 5_000;

/// How the process ends.
enum Ended {
    Drained,
    Crashed(Crash),
    Stopped,
}

/// The result of a history that kept all promises.
#[derive(Debug, PartialEq)]
pub(super) struct Done {
    pub(super) tally: Tally,
    pub(super) story: Vec<String>,
}

struct Run {
    options: StoreOptions,
    outside: Outside,
    random: ChaCha8Rng,
    ops: VecDeque<Op>,
    installed: bool,
}

/// Runs a history to its end. Panics with what went wrong.
pub(super) fn run(history: &History, world: Arc<Mutex<World>>) -> Done {
    let dir = folder();
    let mut options = StoreOptions::in_small_steps(dir.path());
    // Segments change often. Checkpoints happen when the history says so: triggered by size, they use a thread of their
    // own.
    options.segment_bytes = 8_000;
    options.cache_bytes = 1 << 20;
    options.groups = sites::groups();
    let clock = HandClock::new(START);
    let outside = Outside { world, clock, limits: limits() };
    let random = ChaCha8Rng::seed_from_u64(history.schedule);
    let mut run = Run { options, outside, random, ops: history.ops.clone().into(), installed: false };
    while !run.live() {}
    let mut world = run.outside.world.lock();
    Done { tally: world.tally, story: std::mem::take(&mut world.story) }
}

/// In memory where possible: these tests are not about disks.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}

pub(super) fn limits() -> EngineLimits {
    EngineLimits {
        max_attempts: 4,
        retry_base_ms: 500,
        retry_cap_ms: 1_500,
        concurrency_per_installation: 3,
        outbox_concurrency: 2,
        outbox_max_attempts: 4,
        outbox_retry_base_ms: 1_000,
        outbox_retry_cap_ms: 3_000,
        ..EngineLimits::default()
    }
}

impl Run {
    /// Runs one process from start to end. Returns true if nothing remains to be done.
    fn live(&mut self) -> bool {
        // Runs a few tasks between two turns of the loop: the store continues meanwhile, and the schedule varies.
        let interval = self.random.random_range(1..6);
        let runtime =
            tokio::runtime::Builder::new_current_thread().event_interval(interval).build().expect("a runtime");
        let (store, mut hand) = Store::open_by_hand(self.options.clone()).expect("it opens");
        model::recovered(&self.outside.world.lock(), &store);
        let ended = runtime.block_on(self.work(&store, &mut hand));
        drop(runtime);
        let mut world = self.outside.world.lock();
        world.forget_work();
        assert!(world.broken.is_empty(), "{}", world.broken.join("\n"));
        match ended {
            Ended::Crashed(crash) => {
                world.crashes += 1;
                world.tally.crashes += 1;
                world.tell(self.outside.clock.now(), || format!("crash {crash:?}"));
                return false;
            }
            Ended::Stopped => {
                hand.close().expect("the last checkpoint");
                return false;
            }
            Ended::Drained => model::check(&mut world, &store, &self.outside.limits),
        }
        drop((hand, store));
        if self.random.random_ratio(1, 8) {
            let (store, _hand) = Store::open_by_hand(self.options.clone()).expect("it opens");
            let tally = world.tally;
            model::check(&mut world, &store, &self.outside.limits);
            world.tally = tally;
        }
        true
    }

    async fn work(&mut self, store: &Store, hand: &mut ByHand) -> Ended {
        let engine = Arc::new(Engine::start(EngineParts {
            store: store.clone(),
            code: Arc::new(self.outside.clone()),
            egress: Arc::new(self.outside.clone()),
            clock: Arc::new(self.outside.clock.clone()),
            seed: self.random.random(),
            limits: self.outside.limits,
            zones: sites::zones(),
            retention: (u64::MAX, u64::MAX),
        }));
        if !self.installed {
            for index in 0..SITES.len() {
                let shares = self.random.random();
                let swap = people::swap(&self.outside, store, index, Kind::Good, shares);
                self.until(hand, swap).await;
            }
            self.installed = true;
        }
        people::send_unanswered(&self.outside, store);
        while let Some(op) = self.ops.pop_front() {
            match op {
                Op::Crash { at, takes } => {
                    // Some tasks see what is decided but not durable; none of it may leave the host.
                    hand.take(self.random.random_range(0..5));
                    self.others(40).await;
                    self.outside.world.lock().is_dead = true;
                    hand.die(at, takes.into());
                    // Answers that were sent still arrive, although the process that sent them is dead.
                    self.others(40).await;
                    return Ended::Crashed(at);
                }
                Op::Restart => {
                    let stop = tokio::spawn(async move { engine.drain().await });
                    self.until(hand, Some(stop)).await;
                    return Ended::Stopped;
                }
                Op::Work { turns } => self.turns(hand, turns.into()).await,
                Op::RunUntilIdle => self.run_until_idle(hand).await,
                Op::Wait { ms } => {
                    let clock = &self.outside.clock;
                    clock.move_to(clock.now().plus_ms(ms.into()));
                }
                Op::Redrive { .. } | Op::Discard { .. } if hand.unanswered() > 0 => {
                    // People see what is durable.
                    hand.finish();
                    people::act(&self.outside, store, &op);
                }
                op => people::act(&self.outside, store, &op),
            }
            let turns = self.random.random_range(0..4);
            self.turns(hand, turns).await;
            if self.is_tempted(hand) {
                hand.die(Crash::BeforeWrite, 0);
                return Ended::Crashed(Crash::BeforeWrite);
            }
        }
        self.drain(store, hand).await;
        Ended::Drained
    }

    /// Whether to crash now: a request left while a batch was open, and it may belong to that batch.
    fn is_tempted(&mut self, hand: &ByHand) -> bool {
        let tempted = std::mem::take(&mut self.outside.world.lock().sent_in_batch);
        tempted && hand.unanswered() > 0 && self.random.random_ratio(1, 2)
    }

    /// Runs tasks, but not the committer.
    async fn others(&mut self, most: u32) {
        for _ in 0..self.random.random_range(0..most) {
            yield_now().await;
        }
    }

    /// Runs some tasks, and perhaps the committer.
    async fn turn(&mut self, hand: &mut ByHand) {
        for _ in 0..self.random.random_range(1..4) {
            yield_now().await;
        }
        match self.random.random_range(0..8) {
            0..3 => hand.take(self.random.random_range(1..5)),
            3..5 => hand.take(usize::MAX),
            _ => {}
        }
        if hand.unanswered() > 0 && self.random.random_bool(0.5) {
            hand.finish();
        }
        let mut world = self.outside.world.lock();
        world.in_batch = hand.unanswered() > 0;
        assert!(world.broken.is_empty(), "{}", world.broken.join("\n"));
    }

    async fn turns(&mut self, hand: &mut ByHand, turns: u32) {
        for _ in 0..turns {
            self.turn(hand).await;
        }
    }

    /// Runs until no task can continue without time passing.
    async fn run_until_idle(&mut self, hand: &mut ByHand) {
        let mut quiet = 0;
        for _ in 0..TURNS_MAX {
            let before = self.outside.world.lock().steps;
            self.turn(hand).await;
            for _ in 0..10 {
                yield_now().await;
            }
            let is_quiet = hand.waiting() == 0 && hand.unanswered() == 0 && self.outside.world.lock().steps == before;
            quiet = if is_quiet { quiet + 1 } else { 0 };
            if quiet == 3 {
                return self.outside.world.lock().settled();
            }
        }
        panic!("never at rest: someone works in circles");
    }

    /// Runs, and lets time pass, until a task has ended.
    async fn until(&mut self, hand: &mut ByHand, task: Option<JoinHandle<()>>) {
        let Some(task) = task else { return };
        for _ in 0..WAITS_MAX {
            self.run_until_idle(hand).await;
            if task.is_finished() {
                return task.await.expect("no panic");
            }
            self.pass();
        }
        panic!("a request is not answered");
    }

    /// Runs without further disturbance until everything has ended.
    async fn drain(&mut self, store: &Store, hand: &mut ByHand) {
        for _ in 0..WAITS_MAX {
            self.run_until_idle(hand).await;
            let mut mended = false;
            for index in 0..SITES.len() {
                let mend = people::mend(&self.outside, store, index);
                mended |= mend.is_some();
                self.until(hand, mend).await;
            }
            let is_over = |id: &u32| {
                let counts = store.counts(InstallationId(*id));
                let is_finished = !people::is_unfinished(store, InstallationId(*id));
                is_finished && (counts.waiting, counts.outbox_pending, counts.timers) == (0, 0, 0)
            };
            let ids: BTreeSet<u32> = store.installations().iter().map(|installation| installation.id.0).collect();
            if !mended && ids.iter().all(is_over) {
                return;
            }
            if !mended {
                self.pass();
            }
        }
        let left =
            store.installations().iter().map(|known| format!("{:?}", store.counts(known.id))).collect::<Vec<_>>();
        panic!("stuck: {}", left.join("\n"));
    }

    /// Advances the time to the next one that a task waits for.
    fn pass(&self) {
        let clock = &self.outside.clock;
        clock.move_to(clock.next_due().expect("someone waits for a time, or nothing ever happens again"));
    }
}

impl Settings {
    pub(super) fn of(kind: Kind, id: InstallationId, shares: u8) -> Self {
        Self { installation: id.0, bad: kind == Kind::Bad, missing: kind == Kind::Missing, shares }
    }
}
