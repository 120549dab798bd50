//! Deterministic simulation: engine and store run random histories in one thread, with everything else simulated. A
//! small sequential model checks the results. `HANDOFF_SIM_RUNS` sets the number of histories; `HANDOFF_SIM_SEED`
//! repeats one.

mod bench;
mod clock;
mod crashes;
mod hangs;
mod history;
mod judge;
mod model;
mod outside;
mod people;
mod run;
mod script;
mod shadows;
mod sites;
mod stopped;
mod world;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use history::{History, history};
use run::Done;
use world::{Shared, Tally};

/// Histories of a test run: a few thousand take well under a minute.
const RUNS: u64 = 2_000;
/// Time limit for shrinking a failing history, which can be slow if the history never settles.
const SHRINKING: Duration = Duration::from_secs(10);
/// Lines of the story that are shown for a failure.
const STORY_LINES: usize = 60;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}: `{text}` is not a number")))
}

/// The value tree of a seed: the first history, and smaller ones.
fn tree(seed: u64) -> impl proptest::strategy::ValueTree<Value = History> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config { failure_persistence: None, ..Config::default() };
    history().new_tree(&mut TestRunner::new_with_rng(config, random)).expect("a history")
}

/// Runs a history. On failure, returns what went wrong and what happened before.
fn play(history: &History) -> Result<Done, (String, Vec<String>)> {
    let world = Shared::default();
    listen();
    PANIC.set(Some(String::new()));
    let done = catch_unwind(AssertUnwindSafe(|| run::run(history, world.clone())));
    let panic = PANIC.take().unwrap_or_default();
    done.map_err(|_| (panic, std::mem::take(&mut world.lock().story)))
}

thread_local! {
    /// The message of a panic while a history runs in this thread.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Stores panic messages instead of printing them: a failing history panics hundreds of times while it shrinks.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let show = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let is_kept = PANIC.with_borrow_mut(|kept| kept.as_mut().map(|kept| *kept = panic.to_string()).is_some());
            if !is_kept {
                show(panic);
            }
        }));
    });
}

/// Runs the history of a seed. If it fails, returns a readable report of the smallest failing history found.
fn play_seed(seed: u64) -> Result<Tally, String> {
    let mut tree = tree(seed);
    let (mut why, mut story) = match play(&tree.current()) {
        Ok(done) => return Ok(done.tally),
        Err(failed) => failed,
    };
    let mut smallest = tree.current();
    let show = |history: &History| {
        let ops = history.ops.iter().map(|op| format!("{op:?}\n"));
        format!("schedule {}\n{}", history.schedule, ops.collect::<String>())
    };
    let mut goes_on = tree.simplify();
    let started = Instant::now();
    while goes_on && started.elapsed() < SHRINKING {
        match play(&tree.current()) {
            Ok(_) => goes_on = tree.complicate(),
            Err(failed) => {
                (why, story) = failed;
                smallest = tree.current();
                goes_on = tree.simplify();
            }
        }
    }
    let smallest = show(&smallest);
    let story = story[story.len().saturating_sub(STORY_LINES)..].join("\n");
    Err(format!(
        "seed {seed}: {why}\n\n{smallest}\n\n{story}\n\nseed {seed}: {why}\nRepeat with\n    HANDOFF_SIM_SEED={seed} cargo test \
         --workspace --lib simulation"
    ))
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.commits += other.commits;
        self.failures += other.failures;
        self.fenced += other.fenced;
        self.conflicts += other.conflicts;
        self.dead_letters += other.dead_letters;
        self.redriven += other.redriven;
        self.timers += other.timers;
        self.answers += other.answers;
        self.crashes += other.crashes;
        self.rollbacks += other.rollbacks;
        self.replayed += other.replayed;
        self.restored += other.restored;
        self.held += other.held;
        self.cut += other.cut;
        self.shared += other.shared;
        self.unshared += other.unshared;
    }
}

#[test]
fn the_simulation_keeps_every_promise_whatever_happens() {
    let one = number("HANDOFF_SIM_SEED");
    let seeds = one.map_or(0..number("HANDOFF_SIM_RUNS").unwrap_or(RUNS), |seed| seed..seed + 1);
    let (next, all) = (AtomicU64::new(seeds.start), Mutex::new(Tally::default()));
    let failed = Mutex::new(None);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(8);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while failed.lock().is_none() {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    match play_seed(seed) {
                        Ok(tally) => all.lock().add(tally),
                        Err(why) => *failed.lock() = Some(why),
                    }
                }
            });
        }
    });
    let failed = failed.into_inner();
    assert!(failed.is_none(), "{}", failed.unwrap_or_default());
    let all = all.into_inner();
    println!("{all:?}");
    if one.is_none() {
        let Tally { fenced, conflicts, dead_letters, redriven, timers, answers, crashes, .. } = all;
        let Tally { rollbacks, replayed, restored, held, shared, unshared, .. } = all;
        let rare = [fenced, conflicts, dead_letters, redriven, timers, answers, crashes];
        let rare = rare.into_iter().chain([rollbacks, replayed, restored, held, shared, unshared]);
        assert!(rare.into_iter().all(|count| count > 20), "the histories try too little: {all:?}");
    }
}

#[test]
fn a_seed_repeats_its_run_step_by_step() {
    for seed in 0..20 {
        let history = tree(seed).current();
        let (first, second) = (play(&history), play(&history));
        let stories = [&first, &second].map(|played| match played {
            Ok(done) => &done.story,
            Err((_, story)) => story,
        });
        let turn = stories[0].iter().zip(stories[1]).position(|(first, second)| first != second);
        let parts = stories.map(|story| turn.map(|turn| &story[turn.saturating_sub(3)..]).unwrap_or_default());
        let parts = parts.map(|part| part.iter().take(6).map(String::as_str).collect::<Vec<_>>().join("\n"));
        assert!(first == second, "seed {seed} has two stories:\n{}\n\nand\n\n{}", parts[0], parts[1]);
    }
}
