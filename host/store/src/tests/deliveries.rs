//! Fences, queues and limits.

use crate::apply::Sink as _;
use crate::keys;
use crate::rows::encode;
use crate::{Appended, DeadLetterIds, FailureAction, NewEvent, Ready, Recipients, RequestOutcome, StoreError, Verdict};
use handoff_model::actor::Actor;
use handoff_model::effects::{Effects, MetricChange, MetricUpdate, Trace};
use handoff_model::event::Event;
use handoff_model::failure::Failure;
use handoff_model::installation::Pause;
use handoff_model::names::Position;
use handoff_model::time::Timestamp;

use super::support::{Bench, event, generation, request, rooftop, run, scope, writes};

fn everything() -> Effects {
    Effects { emitted: vec![event("emitted", None)], outbox: vec![request("r")], ..writes(&[("k", Some(b"bad"))]) }
}

#[test]
fn a_result_after_a_rollback_has_no_effect_and_its_event_is_delivered() {
    let mut store = Bench::new(|_| ());
    let id = store.install("leads", &["lead"]).id;
    store.add("a", Some("k"));
    let bad = store.attempt(id, store.first(id));
    let snapshot = store.snapshot();
    store.install("leads", &["lead"]);

    let failure = Failure::reject("no", "never");
    let failed = store.fail(bad.clone(), store.snapshot(), failure, FailureAction::DeadLetter, Trace::default());
    assert_eq!(run(failed).unwrap(), Verdict::Fenced);
    assert_eq!(run(store.commit(bad.clone(), snapshot, everything(), Trace::default())).unwrap(), Verdict::Fenced);
    store.kill();
    assert_eq!(run(store.commit(bad, store.snapshot(), everything(), Trace::default())).unwrap(), Verdict::Fenced);
    assert_eq!(store.state_get(id, "k").unwrap(), None);
    assert_eq!(store.outbox(id, None, 10).unwrap().len(), 0);
    assert_eq!(store.position_of(&scope(), "/outside", "emitted").unwrap(), None);
    assert_eq!(store.counts(id).dead_letters, 0);

    assert!(matches!(store.commit_first(id, everything()), Verdict::Done { .. }), "the good one gets it");
    assert_eq!(store.counts(id).committed, 1);
}

#[test]
fn a_generation_is_made_only_from_the_one_that_its_maker_saw() {
    let store = Bench::new(|_| ());
    let first = store.install("leads", &["lead"]).active.generation;
    store.install("leads", &["lead"]);
    let late = run(store.put_generation(generation("leads", &[], Some(first))));
    assert!(matches!(late, Err(StoreError::GenerationMoved { active: 2, expected: 1, .. })), "{late:?}");
}

#[test]
fn a_delivery_takes_effect_once_however_often_it_is_committed() {
    let store = Bench::new(|_| ());
    let id = store.install("leads", &["lead"]).id;
    store.add("a", None);
    let attempt = store.attempt(id, store.first(id));
    let commit = || store.commit(attempt.clone(), store.snapshot(), writes(&[("k", Some(b"1"))]), Trace::default());
    assert!(matches!(run(commit()).unwrap(), Verdict::Done { .. }));
    assert_eq!(run(commit()).unwrap(), Verdict::Gone);
    assert_eq!(store.counts(id).committed, 1);
}

#[test]
fn a_key_that_waits_for_a_retry_holds_up_itself_and_nobody_else() {
    let mut store = Bench::new(|_| ());
    let id = store.install("leads", &["lead"]).id;
    let stuck = store.add("a1", Some("a"));
    let behind = store.add("a2", Some("a"));
    let other = store.add("b1", Some("b"));
    let alone = store.add("c", None);
    assert_eq!(store.ready_positions(id), [stuck.0, other.0, alone.0]);

    assert_eq!(store.fail_first(id, FailureAction::Retry { due: Timestamp(50) }), Verdict::Done { next: None });
    store.add("a3", Some("a"));
    store.kill();
    assert_eq!(store.ready_positions(id), [other.0, alone.0], "neither it nor what is behind it");
    assert_eq!(store.due_retries(id, Timestamp(49), 10).unwrap(), (vec![], Some(Timestamp(50))));
    let (due, later) = store.due_retries(id, Timestamp(50), 10).unwrap();
    assert_eq!((due.len(), later), (1, None));

    let attempt = store.attempt(id, due[0]);
    assert_eq!((attempt.position, attempt.number), (stuck, 2));
    let verdict = run(store.commit(attempt, store.snapshot(), Effects::default(), Trace::default())).unwrap();
    assert_eq!(verdict, Verdict::Done { next: Some(Ready { position: behind, queue_key: due[0].queue_key }) });
    assert_eq!(store.ready_positions(id), [behind.0, other.0, alone.0]);
}

