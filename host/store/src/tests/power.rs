//! Power cuts: histories are recorded change by change, then cut at every change. The store is opened on the result of
//! each way of losing, tearing and reordering unsynced changes. Data that was acknowledged before the cut exists
//! exactly; other data exists completely or not at all.
//!
//! `HANDOFF_POWER_SEED` sets the first seed, `HANDOFF_POWER_HISTORIES` the number of histories. A failure prints its
//! seed.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use handoff_storage_shim::Watch;
use handoff_storage_shim::disk::{Choices, Disk, Keep};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tempfile::TempDir;

use crate::index::forget_boot;

use super::model::Model;
use super::random::{Kill, Op, Pair, op, small};
use super::support::{Bench, scope};

/// Operations of one history.
const OPS: usize = 60;
/// Operations of a long history, in which sled reuses the space of old segments.
const OPS_LONG: usize = 1_500;

/// The recording of a history.
struct History {
    seed: u64,
    start: Disk,
    changes: Vec<handoff_storage_shim::disk::Op>,
    steps: Vec<Step>,
}

/// One operation that was acknowledged.
struct Step {
    op: String,
    is_retain: bool,
    /// The number of changes up to its acknowledgement.
    acknowledged: usize,
    model: Model,
    /// The model in the middle of it, if it is durable in two steps.
    midway: Option<Model>,
}

/// A folder in memory, if the system has one: images need not survive a restart.
pub(super) fn folder() -> TempDir {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

fn record(seed: u64, ops: usize) -> History {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, rng);
    let dir = folder();
    let (watch, start) = Watch::new(dir.path()).unwrap();
    let options = |options: &mut crate::StoreOptions| {
        small(options);
        if seed.is_multiple_of(2) {
            options.index_rewrite_bytes = 0; // At every checkpoint.
        }
    };
    let mut pair = Pair::on(Bench::open_in(dir, options).unwrap());
    // An operation exists completely or not at all: deliveries in the middle of one would be separate operations.
    pair.meanwhile = false;
    let mut steps = vec![Step {
        op: "begin".to_owned(),
        is_retain: false,
        acknowledged: watch.moment(),
        model: pair.model.clone(),
        midway: None,
    }];
    for _ in 0..ops {
        let mut op = op().new_tree(&mut runner).unwrap().current();
        if matches!(op, Op::Kill(_)) {
            op = Op::Kill(Kill::Restart);
        }
        if let Op::Rollback(rollback) = &mut op {
            rollback.kill = rollback.kill.map(|(step, _)| (step, Kill::Restart));
        }
        pair.step(&op);
        steps.push(Step {
            op: format!("{op:?}"),
            is_retain: matches!(op, Op::Retain),
            acknowledged: watch.moment(),
            model: pair.model.clone(),
            midway: pair.midway.take(),
        });
    }
    pair.store.close();
    let changes = watch.ops();
    let mut end = start.clone();
    changes.iter().for_each(|change| end.apply(change));
    assert_eq!(end.difference(pair.store.dir.path()).unwrap(), None, "every change was seen");
    History { seed, start, changes, steps }
}

impl History {
    /// Opens the result of a cut and compares it with the model.
    fn check(&self, cut: usize, disk: &Disk, keep: Keep) {
        let mut choices = Choices(self.seed ^ u64::try_from(cut).unwrap() << 8 ^ keep as u64);
        let mut checked = self.check_folder(cut, image(disk, keep, &mut choices));
        if checked.is_ok() && choices.below(16) == 0 {
            checked = cut_recovery(image(disk, keep, &mut choices), &mut choices)
                .and_then(|dir| self.check_folder(cut, dir))
                .map_err(|problem| format!("cut again while it recovered: {problem}"));
        }
        if let Err(problem) = checked {
            let done = self.steps.iter().filter(|step| step.acknowledged <= cut).count();
            let under_way = self.steps.get(done).map_or("the end", |step| &step.op);
            panic!(
                "seed {}, cut at {cut} of {} during {under_way}, {keep:?}: {problem}",
                self.seed,
                self.changes.len()
            );
        }
    }

