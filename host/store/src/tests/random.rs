//! Random histories against the model, with kills, lost indexes and retention at any point.

mod reinstall;
mod sends;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::{Appended, DeadLetterIds, FailureAction, NewEvent, Ready, Recipients, Verdict};
use handoff_model::actor::Actor;
use handoff_model::effects::{Effects, TimerRequest, Trace};
use handoff_model::failure::Failure;
use handoff_model::names::{InstallationId, Position};
use handoff_model::time::Timestamp;

use super::model::{Entry, Handled, Model, Own, Sent};
use super::support::{Bench, event, queue_key, request, rooftop, run, scope};

/// Both accept events from outside; only the second accepts emitted ones.
pub(super) const NAMES: [(&str, &[&str]); 2] = [("first", &["lead"]), ("second", &["lead", "emitted"])];

#[derive(Clone, Debug)]
pub(super) enum Op {
    Append { id: u8, key: Option<u8>, large: bool },
    Deliver { to: u8, which: usize, end: End },
    Stale { to: u8, which: usize },
    FireTimers { pass: u64 },
    Send { to: u8, which: usize, end: Answer },
    Redrive { to: u8, which: usize },
    Discard { to: u8, which: usize },
    NewGeneration { to: u8, migrate: Vec<(u8, u16)> },
    Rollback(Rollback),
    ResolveHeld { to: u8, which: usize, release: bool },
    RetryNow { to: u8 },
    Reinstall { to: u8 },
    DropUndo,
    Checkpoint,
    Retain,
    Kill(Kill),
}

#[derive(Clone, Debug)]
pub(super) enum End {
    Commit {
        state: Vec<(u8, u16)>,
        emit: Option<(u8, Option<u8>)>,
        send: Option<u8>,
        timer: Option<(u8, u64)>,
        cancel: Option<u8>,
    },
    Retry(u64),
    DeadLetter,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    /// The host dies while it sends.
    None,
    Answered,
    Retry(u64),
    NotNow(u64),
    Failed,
    Unknown,
}

/// How far to go back, with which options, and where the process dies during the rollback.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rollback {
    pub(super) to: u8,
    pub(super) back: u64,
    pub(super) restore: bool,
    pub(super) replay: bool,
    pub(super) kill: Option<(usize, Kill)>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kill {
    Plain,
    LostIndex,
    Restart,
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    let key = || proptest::option::of(0..3_u8);
    let small = || 0..4_u8;
    let commit = (
        proptest::collection::vec((0..5_u8, prop_oneof![Just(0_u16), Just(20), Just(7_000)]), 0..3),
        proptest::option::of((0..6_u8, key())),
        proptest::option::of(small()),
        proptest::option::of((small(), 0..200_u64)),
        proptest::option::of(small()),
    );
    let commit = commit.prop_map(|(state, emit, send, timer, cancel)| End::Commit { state, emit, send, timer, cancel });
    let end = prop_oneof![6 => commit, 2 => (0..200_u64).prop_map(End::Retry), 2 => Just(End::DeadLetter)];
    let answer = prop_oneof![
        Just(Answer::Answered),
        (0..200_u64).prop_map(Answer::Retry),
        (0..200_u64).prop_map(Answer::NotNow),
        Just(Answer::Failed),
        Just(Answer::Unknown),
        Just(Answer::None),
    ];
    let (to, which) = (|| 0..2_u8, || 0..8_usize);
    let migrate = proptest::collection::vec((0..5_u8, prop_oneof![Just(0_u16), Just(30), Just(6_000)]), 0..3);
    let kill = prop_oneof![Just(Kill::Plain), Just(Kill::LostIndex), Just(Kill::Restart)];
    let kill = proptest::option::of((0..8_usize, kill));
    let rollback = (to(), 0..3_u64, proptest::bool::weighted(0.6), proptest::bool::weighted(0.6), kill)
        .prop_map(|(to, back, restore, replay, kill)| Rollback { to, back, restore, replay, kill });
    prop_oneof![
        10 => (0..24_u8, key(), proptest::bool::weighted(0.1)).prop_map(|(id, key, large)| Op::Append { id, key, large }),
        14 => (to(), which(), end).prop_map(|(to, which, end)| Op::Deliver { to, which, end }),
        1 => (to(), which()).prop_map(|(to, which)| Op::Stale { to, which }),
        2 => (0..300_u64).prop_map(|pass| Op::FireTimers { pass }),
        4 => (to(), which(), answer).prop_map(|(to, which, end)| Op::Send { to, which, end }),
        2 => (to(), which()).prop_map(|(to, which)| Op::Redrive { to, which }),
        1 => (to(), which()).prop_map(|(to, which)| Op::Discard { to, which }),
        3 => (to(), migrate).prop_map(|(to, migrate)| Op::NewGeneration { to, migrate }),
        3 => rollback.prop_map(Op::Rollback),
        1 => (to(), which(), proptest::bool::ANY).prop_map(|(to, which, release)| Op::ResolveHeld { to, which, release }),
        1 => to().prop_map(|to| Op::RetryNow { to }),
        1 => proptest::bool::weighted(0.3).prop_map(|all| if all { Op::DropUndo } else { Op::Checkpoint }),
        1 => Just(Op::Checkpoint),
        2 => Just(Op::Retain),
        2 => prop_oneof![Just(Kill::Plain), Just(Kill::LostIndex), Just(Kill::Restart)].prop_map(Op::Kill),
    ]
}