#[test]
fn a_dead_letter_lets_its_key_go_on_and_comes_back_behind_it() {
    let store = Bench::new(|_| ());
    let id = store.install("leads", &["lead"]).id;
    let first = store.add("a1", Some("a"));
    let second = store.add("a2", Some("a"));
    let verdict = store.fail_first(id, FailureAction::DeadLetter);
    assert!(matches!(verdict, Verdict::Done { next: Some(Ready { position, .. }) } if position == second));
    let letters = || DeadLetterIds(vec![(id, first)]);
    let again = run(store.redrive(letters(), Actor::user("ann"), "fixed".into(), Timestamp(9))).unwrap();
    assert_eq!(store.ready_positions(id), [second.0], "the redriven one waits for its turn");
    assert!(
        matches!(store.commit_first(id, Effects::default()), Verdict::Done { next: Some(Ready { position, .. }) } if position == again[0])
    );
    let twice = run(store.redrive(letters(), Actor::user("ann"), "again".into(), Timestamp(9)));
    assert!(matches!(twice, Err(StoreError::NoDeadLetter(_))));
    let event = store.event(again[0]).unwrap().unwrap();
    assert_eq!((event.redrive_of, event.event.id.as_str()), (Some(first), "a1"));
}

#[test]
fn redriven_dead_letters_keep_their_order_within_a_key_only() {
    let store = Bench::new(|_| ());
    let id = store.install("leads", &["lead"]).id;
    let places: Vec<Position> =
        [("a1", "a"), ("b1", "b"), ("a2", "a")].iter().map(|(id, key)| store.add(id, Some(key))).collect();
    for _ in &places {
        store.fail_first(id, FailureAction::DeadLetter);
    }
    let letters = DeadLetterIds(places.iter().map(|place| (id, *place)).collect());
    let again = run(store.redrive(letters, Actor::user("ann"), "fixed".into(), Timestamp(9))).unwrap();
    assert_eq!(store.ready_positions(id), [again[0].0, again[1].0]);
    assert!(
        matches!(store.commit_first(id, Effects::default()), Verdict::Done { next: Some(next) } if next.position == again[2])
    );
}

#[test]
fn what_a_delivery_emits_to_its_own_lane_is_next_and_keeps_its_order() {
    let mut store = Bench::new(|_| ());
    let id = store.install("leads", &["lead"]).id;
    store.add("a", Some("k"));
    let emitted: Vec<Event> = ["e1", "e2", "e1"].iter().map(|name| event(name, Some("k"))).collect();
    let verdict = store.commit_first(id, Effects { emitted, ..Effects::default() });
    assert_eq!(verdict, Verdict::Done { next: None });
    store.kill();
    assert_eq!(store.counts(id).waiting, 2, "the repeated one is one");
    let first = store.first(id);
    assert_eq!(store.claim(id, first).unwrap().unwrap().event.id, "e1");
    assert_eq!(store.ready_positions(id).len(), 1, "the second waits for the first");
    let Verdict::Done { next: Some(next) } = store.commit_first(id, Effects::default()) else { panic!("e2 is next") };
    assert_eq!(store.claim(id, next).unwrap().unwrap().event.id, "e2");
}

#[test]
fn full_queues_refuse_and_take_again_once_there_is_room() {
    let store = Bench::new(|options| {
        options.installation_queue_entries_max = 2;
        options.scope_queue_entries_max = 3;
    });
    let id = store.install("leads", &["lead"]).id;
    let other = store.install("other", &[]).id;
    let append = |name: &str, to: Recipients| {
        run(store.append(vec![NewEvent { event: event(name, None), to }], Timestamp(1), None))
    };
    store.add("a", None);
    store.add("b", None);
    let full = append("c", Recipients::Rooftop(rooftop()));
    assert!(
        matches!(&full, Err(StoreError::QueueFull { installation, waiting: 2, most: 2 }) if installation.as_str() == "leads"),
        "{full:?}"
    );
    assert!(append("d", Recipients::Installation(other)).is_ok(), "the other one has room");
    assert!(matches!(
        append("e", Recipients::Installation(other)),
        Err(StoreError::QueuesFull { waiting: 3, most: 3, .. })
    ));
    assert_eq!(store.position_of(&scope(), "/outside", "c").unwrap(), None, "a refused event is not in the log");
    store.commit_first(id, Effects::default());
    assert!(matches!(append("c", Recipients::Rooftop(rooftop())).unwrap()[0], Appended::Accepted { .. }));
}

