//! Rollbacks: the effects of the rolled-back generations are restored, requeued, held and redriven, whatever happens in
//! between.

use crate::keys;
use crate::keys::table;
use crate::{
    AuditVerdict, FailureAction, HeldAction, Leave, Migration, OutboxState, Ready, RepeatedEvents, RequestOutcome,
    RollbackJob, Step, StoreError, UndoReach, Verdict,
};
use handoff_model::actor::Actor;
use handoff_model::effects::{Effects, ReadSet, TimerRequest, Trace};
use handoff_model::event::Event;
use handoff_model::failure::Failure;
use handoff_model::installation::GenerationReason;
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::time::Timestamp;

use super::support::{Bench, event, generation, queue_key, request, run, scope, writes};

pub(super) fn installed() -> (Bench, InstallationId) {
    let store = Bench::new(|_| ());
    let id = store.install("leads", &["lead"]).id;
    (store, id)
}

impl Bench {
    pub(super) fn upgrade(&self) {
        self.install("leads", &["lead"]);
    }

    pub(super) fn leave(&self, to_end_of: u64, restore_state: bool, replay: bool) -> Result<(), StoreError> {
        let active = self.installation(&"leads".parse().unwrap()).unwrap().active.generation;
        let to_end_of = Generation(to_end_of);
        let mut new = generation("leads", &["lead"], Some(active));
        new.reason = GenerationReason::Rollback { restores: to_end_of };
        new.leave = Some(Leave { to_end_of, restore_state, replay, unless_paused: false });
        run(self.put_generation(new)).map(drop)
    }

    /// Runs every step, optionally with a kill before each.
    pub(super) fn carry_out(&mut self, id: InstallationId, kill: bool) -> RollbackJob {
        loop {
            if kill {
                self.kill();
            }
            let done = run(self.continue_rollback(id, Timestamp(50))).unwrap();
            if done.is_done() {
                return done;
            }
        }
    }

    pub(super) fn write(&self, id: InstallationId, name: &str, effects: Effects) -> Position {
        let position = self.add(name, None);
        let attempt = self.attempt(id, Ready { position, queue_key: queue_key(None, position.0) });
        let verdict = run(self.commit(attempt, self.snapshot(), effects, Trace::default())).unwrap();
        assert!(matches!(verdict, Verdict::Done { .. }), "{verdict:?}");
        position
    }

    pub(super) fn state(&self, id: InstallationId) -> Vec<(String, Vec<u8>)> {
        self.state_scan(id, "", None, 100_000).unwrap()
    }

    pub(super) fn rows(&self, table: u8, id: InstallationId) -> usize {
        self.shared.view.scan(&keys::prefix(table, Some(id)), None, 1 << 20).unwrap().len()
    }
}

fn timer(key: &str, at: u64) -> Effects {
    let mut event = event(&format!("{key}-{at}"), None);
    event.source = "/timers".to_owned();
    let timers_set = [(key.to_owned(), TimerRequest { at: Timestamp(at), event })].into();
    Effects { timers_set, ..Effects::default() }
}

#[test]
fn state_and_timers_become_what_they_were_and_can_be_put_forward_again() {
    let (mut store, id) = installed();
    store.write(id, "a", writes(&[("same", Some(b"1")), ("changed", Some(b"1")), ("removed", Some(&[7; 9_000]))]));
    store.write(id, "b", timer("moved", 500));
    store.write(id, "c", timer("cancelled", 600));
    let (good, timers) = (store.state(id), store.rows(table::TIMER, id));
    assert_eq!(store.rows(table::UNDO_SINCE, id), 0, "a first generation needs no undo");
    assert_eq!(store.rows(table::UNDO, id), 0);
    store.upgrade();
    for number in 0..400 {
        let key = format!("new-{}", number % 300);
        store.write(id, &format!("bad-{number}"), writes(&[(&key, Some(b"x")), ("changed", Some(b"2"))]));
    }
    assert_eq!(store.rows(table::UNDO, id), 301, "each key is kept once");
    store.kill();
    store.write(id, "bad-again", writes(&[("new-1", Some(b"x"))]));
    assert_eq!(store.rows(table::UNDO, id), 301, "after a start, too");
    store.write(id, "d", writes(&[("removed", None)]));
    store.write(id, "e", timer("moved", 700));
    store.write(id, "f", timer("new", 800));
    store.write(id, "g", Effects { timers_cancelled: vec!["cancelled".to_owned()], ..Effects::default() });
    let bad = store.state(id);
    assert!(matches!(store.undo_reach(id, Generation(1)).unwrap(), UndoReach::Whole { keys: 302, timers: 3 }));

    store.leave(1, true, false).unwrap();
    assert_eq!(store.state(id), good, "at once");
    store.write(id, "through", Effects::default());
    assert!(matches!(
        run(store.put_generation(generation("leads", &["lead"], Some(Generation(3))))),
        Err(StoreError::RollbackUnderWay(_))
    ));
    let done = store.carry_out(id, true);
    assert_eq!((store.state(id), store.rows(table::TIMER, id)), (good.clone(), timers));
    assert_eq!((done.keys_restored, done.timers_restored), (302, 3));
    assert!(run(store.fire_timers(Timestamp(499))).unwrap() == Some(Timestamp(500)), "the old time counts");
    assert_eq!(run(store.continue_rollback(id, Timestamp(9))).unwrap(), done, "once more does nothing");

    store.leave(2, true, false).unwrap();
    store.carry_out(id, true);
    assert_eq!(store.state(id), bad, "a rollback is undone like any other generation");
    store.leave(1, true, false).unwrap();
    store.carry_out(id, false);
    assert_eq!(store.state(id), good);
    assert!(matches!(store.verify_audit().unwrap(), AuditVerdict::Sound { entries: 5, .. }));
}