/// Makes everything so small that a short history has segments, checkpoints and bodies in files.
pub(super) fn small(options: &mut crate::StoreOptions) {
    options.buffer_bytes = 6_000;
    options.segment_bytes = 8_000;
    options.inline_body_bytes = 1_000;
}

/// The running store and its model.
pub(super) struct Pair {
    pub(super) store: Bench,
    pub(super) model: Model,
    /// Segments that retention dropped.
    pub(super) dropped: u32,
    /// Whether deliveries continue during a rollback.
    pub(super) meanwhile: bool,
    /// The model in the middle of the last operation, if that is durable in two steps.
    pub(super) midway: Option<Model>,
}

impl Pair {
    fn new() -> Self {
        Self::on(Bench::new(small))
    }

    /// Starts on an empty store.
    pub(super) fn on(store: Bench) -> Self {
        let mut model = Model { now: 1_000, ..Model::default() };
        for (name, accepts) in NAMES {
            let id = store.install(name, accepts).id;
            model.own.insert(id.0, Own { generation: 1, undo_reaches: 1, ..Own::default() });
        }
        Self { store, model, dropped: 0, meanwhile: true, midway: None }
    }

    /// The number that an installation has now.
    pub(super) fn id(&self, to: u8) -> InstallationId {
        self.store.installation(&NAMES[usize::from(to)].0.parse().unwrap()).unwrap().id
    }

    pub(super) fn own(&mut self, to: u8) -> (InstallationId, &mut Own) {
        let id = self.id(to);
        (id, self.model.own.get_mut(&id.0).unwrap())
    }

    pub(super) fn step(&mut self, op: &Op) {
        match op {
            Op::Append { id, key, large } => self.append(*id, *key, *large),
            Op::Deliver { to, which, end } => self.deliver(*to, *which, end),
            Op::Stale { to, which } => self.stale(*to, *which),
            Op::FireTimers { pass } => self.fire_timers(*pass),
            Op::Send { to, which, end } => self.send(*to, *which, *end),
            Op::Redrive { to, which } => self.redrive(*to, *which),
            Op::Discard { to, which } => self.discard(*to, *which),
            Op::NewGeneration { to, migrate } => self.new_generation(*to, migrate),
            Op::Rollback(rollback) => self.roll_back(rollback),
            Op::ResolveHeld { to, which, release } => self.resolve_held(*to, *which, *release),
            Op::RetryNow { to } => {
                let now = self.model.now;
                let (id, _) = self.own(*to);
                let moved =
                    run(self.store.retry_now(id, &Actor::user("ann"), "it works again", Timestamp(now))).unwrap();
                assert_eq!(u64::try_from(moved).unwrap(), self.own(*to).1.retry_at(now));
            }
            Op::Reinstall { to } => self.reinstall(*to),
            Op::DropUndo => {
                run(self.store.drop_undo(Timestamp(u64::MAX))).unwrap();
                self.model.own.values_mut().for_each(|own| own.undo_reaches = own.generation);
            }
            Op::Checkpoint => run(self.store.checkpoint()).unwrap(),
            Op::Retain => {
                self.dropped += run(self.store.retain(Timestamp(0), 10_000)).unwrap().segments;
                let Self { store, model, .. } = self;
                model.forget(store);
            }
            Op::Kill(kill) => self.kill(*kill),
        }
    }

