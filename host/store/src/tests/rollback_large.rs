//! Rollbacks and commands with more to do than one step takes: nothing is left out.

use crate::{FailureAction, NewEvent, Ready, Recipients, Store};
use handoff_model::actor::Actor;
use handoff_model::effects::{Effects, Trace};
use handoff_model::failure::Failure;
use handoff_model::names::{InstallationId, Position};
use handoff_model::time::Timestamp;

use super::rollback::installed;
use super::support::{Bench, event, request, rooftop, run};

#[test]
fn a_rollback_holds_every_request_however_many_wait() {
    let (mut store, id) = installed();
    store.upgrade();
    let outbox = (0..600).map(|number| request(&format!("bad-{number}"))).collect();
    store.write(id, "bad", Effects { outbox, ..Effects::default() });
    store.leave(1, false, false).unwrap();
    assert_eq!(store.carry_out(id, false).requests_held, 600);
    assert_eq!(store.held(None, None, 1_000).unwrap().len(), 600);
    assert!(store.due_requests(Timestamp(u64::MAX), 1_000, |_, _| false).unwrap().0.is_empty(), "none is sent");
}

#[test]
fn a_rollback_redrives_every_dead_letter_in_order_however_many_there_are() {
    let (mut store, id) = installed();
    store.upgrade();
    let places: Vec<Position> = (0..250).map(|number| store.add(&format!("event-{number}"), Some("k"))).collect();
    for _ in &places {
        store.fail_first(id, FailureAction::DeadLetter);
    }
    store.leave(1, false, false).unwrap();
    assert_eq!(store.carry_out(id, false).dead_letters_redriven, 250);
    assert_eq!((store.counts(id).dead_letters, store.counts(id).waiting), (0, 250));
    for place in places {
        let first = store.claim(id, store.first(id)).unwrap().unwrap();
        assert_eq!(first.event.id, format!("event-{}", place.0 - 1), "in the order in which they came");
        store.commit_first(id, Effects::default());
    }
}

/// More events that wait for a retry than one step makes due.
const RETRIES: usize = 5_001;

fn wait_for_retries(store: &Bench, id: InstallationId) {
    let new = |number| NewEvent { event: event(&format!("{number}"), None), to: Recipients::Rooftop(rooftop()) };
    run(store.append((0..RETRIES).map(new).collect(), Timestamp(1), None)).unwrap();
    let retry = |entry: Ready| {
        let (store, attempt, snapshot) = (Store::clone(store), store.attempt(id, entry), store.snapshot());
        let then = FailureAction::Retry { due: Timestamp(9_000_000) };
        async move { store.fail(attempt, snapshot, Failure::retry("down", "no answer"), then, Trace::default()).await }
    };
    run(async {
        let entries = store.ready(id, None, 10_000).unwrap();
        // At the same time: they share syncs.
        for asked in entries.into_iter().map(|entry| tokio::spawn(retry(entry))).collect::<Vec<_>>() {
            asked.await.unwrap().unwrap();
        }
    });
    assert!(store.due_retries(id, Timestamp(50), 10_000).unwrap().0.is_empty());
}

#[test]
fn a_rollback_makes_every_retry_due_however_many_wait() {
    let (mut store, id) = installed();
    store.upgrade();
    wait_for_retries(&store, id);
    store.leave(1, false, false).unwrap();
    assert_eq!(store.carry_out(id, false).retries_made_due, 5_001);
    assert_eq!(store.due_retries(id, Timestamp(50), 10_000).unwrap().0.len(), RETRIES);
}

#[test]
fn a_person_makes_every_retry_due_however_many_wait() {
    let (store, id) = installed();
    wait_for_retries(&store, id);
    assert_eq!(run(store.retry_now(id, &Actor::user("ann"), "it works again", Timestamp(40))).unwrap(), RETRIES);
    assert_eq!(store.due_retries(id, Timestamp(50), 10_000).unwrap().0.len(), RETRIES);
}
