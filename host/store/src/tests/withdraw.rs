//! Emitted events of a rolled-back generation: withdrawn while nobody has handled them.

use crate::{DeadLetterIds, Leave, NewGeneration, Standing, WITHDRAWN};
use handoff_model::actor::Actor;
use handoff_model::effects::Effects;
use handoff_model::event::Event;
use handoff_model::installation::GenerationReason;
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::time::Timestamp;

use super::support::{Bench, event, generation, run, scope};

const FIRST: InstallationId = InstallationId(1);
const SECOND: InstallationId = InstallationId(2);

fn emitted(name: &str) -> Event {
    Event { type_name: "emitted".to_owned(), ..event(name, Some("k")) }
}

/// The first installation emits to the second.
fn bench() -> Bench {
    let store = Bench::new(|options| options.segment_bytes = 2_000);
    assert_eq!(store.install("first", &["lead"]).id, FIRST);
    assert_eq!(store.install("second", &["emitted"]).id, SECOND);
    store
}

/// Handles an event of the first installation, which emits another. Returns the position of that one.
fn emit(store: &Bench, name: &str) -> Position {
    store.add(&format!("cause-of-{name}"), None);
    store.commit_first(FIRST, Effects { emitted: vec![emitted(name)], ..Effects::default() });
    position(store, name)
}

fn position(store: &Bench, name: &str) -> Position {
    store.position_of(&scope(), "/outside", name).unwrap().expect("it is in the log")
}

fn roll_back(store: &Bench, name: &str, to: u64, replay: bool) -> u64 {
    let id = store.installation(&name.parse().unwrap()).unwrap();
    let restores = Generation(to);
    let leave = Leave { to_end_of: restores, restore_state: false, replay, unless_paused: false };
    let accepts = if name == "first" { "lead" } else { "emitted" };
    run(store.put_generation(NewGeneration {
        reason: GenerationReason::Rollback { restores },
        leave: Some(leave),
        ..generation(name, &[accepts], Some(id.active.generation))
    }))
    .unwrap();
    let mut job = store.rollback_job(id.id).unwrap();
    while !job.is_done() {
        job = run(store.continue_rollback(id.id, Timestamp(9))).unwrap();
    }
    job.events_withdrawn
}

fn standing(store: &Bench, position: Position) -> Standing {
    store.standings(position).unwrap()[0].standing
}

#[test]
fn emitted_events_that_wait_become_dead_letters_and_others_stay() {
    let mut store = bench();
    let good = emit(&store, "good");
    store.install("first", &["lead"]);
    let (handled, waits, later) = (emit(&store, "handled"), emit(&store, "waits"), emit(&store, "later"));
    // All have one key: the good one is handled first, then one of the bad ones.
    store.commit_first(SECOND, Effects::default());
    store.commit_first(SECOND, Effects::default());
    assert_eq!(roll_back(&store, "first", 1, false), 2);
    store.kill();
    let standings = [good, handled, waits, later].map(|position| standing(&store, position));
    assert_eq!(standings, [Standing::Committed, Standing::Committed, Standing::DeadLetter, Standing::DeadLetter]);
    let letters = store.dead_letters(Some(SECOND), None, 10).unwrap();
    assert!(letters.iter().all(|letter| letter.failure.code == WITHDRAWN));
    assert!(letters[0].failure.message.contains("`first` was rolled back after generation 2"), "{letters:?}");
    let counts = store.counts(SECOND);
    assert_eq!((counts.waiting, counts.dead_letters), (0, 2));
    // What the restored version emits is delivered, and a person may redrive what was withdrawn.
    let after = emit(&store, "after");
    assert_eq!(store.ready_positions(SECOND), [after.0]);
    store.commit_first(SECOND, Effects::default());
    let ids = DeadLetterIds(vec![(SECOND, waits)]);
    let again = run(store.redrive(ids, Actor::user("ann"), "it is right".into(), Timestamp(10))).unwrap();
    assert_eq!(store.ready_positions(SECOND), [again[0].0]);
    // A rollback of the recipient redrives only its own failures.
    store.install("second", &["emitted"]);
    roll_back(&store, "second", 1, false);
    assert_eq!(standing(&store, later), Standing::DeadLetter);
}

#[test]
fn with_a_replay_they_are_removed_and_emitted_again() {
    for kill in [false, true] {
        let mut store = bench();
        store.install("first", &["lead"]);
        let bad = emit(&store, "a");
        let handled = emit(&store, "b");
        // The queue's first entry goes to the second installation, the other one waits.
        store.commit_first(SECOND, Effects::default());
        assert_eq!(roll_back(&store, "first", 1, true), 1);
        if kill {
            store.kill();
        }
        assert_eq!((standing(&store, bad), standing(&store, handled)), (Standing::Committed, Standing::Discarded));
        assert_eq!((store.counts(SECOND).waiting, store.counts(SECOND).dead_letters), (0, 0));
        // The restored version handles both causes again: what was handled is not emitted again, the other one is.
        for name in ["a", "b"] {
            store.commit_first(FIRST, Effects { emitted: vec![emitted(name)], ..Effects::default() });
        }
        let again = position(&store, "b");
        assert!(again > handled && position(&store, "a") == bad);
        assert_eq!(store.ready_positions(SECOND), [again.0]);
        run(store.retain(Timestamp(0), 1)).unwrap();
        assert_eq!(position(&store, "b"), again, "the older one takes nothing with it");
    }
}

#[test]
fn the_next_entry_of_a_queue_follows_those_that_are_withdrawn() {
    let store = bench();
    store.install("first", &["lead"]);
    emit(&store, "bad");
    let outside = store.append_one(emitted("from-outside"));
    assert!(matches!(outside, crate::Appended::Accepted { routes: 1, .. }));
    assert_eq!(roll_back(&store, "first", 1, false), 1);
    assert_eq!(store.ready_positions(SECOND), [position(&store, "from-outside").0]);
}