    fn append(&mut self, id: u8, key: Option<u8>, large: bool) {
        let id = format!("event-{id}");
        let key = key.map(|key| format!("key-{key}"));
        let mut event = event(&id, key.as_deref());
        if large {
            event.data = vec![event.data.len().to_le_bytes()[0]; 5_000];
        }
        let data = event.data.clone();
        match (self.store.append_one(event), self.model.seen.get(&id)) {
            (Appended::Accepted { position, routes }, None) => {
                assert_eq!(routes, 2);
                self.model.seen.insert(id, position.0);
                for own in self.model.own.values_mut() {
                    let entry = Entry::new(key.clone(), data.clone());
                    own.queue.insert(position.0, entry);
                }
            }
            (Appended::Duplicate { position }, Some(first)) => assert_eq!(position.0, *first),
            (appended, first) => panic!("{id}: {appended:?}, but the first is {first:?}"),
        }
    }

    /// A head and its attempt, if there is a head.
    fn pick(&mut self, to: u8, which: usize) -> Option<(InstallationId, u64, crate::Attempt)> {
        let (id, own) = self.own(to);
        let heads: Vec<(u64, Option<String>)> =
            own.heads().into_iter().map(|(position, entry)| (position, entry.key.clone())).collect();
        let (position, key) = heads.get(which % heads.len().max(1))?.clone();
        let entry = Ready { position: Position(position), queue_key: queue_key(key.as_deref(), position) };
        Some((id, position, self.store.attempt(id, entry)))
    }

    fn stale(&mut self, to: u8, which: usize) {
        let Some((_, _, mut attempt)) = self.pick(to, which) else { return };
        attempt.generation.0 -= 1;
        let effects = super::support::writes(&[("k0", Some(b"of a fenced generation"))]);
        let verdict = run(self.store.commit(attempt, self.store.snapshot(), effects, Trace::default()));
        assert_eq!(verdict.unwrap(), Verdict::Fenced);
    }

    fn deliver(&mut self, to: u8, which: usize, end: &End) {
        let Some((id, position, mut attempt)) = self.pick(to, which) else { return };
        attempt.finished_at = Timestamp(self.model.now);
        let snapshot = self.store.snapshot();
        let now = self.model.now;
        let then = match end {
            End::Commit { .. } => {
                let (effects, emitted) = effects(end, now, id, position);
                let verdict = run(self.store.commit(attempt, snapshot, effects.clone(), Trace::default())).unwrap();
                self.check_next(id, position, verdict);
                return self.committed(id, position, effects, emitted);
            }
            End::Retry(after) => FailureAction::Retry { due: Timestamp(now + after) },
            End::DeadLetter => FailureAction::DeadLetter,
        };
        let failure = Failure::retry("no", "not now");
        let verdict = run(self.store.fail(attempt, snapshot, failure, then, Trace::default())).unwrap();
        if matches!(end, End::DeadLetter) {
            self.check_next(id, position, verdict);
        }
        let (_, own) = self.own(to);
        own.failed_attempts += 1;
        let mut entry = own.queue.remove(&position).unwrap();
        entry.attempts += 1;
        match end {
            End::Retry(after) => {
                entry.due = Some(now + after);
                own.queue.insert(position, entry);
            }
            _ => {
                own.dead_lettered += 1;
                entry.attempts = 0;
                entry.due = None;
                entry.failed_by = own.generation;
                own.letters.insert(position, entry);
            }
        }
    }

    fn check_next(&self, id: InstallationId, position: u64, verdict: Verdict) {
        let Verdict::Done { next } = verdict else { panic!("{verdict:?}") };
        let expected = self.model.own[&id.0].next_after(position);
        assert_eq!(next.map(|next| next.position.0), expected, "the next of the queue_key of {position}");
    }