    fn check_folder(&self, cut: usize, dir: TempDir) -> Result<(), String> {
        let mut store = Bench::open_in(dir, small).map_err(|error| format!("it does not open: {error}"))?;
        let done = self.steps.iter().filter(|step| step.acknowledged <= cut).count();
        let step = self.steps.get(done).or(self.steps.last());
        store.finish_rollbacks(handoff_model::time::Timestamp(step.map_or(0, |step| step.model.now)));
        let Some(last) = done.checked_sub(1).map(|last| &self.steps[last]) else { return Ok(()) };
        let next = self.steps.get(done);
        let mut found = quietly(|| last.model.check(&store));
        if let (Err(first), Some(next)) = (&found, next) {
            // The operation that was running may exist, but each durable step of it only completely.
            let mut models = vec![next.model.clone()];
            models.extend(next.midway.clone());
            if next.is_retain {
                models.push(last.model.clone());
                models.iter_mut().for_each(|model| model.forget(&store));
            }
            let others = models.iter().map(|model| quietly(|| model.check(&store)));
            let others: Vec<_> = others.collect();
            if others.iter().any(Result::is_ok) {
                found = Ok(());
            } else {
                return Err(format!("not as before ({first}), and not as after ({others:?})"));
            }
        }
        found?;
        quietly(|| {
            let place = store.add("after the cut", Some("key-0"));
            store.close();
            store.reopen().unwrap();
            assert_eq!(
                store.position_of(&scope(), "/outside", "after the cut").unwrap(),
                Some(place),
                "new work is kept"
            );
        })
    }
}

/// The result of a cut, in a separate folder.
pub(super) fn image(disk: &Disk, keep: Keep, choices: &mut Choices) -> TempDir {
    let dir = folder();
    disk.write_image(dir.path(), keep, choices).unwrap();
    if keep != Keep::All {
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            forget_boot(&entry.unwrap().path());
        }
    }
    dir
}

/// Opens a folder, cuts that at a random point, and returns the result.
fn cut_recovery(dir: TempDir, choices: &mut Choices) -> Result<TempDir, String> {
    let (watch, mut disk) = Watch::new(dir.path()).unwrap();
    let mut store = Bench::open_in(dir, small).map_err(|error| format!("it does not open: {error}"))?;
    let changes = watch.ops();
    store.close();
    changes.iter().take(choices.below(changes.len() + 1)).for_each(|change| disk.apply(change));
    let keep = Keep::EVERY[choices.below(Keep::EVERY.len())];
    Ok(image(&disk, keep, choices))
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs code that may panic, and returns the panic's message.
pub(super) fn quietly(work: impl FnOnce()) -> Result<(), String> {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                usual(info)
            }
        }));
    });
    QUIET.set(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    QUIET.set(false);
    done.map_err(|said| {
        let text = said.downcast_ref::<String>().cloned();
        text.or_else(|| said.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    })
}

pub(super) fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

#[test]
fn whatever_a_power_cut_leaves_everything_acknowledged_is_there() {
    let first = setting("HANDOFF_POWER_SEED", 1);
    for seed in first..first + setting("HANDOFF_POWER_HISTORIES", 2) {
        cut_everywhere(&record(seed, OPS), 1);
    }
}

#[test]
fn a_power_cut_late_in_a_long_history_loses_nothing_either() {
    let first = setting("HANDOFF_POWER_SEED", 1);
    for seed in first..first + setting("HANDOFF_POWER_HISTORIES", 1) {
        cut_everywhere(&record(seed, OPS_LONG), 53);
    }
}

/// Cuts at every change, or at every `step`th one, on all processors.
fn cut_everywhere(history: &History, step: usize) {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for worker in 0..workers {
            scope.spawn(move || {
                let mut disk = history.start.clone();
                let mut images = 0;
                for (cut, change) in history.changes.iter().enumerate() {
                    if cut % step == 0 && cut / step % workers == worker {
                        for keep in Keep::EVERY {
                            if keep == Keep::All || disk.has_pending() {
                                history.check(cut, &disk, keep);
                                images += 1;
                            }
                        }
                    }
                    disk.apply(change);
                }
                println!("seed {}: {images} images of {} changes", history.seed, history.changes.len());
            });
        }
    });
}
