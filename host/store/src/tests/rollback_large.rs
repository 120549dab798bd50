//! Rollbacks with more to do than one step of their job takes: nothing is left out.

use crate::FailureAction;
use handoff_model::effects::Effects;
use handoff_model::names::Position;
use handoff_model::time::Timestamp;

use super::rollback::installed;
use super::support::request;

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