    pub(super) fn committed(&mut self, id: InstallationId, position: u64, effects: Effects, emitted: Option<String>) {
        let own = self.model.own.get_mut(&id.0).unwrap();
        let entry = own.queue.remove(&position).unwrap();
        let attempt = entry.attempts + 1;
        own.handled.push(Handled { generation: own.generation, position, attempt, entry });
        own.committed += 1;
        for (key, value) in effects.state_writes {
            match value {
                Some(value) => own.state.insert(key, value),
                None => own.state.remove(&key),
            };
        }
        for key in effects.timers_cancelled {
            own.keep_timer(&key);
            own.timers.remove(&key);
        }
        for (key, timer) in effects.timers_set {
            own.keep_timer(&key);
            own.timers.insert(key, (timer.at.0, timer.event.id));
        }
        for request in effects.outbox.into_iter().filter(|request| !own.done_keys.contains(&request.key)) {
            let place = self.store.outbox(id, None, 10_000).unwrap();
            let place = place.iter().rfind(|entry| entry.key == request.key).expect("it is in the outbox").position;
            let new = Sent {
                position: place.0,
                attempts: 0,
                is_begun: false,
                may_have_arrived: false,
                due: Some(self.model.now),
                answered: false,
                held: false,
                state_undone: false,
                discarded: false,
                generation: own.generation,
            };
            let sent = own.outbox.entry(request.key).or_insert_with(|| new.clone());
            if sent.held {
                // It has the same idempotency key.
                let may_have_arrived = sent.may_have_arrived || sent.is_begun;
                *sent = Sent { may_have_arrived, ..new };
            }
        }
        if let (Some(emitted), Some(event)) = (emitted, effects.emitted.first()) {
            let place = self.store.position_of(&scope(), "/outside", &emitted).unwrap().expect("it is in the log");
            if self.model.seen.insert(emitted, place.0).is_none() {
                let key = event.partition_key().map(str::to_owned);
                let entry = Entry { emitter: Some(id.0), ..Entry::new(key, event.data.clone()) };
                let second = self.id(1);
                self.model.own.get_mut(&second.0).unwrap().queue.insert(place.0, entry);
            }
        }
    }

    fn fire_timers(&mut self, pass: u64) {
        self.model.now += pass;
        let now = self.model.now;
        // A restored timer may have fired before: its event is in the log, and must not repeat.
        let known = |(_, id): &(u64, String)| self.store.position_of(&scope(), "/timers", id).unwrap().is_some();
        let all = self.model.own.values().flat_map(|own| own.timers.values());
        let fired: BTreeSet<String> = all.filter(|timer| known(timer)).map(|(_, id)| id.clone()).collect();
        let next = run(self.store.fire_timers(Timestamp(now))).unwrap();
        let mut later = Vec::new();
        for (id, own) in &mut self.model.own {
            for (key, (due, event_id)) in std::mem::take(&mut own.timers) {
                if due > now {
                    later.push(due);
                    own.timers.insert(key, (due, event_id));
                    continue;
                }
                if fired.contains(&event_id) {
                    continue;
                }
                let place =
                    self.store.position_of(&scope(), "/timers", &event_id).unwrap().expect("it became an event").0;
                let data = format!("data of {event_id}").into_bytes();
                let entry = Entry::new(Some("key-0".to_owned()), data);
                assert!(own.queue.insert(place, entry).is_none(), "timer of {id} fired twice");
            }
        }
        assert_eq!(next.map(|next| next.0), later.into_iter().min(), "when the next timer is due");
    }

    fn letter(&mut self, to: u8, which: usize) -> Option<(InstallationId, u64)> {
        let (id, own) = self.own(to);
        let letters: Vec<u64> = own.letters.keys().copied().collect();
        Some((id, *letters.get(which % letters.len().max(1))?))
    }

    fn redrive(&mut self, to: u8, which: usize) {
        let Some((id, position)) = self.letter(to, which) else { return };
        let ids = DeadLetterIds(vec![(id, Position(position))]);
        let places =
            run(self.store.redrive(ids, Actor::user("ann"), "fixed".into(), Timestamp(self.model.now))).unwrap();
        let (_, own) = self.own(to);
        let entry = own.letters.remove(&position).unwrap();
        own.queue.insert(places[0].0, entry.redriven());
    }