#[test]
fn what_is_delivered_again_comes_before_what_waits_in_its_lane() {
    let (mut store, id) = installed();
    let early = store.add("early", Some("k"));
    let other = store.add("other", Some("l"));
    store.upgrade();
    for _ in 0..2 {
        store.commit_first(id, Effects::default());
    }
    let places: Vec<Position> = (0..20).map(|number| store.add(&format!("k-{number}"), Some("k"))).collect();
    for _ in 0..10 {
        store.commit_first(id, Effects { outbox: vec![request("r")], ..Effects::default() });
    }
    // The first remaining entry waits for a retry.
    store.fail_first(id, FailureAction::Retry { due: Timestamp(1_000_000) });
    let waiting = Ready { position: places[10], queue_key: queue_key(Some("k"), 0) };
    store.leave(1, false, true).unwrap();
    assert!(store.rollback_job(id).unwrap().holds_deliveries());
    let done = store.carry_out(id, true);
    assert_eq!((done.events_replayed, done.events_gone, done.requests_held), (12, 0, 1));
    assert_eq!(store.ready_positions(id), [early.0, other.0]);
    assert_eq!(store.due_retries(id, Timestamp(u64::MAX), 10).unwrap().0, []);
    let mut overtaking = store.attempt(id, waiting);
    overtaking.number = 2;
    let verdict = run(store.commit(overtaking, store.snapshot(), Effects::default(), Trace::default())).unwrap();
    assert_eq!(verdict, Verdict::Gone, "it is not the first any more");
    for expected in [early, other].into_iter().chain(places.iter().copied()) {
        assert_eq!(store.first(id).position, expected);
        store.commit_first(id, Effects::default());
    }
    let generations: Vec<u64> = store.attempts(early).unwrap().iter().map(|attempt| attempt.generation.0).collect();
    assert_eq!(generations, [2, 3], "both attempts can be looked at");
    assert_eq!((store.counts(id).waiting, store.counts(id).committed), (0, 34));
}

#[test]
fn a_rollback_is_one_write_and_delivers_while_state_is_restored() {
    let (mut store, id) = installed();
    store.write(id, "a", writes(&[("kept", Some(b"good"))]));
    let good = store.state(id);
    store.upgrade();
    let places: Vec<Position> =
        (0..5).map(|number| store.write(id, &format!("bad-{number}"), writes(&[("kept", Some(b"bad"))]))).collect();
    let late = store.add("late", None);
    let syncs = store.journal_volume().syncs;
    store.leave(1, true, true).unwrap();
    assert_eq!(store.journal_volume().syncs, syncs + 1);
    let begun = store.rollback_job(id).unwrap();
    assert_eq!((begun.step, begun.keys_restored, begun.events_replayed), (Step::Replay, 0, 2));
    assert_eq!((store.state(id), store.ready_positions(id)), (good, vec![places[0].0, places[1].0]));
    let attempt = store.attempt(id, Ready { position: late, queue_key: queue_key(None, late.0) });
    let verdict = run(store.commit(attempt, store.snapshot(), Effects::default(), Trace::default())).unwrap();
    assert_eq!(verdict, Verdict::Fenced, "it came after what is still to be put back");
    store.commit_first(id, Effects::default());
    assert_eq!(run(store.continue_rollback(id, Timestamp(50))).unwrap().events_replayed, 5);

    // A second rollback starts before the first is done: entries that were handled so far are handled again.
    assert_eq!(store.rollback_job(id).unwrap().step, Step::Replay);
    store.leave(1, false, false).unwrap();
    let done = store.carry_out(id, true);
    assert_eq!((done.events_replayed, done.events_gone), (1, 0));
    let all = places.iter().chain([&late]).map(|place| place.0).collect::<Vec<_>>();
    assert_eq!(store.ready_positions(id), all);
}

