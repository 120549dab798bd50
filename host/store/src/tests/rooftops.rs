//! Rooftops are separate: routing, duplicates, queue room and generations. Each test has two rooftops with installations
//! that accept the same type.

use std::sync::Arc;

use super::support::{Bench, event, generation, run, writes};
use crate::{Appended, DeadLetterIds, EventFilter, FailureAction, NewEvent, NewGeneration, Recipients, StoreError};
use handoff_model::actor::Actor;
use handoff_model::effects::{Effects, TimerRequest, Trace};
use handoff_model::failure::Failure;
use handoff_model::installation::Installation;
use handoff_model::names::RooftopName;
use handoff_model::time::Timestamp;

fn at(rooftop: &str) -> RooftopName {
    rooftop.parse().unwrap()
}

fn install(store: &Bench, name: &str, rooftop: &str, accepts: &[&str]) -> Arc<Installation> {
    run(store.put_generation(NewGeneration { scope: at(rooftop).into(), ..generation(name, accepts, None) })).unwrap()
}

fn append(store: &Bench, rooftop: &str, id: &str) -> Result<Appended, StoreError> {
    let new = NewEvent { event: event(id, None), to: Recipients::Rooftop(at(rooftop)) };
    run(store.append(vec![new], Timestamp(1), None)).map(|appended| appended[0])
}

/// Effects with an event and a timer of the type that both rooftops accept.
fn emits(id: &str) -> Effects {
    let mut effects = Effects { emitted: vec![event(id, None)], ..writes(&[("k", Some(b"1"))]) };
    effects.timers_set.insert("t".to_owned(), TimerRequest { at: Timestamp(5), event: event("timer", None) });
    effects
}

#[test]
fn events_emitted_events_and_timers_stay_at_their_rooftop() {
    let mut store = Bench::new(|_| ());
    let north = install(&store, "north-leads", "north", &["lead"]).id;
    let south = install(&store, "south-leads", "south", &["lead"]).id;
    assert!(matches!(append(&store, "north", "a").unwrap(), Appended::Accepted { routes: 1, .. }));
    assert!(matches!(append(&store, "east", "a").unwrap(), Appended::Accepted { routes: 0, .. }));
    store.commit_first(north, emits("emitted"));
    run(store.fire_timers(Timestamp(10))).unwrap();
    assert_eq!(store.counts(north).waiting, 2, "the emitted event and the timer");
    let (attempt, failure) = (store.attempt(north, store.first(north)), Failure::reject("no", "never"));
    let position = attempt.position;
    run(store.fail(attempt, store.snapshot(), failure, FailureAction::DeadLetter, Trace::default())).unwrap();
    store.kill();
    let letters = DeadLetterIds(vec![(north, position)]);
    run(store.redrive(letters, Actor::user("ann"), "again".to_owned(), Timestamp(11))).unwrap();

    assert_eq!((store.counts(north).waiting, store.counts(south).waiting), (2, 0));
    assert_eq!(store.state_get(south, "k").unwrap(), None);
    let of = |rooftop: &str| EventFilter { scope: Some(at(rooftop).into()), ..EventFilter::default() };
    let events = |rooftop: &str| store.events(None, 100, &of(rooftop)).unwrap();
    let all = events("north");
    assert_eq!(all.len(), 4, "from outside, emitted, timer, redriven");
    assert!(all.iter().all(|event| event.scope == at("north").into() && event.routed_to == [north]));
    assert_eq!((events("south").len(), events("east").len()), (0, 1));
}

#[test]
fn the_same_source_and_id_at_two_rooftops_are_two_events() {
    let mut store = Bench::new(|_| ());
    install(&store, "north-leads", "north", &["lead"]);
    install(&store, "south-leads", "south", &["lead"]);
    let Appended::Accepted { position: first, .. } = append(&store, "north", "a").unwrap() else { panic!("new") };
    let Appended::Accepted { position: second, .. } = append(&store, "south", "a").unwrap() else { panic!("new") };
    store.kill();
    assert_eq!(append(&store, "north", "a").unwrap(), Appended::Duplicate { position: first });
    assert_eq!(append(&store, "south", "a").unwrap(), Appended::Duplicate { position: second });
    assert_eq!(store.position_of(&at("south").into(), "/outside", "a").unwrap(), Some(second));
    assert_eq!(store.position_of(&at("east").into(), "/outside", "a").unwrap(), None);
}

#[test]
fn a_full_rooftop_leaves_room_for_the_others() {
    let store = Bench::new(|options| options.scope_queue_entries_max = 2);
    let north = install(&store, "north-leads", "north", &["lead"]).id;
    install(&store, "south-leads", "south", &["lead"]);
    for id in ["a", "b"] {
        append(&store, "north", id).unwrap();
    }
    let full = append(&store, "north", "c");
    let is_full =
        matches!(&full, Err(StoreError::QueuesFull { scope, waiting: 2, most: 2 }) if *scope == at("north").into());
    assert!(is_full, "{full:?}");
    let to_one = NewEvent { event: event("d", None), to: Recipients::Installation(north) };
    assert!(matches!(run(store.append(vec![to_one], Timestamp(1), None)), Err(StoreError::QueuesFull { .. })));
    assert!(append(&store, "south", "c").is_ok() && append(&store, "south", "d").is_ok());
    store.commit_first(north, Effects::default());
    assert!(append(&store, "north", "c").is_ok());
}

#[test]
fn a_generation_cannot_move_to_another_rooftop() {
    let store = Bench::new(|_| ());
    let first = install(&store, "leads", "north", &["lead"]).active.generation;
    let moved = NewGeneration { scope: at("south").into(), ..generation("leads", &["lead"], Some(first)) };
    let refused = run(store.put_generation(moved)).unwrap_err();
    assert!(matches!(&refused, StoreError::OtherScope { scope, .. } if *scope == at("north").into()), "{refused}");
    assert_eq!(store.installation(&"leads".parse().unwrap()).unwrap().active.generation, first);
}