    fn discard(&mut self, to: u8, which: usize) {
        let Some((id, position)) = self.letter(to, which) else { return };
        let ids = || DeadLetterIds(vec![(id, Position(position))]);
        assert_eq!(run(self.store.discard(ids(), Actor::user("ann"), "old".into(), Timestamp(9))).unwrap(), 1);
        assert!(run(self.store.discard(ids(), Actor::user("ann"), "old".into(), Timestamp(9))).is_err(), "it is gone");
        self.own(to).1.letters.remove(&position);
    }

    fn kill(&mut self, kill: Kill) {
        self.die(kill);
        self.model.check(&self.store);
    }

    pub(super) fn die(&mut self, kill: Kill) {
        match kill {
            Kill::Plain => self.store.kill(),
            Kill::LostIndex => {
                let copy = self.store.copy();
                std::fs::remove_dir_all(copy.path().join("index")).unwrap();
                self.store.go_on_in(copy).unwrap();
            }
            Kill::Restart => {
                self.store.close();
                self.store.reopen().unwrap();
            }
        }
    }
}

/// The effects of a commit, and the id of the event that it emits.
fn effects(end: &End, now: u64, id: InstallationId, position: u64) -> (Effects, Option<String>) {
    let End::Commit { state, emit, send, timer, cancel } = end else { return (Effects::default(), None) };
    let fill = position.to_le_bytes()[0];
    let state_writes = state
        .iter()
        .map(|(key, bytes)| (format!("k{key}"), (*bytes > 0).then(|| vec![fill; usize::from(*bytes)])))
        .collect();
    let emitted_id = emit.as_ref().map(|(name, _)| format!("emitted-{name}"));
    let emitted = emit.as_ref().zip(emitted_id.as_ref()).map(|((_, key), id)| {
        let mut emitted = event(id, key.map(|key| format!("key-{key}")).as_deref());
        emitted.type_name = "emitted".to_owned();
        emitted
    });
    let timers_set: BTreeMap<_, _> = timer
        .iter()
        .map(|(key, after)| {
            let mut event = event(&format!("timer-{key}-of-{}-{position}", id.0), Some("key-0"));
            event.source = "/timers".to_owned();
            (format!("timer-{key}"), TimerRequest { at: Timestamp(now + after), event })
        })
        .collect();
    let effects = Effects {
        state_writes,
        emitted: emitted.into_iter().collect(),
        timers_set,
        timers_cancelled: cancel.iter().map(|key| format!("timer-{key}")).collect(),
        outbox: send.iter().map(|key| request(&format!("request-{key}"))).collect(),
        metrics: Vec::new(),
    };
    (effects, emitted_id)
}

#[test]
fn after_any_operations_and_crashes_the_store_equals_the_model() {
    let config = Config { cases: 64, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let history = proptest::collection::vec(op(), 20..250);
    let dropped = std::sync::atomic::AtomicU32::new(0);
    let result = runner.run(&history, |history| {
        let mut pair = Pair::new();
        for op in &history {
            pair.step(op);
        }
        pair.model.check(&pair.store);
        pair.kill(Kill::Plain);
        pair.kill(Kill::LostIndex);
        dropped.fetch_add(pair.dropped, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    });
    result.unwrap();
    assert!(dropped.into_inner() > 50, "segments went, or the histories do not try retention");
}

#[test]
fn an_append_of_many_is_one_and_a_repetition_within_it_is_a_duplicate() {
    let mut store = Bench::new(|_| ());
    let id = store.install("leads", &["lead"]).id;
    let new = |name: &str| NewEvent { event: event(name, Some("k")), to: Recipients::Rooftop(rooftop()) };
    let appended = run(store.append(vec![new("a"), new("b"), new("a")], Timestamp(1), None)).unwrap();
    assert!(
        matches!(appended[..], [
        Appended::Accepted { position: a, routes: 1 },
        Appended::Accepted { position: b, routes: 1 },
        Appended::Duplicate { position },
    ] if position == a && a < b),
        "{appended:?}"
    );
    store.kill();
    assert!(matches!(store.append_one(event("b", None)), Appended::Duplicate { .. }), "also after a restart");
    assert_eq!(store.ready_positions(id).len(), 1, "two of one key: only the first is ready");
    assert_eq!(store.counts(id).waiting, 2);
}