#[test]
fn events_emitted_before_a_rollback_stay_and_re_emissions_are_recorded() {
    let (mut store, id) = installed();
    store.upgrade();
    let emitted = |name: &str, data: &str, time: u64| {
        let mut event = event(name, None);
        (event.source, event.type_name) = ("/leads".to_owned(), "called".to_owned());
        (event.data, event.time) = (data.into(), Some(Timestamp(time)));
        event
    };
    let with = |emitted: &[Event]| Effects { emitted: emitted.to_vec(), ..Effects::default() };
    let wrong = emitted("0", "wrong", 7);
    let entry = store.write(id, "a", with(&[wrong.clone(), emitted("1", "same", 7)]));
    let plain = store.write(id, "b", with(&[emitted("9", "same", 7)]));
    let there = store.position_of(&scope(), "/leads", "0").unwrap().unwrap();
    assert_eq!(store.repeated_events(id).unwrap(), None);
    store.leave(1, true, true).unwrap();
    assert_eq!(store.carry_out(id, true).events_replayed, 2);
    // The comparison ignores a time that was filled in from the delivery's clock, but not a time that the connector
    // gave.
    let now = [emitted("0", "right", 7), emitted("2", "new", 1), emitted("1", "same", 1)];
    store.commit_first(id, with(&now));
    store.commit_first(id, with(&[emitted("9", "same", 7)]));

    for goes_on in [|_: &mut Bench| (), Bench::kill, |store: &mut Bench| (store.close(), store.reopen().unwrap()).1] {
        goes_on(&mut store);
        let attempts = store.attempts(entry).unwrap();
        let repeated: Vec<_> = attempts[1].repeated.iter().map(|one| (one.place, one.differs)).collect();
        assert_eq!((attempts[0].repeated.len(), repeated), (0, vec![(0, true), (2, false)]));
        assert_eq!((attempts[1].repeated[0].position, attempts[1].emitted.len()), (there, 1));
        assert_eq!(store.event(there).unwrap().unwrap().event, wrong, "others have this one");
        for place in store.recordings_of(id, entry).unwrap() {
            let recorded = store.recorded(place).unwrap().unwrap();
            let expected = if place.attempt == 1 { vec![wrong.clone(), emitted("1", "same", 7)] } else { now.to_vec() };
            assert_eq!(recorded.outcome.unwrap().emitted, expected, "in the order of the calls");
        }
        let expected =
            RepeatedEvents { generation: Generation(3), same: 2, differing: 1, first_differing: vec![entry] };
        assert_eq!(store.repeated_events(id).unwrap(), Some(expected));
        let left = store.left_by(id, Generation(3)).unwrap().unwrap();
        assert_eq!((left.first, left.restored, store.left_by(id, Generation(2)).unwrap()), (Generation(2), true, None));
    }

    // Another rollback starts a new count.
    store.leave(2, false, true).unwrap();
    store.carry_out(id, false);
    store.commit_first(id, with(&[wrong]));
    store.commit_first(id, with(&[emitted("9", "other", 7)]));
    let expected = RepeatedEvents { generation: Generation(4), same: 1, differing: 1, first_differing: vec![plain] };
    assert_eq!(store.repeated_events(id).unwrap(), Some(expected));
    assert!(!store.left_by(id, Generation(4)).unwrap().unwrap().restored);
}

#[test]
fn after_a_rollback_nothing_waits_for_the_back_off_of_the_bad_version() {
    let (mut store, id) = installed();
    store.upgrade();
    for (name, key) in [("a", Some("k")), ("b", Some("k")), ("c", None)] {
        store.add(name, key);
    }
    let retry_at = |store: &Bench, due| {
        let (attempt, snapshot) = (store.attempt(id, store.first(id)), store.snapshot());
        let (failure, then) = (Failure::retry("down", "no answer"), FailureAction::Retry { due: Timestamp(due) });
        run(store.fail(attempt, snapshot, failure, then, Trace::default())).unwrap();
    };
    retry_at(&store, 9_000_000);
    retry_at(&store, 8_000_000);
    let due = |store: &Bench| -> Vec<u64> {
        let (due, _) = store.due_retries(id, Timestamp(50), 10).unwrap();
        due.into_iter().map(|ready| ready.position.0).collect()
    };
    assert!(due(&store).is_empty());
    store.leave(1, false, false).unwrap();
    store.kill();
    assert_eq!(store.carry_out(id, true).retries_made_due, 2);
    assert_eq!(due(&store), [1, 3], "in order; the second entry of the key waits for the first");
    store.kill();
    assert_eq!(due(&store), [1, 3]);
}