#[test]
fn a_new_generation_ends_a_pause_unless_a_person_paused() {
    let store = Bench::new(|_| ());
    let id = store.install("leads", &["lead"]).id;
    let at = Timestamp(2);
    let by_ann = Pause::by(Actor::user("ann"), Some("inventory"), at);
    // A connector chooses its message, and a user may have the name that the host is shown as.
    let posing = Pause::by_host(by_ann.message.clone(), at);
    let namesake = Pause::by(Actor::user("handoff"), None, at);
    for (pause, stays) in [(by_ann, true), (posing, false), (namesake, true)] {
        let name = || "leads".parse().unwrap();
        run(store.set_paused(name(), Some(pause.clone()), pause.by.clone(), at)).unwrap();
        store.install("leads", &["lead"]);
        assert_eq!(store.installation_by_id(id).unwrap().paused, stays.then_some(pause.clone()), "{pause:?}");
        run(store.set_paused(name(), None, pause.by, at)).unwrap();
    }
}

#[test]
fn a_paused_installation_keeps_its_event_and_continues_with_it() {
    let mut store = Bench::new(|_| ());
    let id = store.install("leads", &["lead"]).id;
    let place = store.add("a", Some("k"));
    let pause = Pause::by_host("no such field".to_owned(), Timestamp(2));
    store.fail_first(id, FailureAction::Pause(pause.clone()));
    store.kill();
    assert_eq!(store.installation_by_id(id).unwrap().paused, Some(pause));
    assert_eq!(store.ready_positions(id), [place.0]);
    run(store.set_paused("leads".parse().unwrap(), None, Actor::user("ann"), Timestamp(9))).unwrap();
    store.kill();
    assert_eq!(store.installation_by_id(id).unwrap().paused, None);
    assert!(matches!(store.commit_first(id, Effects::default()), Verdict::Done { .. }));
    assert!(
        !store.send_once(id, place, Timestamp(3), RequestOutcome::NotNow { due: Timestamp(4) }),
        "an entry is no request"
    );
}

#[test]
fn an_event_repeats_one_that_is_kept_at_every_moment_after_a_start() {
    let mut store = Bench::new(|_| ());
    store.install("leads", &["lead"]);
    let positions: Vec<_> = (0..40).map(|number| store.add(&format!("old-{number}"), None)).collect();
    run(store.checkpoint()).unwrap();
    for round in 0..2 {
        // The filter for duplicates is read again from the index, a part of it with each batch.
        store.kill();
        for (number, position) in positions.iter().enumerate() {
            let repeated = store.append_one(event(&format!("old-{number}"), None));
            assert_eq!(repeated, Appended::Duplicate { position: *position });
            let new = store.add(&format!("new-{round}-{number}"), None);
            let repeated = store.append_one(event(&format!("new-{round}-{number}"), None));
            assert_eq!(repeated, Appended::Duplicate { position: new });
        }
    }
}

#[test]
fn a_first_of_its_lane_as_older_versions_wrote_it_is_delivered() {
    let store = Bench::new(|_| ());
    let id = store.install("leads", &["lead"]).id;
    for (event, key) in [("a", Some("k")), ("b", Some("k")), ("c", None)] {
        store.add(event, key);
    }
    let ready = store.ready(id, None, 10).unwrap();
    store.shared.view.write(false, |sink| {
        ready.iter().for_each(|entry| sink.put(keys::head(id, entry.position), encode(&entry.queue_key)));
    });
    assert_eq!(store.ready_positions(id).len(), 2);
    for event in ["a", "b", "c"] {
        assert_eq!(store.claim(id, store.first(id)).unwrap().unwrap().event.id, event);
        assert!(matches!(store.commit_first(id, Effects::default()), Verdict::Done { .. }));
    }
    assert_eq!(store.counts(id).waiting, 0);
}

#[test]
fn metrics_beyond_the_limit_are_dropped_and_the_log_says_so() {
    let store = Bench::new(|options| options.installation_metrics_max = 1);
    let id = store.install("leads", &["lead"]).id;
    let metric =
        |name: &str| MetricUpdate { name: name.to_owned(), labels: Default::default(), change: MetricChange::Add(1) };
    let with =
        |names: &[&str]| Effects { metrics: names.iter().map(|name| metric(name)).collect(), ..Effects::default() };
    let few = store.write(id, "few", with(&["leads"]));
    let many = store.write(id, "many", with(&["leads", "calls", "texts"]));
    let logged = |position| store.attempts(position).unwrap()[0].logs.clone();
    assert_eq!((logged(few).len(), logged(many).len()), (0, 1));
    assert!(logged(many)[0].message.contains("dropped 2 changes of new metrics"), "{:?}", logged(many));
    assert_eq!(store.metrics(id).unwrap().len(), 1);
}
