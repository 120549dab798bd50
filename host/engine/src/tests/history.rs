//! Random histories: what happens to a host, in which order, and a seed that determines its schedule. Runs nothing.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use handoff_store::Crash;

use super::script::{End, Failing, Script, Send, Target, Timer};

const SITES_COUNT: u8 = 5;
const ROOFTOPS_COUNT: u8 = 3;

/// What happens, and the seed of the schedule.
#[derive(Clone, Debug)]
pub(super) struct History {
    pub(super) schedule: u64,
    pub(super) ops: Vec<Op>,
}

#[derive(Clone, Debug)]
pub(super) enum Op {
    /// An event from outside, at one of the rooftops.
    Event {
        at: u8,
        key: Option<u8>,
        script: Script,
    },
    /// An earlier event again.
    Again {
        which: usize,
    },
    /// Many small events at once.
    Burst {
        count: u8,
        keys: u8,
    },
    /// A new generation.
    Swap {
        to: u8,
        kind: Kind,
        shares: u8,
    },
    Pause {
        to: u8,
    },
    Resume {
        to: u8,
    },
    /// Rolls back to the content of an earlier generation.
    RollBack {
        to: u8,
        /// How many generations to go back beyond the previous one.
        back: u8,
        restore: bool,
        replay: bool,
    },
    /// Releases or discards a request that a rollback held.
    ResolveHeld {
        which: usize,
        release: bool,
    },
    /// Redrives a dead letter; sometimes by two people at once.
    Redrive {
        which: usize,
        twice: bool,
    },
    Discard {
        which: usize,
    },
    /// Time passes, even if tasks are running.
    Wait {
        ms: u16,
    },
    /// Some turns of the running tasks.
    Work {
        turns: u8,
    },
    /// Runs until every task is idle or waits for a time.
    RunUntilIdle,
    Checkpoint,
    Crash {
        at: Crash,
        takes: u8,
    },
    /// An orderly stop, and a start.
    Restart,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Good,
    Bad,
    Missing,
}

pub(super) fn history() -> impl Strategy<Value = History> {
    (any::<u64>(), vec(op(), 4..40)).prop_map(|(schedule, ops)| History { schedule, ops })
}

fn op() -> impl Strategy<Value = Op> {
    // Mostly the same two, one of a rooftop and one of the group, so that they have many generations.
    let to = || prop_oneof![5 => Just(1_u8), 5 => Just(3_u8), 2 => 0..SITES_COUNT];
    let kind = prop_oneof![4 => Just(Kind::Good), 2 => Just(Kind::Bad), 1 => Just(Kind::Missing)];
    let at = prop_oneof![Just(Crash::BeforeWrite), any::<u8>().prop_map(Crash::Torn), Just(Crash::AfterSync)];
    prop_oneof![
        400 => (0..ROOFTOPS_COUNT, key(), script(2)).prop_map(|(at, key, script)| Op::Event { at, key, script }),
        30 => (0..40_usize).prop_map(|which| Op::Again { which }),
        1 => (130..200_u8, 1..4_u8).prop_map(|(count, keys)| Op::Burst { count, keys }),
        60 => (to(), kind, any::<u8>()).prop_map(|(to, kind, shares)| Op::Swap { to, kind, shares }),
        60 => (to(), 0..3_u8, any::<bool>(), any::<bool>())
            .prop_map(|(to, back, restore, replay)| Op::RollBack { to, back, restore, replay }),
        20 => (0..9_usize, any::<bool>()).prop_map(|(which, release)| Op::ResolveHeld { which, release }),
        20 => to().prop_map(|to| Op::Pause { to }),
        30 => to().prop_map(|to| Op::Resume { to }),
        60 => (0..9_usize, any::<bool>()).prop_map(|(which, twice)| Op::Redrive { which, twice }),
        15 => (0..9_usize).prop_map(|which| Op::Discard { which }),
        80 => (0..3_000_u16).prop_map(|ms| Op::Wait { ms }),
        150 => (0..20_u8).prop_map(|turns| Op::Work { turns }),
        60 => Just(Op::RunUntilIdle),
        15 => Just(Op::Checkpoint),
        25 => (at, 0..9_u8).prop_map(|(at, takes)| Op::Crash { at, takes }),
        5 => Just(Op::Restart),
    ]
}

fn key() -> impl Strategy<Value = Option<u8>> {
    option::weighted(0.7, 0..3_u8)
}

fn sometimes<T: std::fmt::Debug>(weight: f64, one: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    option::weighted(weight, one)
}

/// A script whose events lead to others, at most `depth` levels deep.
fn script(depth: u32) -> BoxedStrategy<Script> {
    let how = prop_oneof![Just(Failing::Retry), (0..2_000_u16).prop_map(Failing::After), Just(Failing::Panic)];
    let end = prop_oneof![10 => Just(End::Commit), 1 => Just(End::Reject), 2 => Just(End::Picky)];
    let fails = prop_oneof![8 => Just(0_u8), 2 => 1..4_u8, 1 => Just(9)];
    let failing = (fails, how, end);
    let pace = (0..4_u8, prop_oneof![2 => Just(0_u16), 1 => 1..400_u16], proptest::bool::weighted(0.1));
    let shared = || 0..4_u8;
    let state = (vec(shared(), 0..3), sometimes(0.15, 1..6_u8), vec(shared(), 0..3), sometimes(0.1, shared()));
    let then = if depth == 0 { Just(Script::default()).boxed() } else { script(depth - 1) };
    let most = usize::from(depth > 0) * 2;
    let emits = vec((key(), then.clone()), 0..=most);
    let timer = (0..3_u8, 0..4_000_u16, key(), then);
    let timer =
        timer.prop_map(|(key, after_ms, partition, then)| Timer { key, after_ms, partition, then: Box::new(then) });
    let sets = sometimes(if depth > 0 { 0.2 } else { 0.000_1 }, timer);
    let effects = (emits, sometimes(0.1, 0..6_u8), sets, sometimes(0.15, 0..3_u8), vec(send(), 0..2));
    (failing, pace, state, effects)
        .prop_map(|((fails, how, end), (steps, takes_ms, looks_up), state, effects)| {
            let (reads, scans, writes, deletes) = state;
            let (emits, repeats, sets, cancels, sends) = effects;
            Script {
                fails,
                how,
                end,
                steps,
                takes_ms,
                looks_up,
                reads,
                scans,
                writes,
                deletes,
                emits,
                repeats,
                sets,
                cancels,
                sends,
            }
        })
        .boxed()
}

fn send() -> impl Strategy<Value = Send> {
    let target =
        (prop_oneof![3 => Just(0_u8), 2 => 1..3_u8, 1 => Just(9)], 0..2_u8, 0..2_u8, any::<bool>(), 0..500_u16);
    let target = target.prop_map(|(fails, panics, not_now, refuses, takes_ms)| Target {
        fails,
        panics,
        not_now,
        refuses,
        takes_ms,
    });
    (sometimes(0.2, 0..3_u8), any::<bool>(), key(), target).prop_map(|(shared, answer, partition, target)| Send {
        shared,
        answer,
        partition,
        target,
    })
}