#[test]
fn requests_of_a_generation_left_wait_for_a_person_or_for_a_better_one() {
    let mut store = Bench::new(|options| options.segment_bytes = 2_000);
    let id = store.install("leads", &["lead"]).id;
    store.write(id, "good", Effects { outbox: vec![request("good")], ..Effects::default() });
    store.upgrade();
    let names = ["released", "discarded", "replaced", "answered", "cut-off", "late"];
    store.write(id, "bad", Effects { outbox: names.map(request).to_vec(), ..Effects::default() });
    let place = |store: &Bench, key: &str| {
        let all = store.outbox(id, None, 100).unwrap();
        all.iter().rfind(|entry| entry.key == key).unwrap().position
    };
    let (cut, late) = (place(&store, "cut-off"), place(&store, "late"));
    let due = |store: &Bench| -> Vec<String> {
        let (due, _) = store.due_requests(Timestamp(1_000), 100, |_, _| false).unwrap();
        due.into_iter().map(|due| due.request.key).collect()
    };
    let start = |store: &Bench, place| run(store.start_send(id, place)).unwrap();
    for place in [cut, late, place(&store, "answered")] {
        assert_eq!(start(&store, place), Some(1));
    }
    store.leave(1, false, false).unwrap();
    assert_eq!(due(&store), ["good"], "from the moment of the rollback on");
    assert_eq!((start(&store, cut), start(&store, place(&store, "good"))), (None, Some(1)));
    let tried = |store: &Bench, place, tried| assert!(run(store.finish_send(id, place, Timestamp(20), tried)).unwrap());
    tried(&store, cut, RequestOutcome::Unknown { error: "cut off".to_owned() });
    let answer = |name: &str| Some(event(name, None));
    tried(&store, place(&store, "answered"), RequestOutcome::Answered { status: 201, answer: answer("first") });
    assert_eq!(store.carry_out(id, true).requests_held, 5, "with the one that was cut off before; one was answered");
    assert_eq!(
        (due(&store), store.counts(id).outbox_held, store.counts(id).outbox_pending),
        (vec!["good".to_owned()], 5, 1)
    );
    tried(&store, late, RequestOutcome::Answered { status: 200, answer: answer("second") });
    // A good generation replaces a held request with one of the same key.
    store.write(id, "again", Effects { outbox: vec![request("replaced"), request("answered")], ..Effects::default() });
    assert_eq!(due(&store), ["good", "replaced"]);

    for number in 0..30 {
        store.write(id, &format!("filler-{number}"), Effects::default());
    }
    while run(store.retain(Timestamp(0), 1)).unwrap().segments == 4 {}
    store.kill();
    let held = |store: &Bench| -> Vec<(String, OutboxState, bool)> {
        let held = store.held(None, None, 100).unwrap();
        held.into_iter().map(|entry| (entry.key, entry.state, entry.may_have_been_sent)).collect()
    };
    let expected = [("released", 50, false), ("discarded", 50, false), ("cut-off", 20, true)];
    let expected = expected.map(|(key, at, sent)| (key.to_owned(), OutboxState::Held { at: Timestamp(at) }, sent));
    assert_eq!(held(&store), expected);
    let settle = |store: &Bench, key: &str, then| {
        let which = vec![(id, place(store, key))];
        run(store.resolve_held(which, then, Actor::user("ann"), "looked at".to_owned(), Timestamp(60)))
    };
    assert_eq!(settle(&store, "released", HeldAction::Release).unwrap(), 1);
    assert_eq!(settle(&store, "discarded", HeldAction::Discard).unwrap(), 1);
    assert!(matches!(settle(&store, "discarded", HeldAction::Release), Err(StoreError::NoHeldRequest(_))));
    store.kill();
    assert_eq!(due(&store), ["good", "replaced", "released"], "whole, though its segment went");
    assert_eq!((store.counts(id).outbox_held, store.counts(id).outbox_pending), (1, 3));
    let by = OutboxState::Discarded { at: Timestamp(60), by: Some(Actor::user("ann")) };
    assert_eq!(store.outbox_entry(id, place(&store, "discarded")).unwrap().unwrap().state, by);
}

#[test]
fn a_migration_takes_effect_and_rolls_back_together_with_its_swap() {
    let (mut store, id) = installed();
    store.write(id, "a", writes(&[("a", Some(b"1")), ("b", Some(b"1"))]));
    let good = store.state(id);
    let migration = |store: &Bench| Migration {
        snapshot: store.snapshot(),
        reads: ReadSet { keys: ["a".to_owned()].into(), scans: Vec::new() },
        writes: [
            ("a".to_owned(), Some(b"2".to_vec())),
            ("b".to_owned(), None),
            ("c".to_owned(), Some(vec![3; 70_000])),
        ]
        .into(),
    };
    let with = |migration| {
        let mut new = generation("leads", &["lead"], Some(Generation(1)));
        new.migration = Some(migration);
        new
    };
    let early = migration(&store);
    store.write(id, "b", writes(&[("a", Some(b"1"))]));
    assert!(matches!(run(store.put_generation(with(early))), Err(StoreError::MigrationConflict(_))));
    assert_eq!(
        (store.state(id), store.installation_by_id(id).unwrap().active.generation),
        (good.clone(), Generation(1))
    );
    let reader = store.snapshot();
    run(store.put_generation(with(migration(&store)))).unwrap();
    store.kill();
    assert_eq!(store.state(id), [("a".to_owned(), b"2".to_vec()), ("c".to_owned(), vec![3; 70_000])]);
    drop(reader);
    store.write(id, "c", writes(&[("a", Some(b"3"))]));
    store.leave(1, true, false).unwrap();
    assert_eq!(store.carry_out(id, true).keys_restored, 3);
    assert_eq!(store.state(id), good);
}

#[test]
fn undo_is_dropped_by_age_and_by_size_and_then_says_so() {
    let mut store = Bench::new(|options| options.undo_bytes_max = 50_000);
    let id = store.install("leads", &["lead"]).id;
    store.upgrade();
    for number in 0..30 {
        store.write(id, &format!("a-{number}"), writes(&[(&format!("k-{number}"), Some(b"1"))]));
    }
    store.upgrade();
    store.write(id, "b", writes(&[("k-1", Some(b"2"))]));
    // All of them started at the same time.
    assert_eq!(run(store.drop_undo(Timestamp(1))).unwrap(), 0);
    assert_eq!(run(store.drop_undo(Timestamp(2))).unwrap(), 31);
    store.kill();
    assert_eq!((store.rows(table::UNDO, id), store.rows(table::UNDO_SIZE, id)), (0, 0));
    let gone = |oldest| UndoReach::Gone { oldest: Generation(oldest) };
    assert_eq!(store.undo_reach(id, Generation(2)).unwrap(), gone(3));
    assert!(matches!(store.leave(1, true, false), Err(StoreError::UndoGone { to: 1, oldest: 3, .. })));
    store.write(id, "c", writes(&[("k-2", Some(b"2"))]));
    assert_eq!(store.rows(table::UNDO, id), 0, "what leads nowhere is not kept");

    store.upgrade();
    store.write(id, "d", writes(&[("k-2", Some(b"3"))]));
    assert!(matches!(store.undo_reach(id, Generation(3)).unwrap(), UndoReach::Whole { keys: 1, timers: 0 }));
    for number in 0..10 {
        store.write(id, &format!("large-{number}"), writes(&[(&format!("large-{number}"), Some(&[1; 9_000]))]));
    }
    store.upgrade();
    for number in 0..10 {
        store.write(id, &format!("larger-{number}"), writes(&[(&format!("large-{number}"), Some(b"now small"))]));
    }
    assert_eq!(store.undo_reach(id, Generation(3)).unwrap(), gone(5), "too much was changed under generation 5");
    store.leave(4, false, true).unwrap();
    assert_eq!(store.carry_out(id, true).events_replayed, 10, "the rest of a rollback needs no undo");
}

#[test]
fn data_of_another_schema_does_not_open() {
    let (mut store, _) = installed();
    store.close();
    let steps = crate::options::Steps::small();
    let index = crate::index::Index::open(&store.dir.path().join("index"), 1 << 20, steps.index_watch).unwrap();
    let key = crate::checkpoint::key();
    let mut row = index.get(&key).unwrap().unwrap();
    row[0] = 2;
    index.checkpoint(&crate::buffer::Layer::default(), (key, row)).unwrap();
    drop(index);
    assert!(matches!(store.reopen(), Err(StoreError::Schema { found: 2, known: 1 })));
}
