//! Timers that are due at the same time: all of them fire, and those of a rollback hold up no others.

use handoff_model::effects::{Effects, TimerRequest};
use handoff_model::names::InstallationId;
use handoff_model::time::Timestamp;

use super::rollback::installed;
use super::support::{Bench, event, run, writes};

/// The effects that set timers, due one after another from a time on.
fn timers(name: &str, count: u64, from: u64) -> Effects {
    let timer = |number| {
        let event = event(&format!("{name}-{number}"), None);
        (format!("{name}-{number}"), TimerRequest { at: Timestamp(from + number), event })
    };
    Effects { timers_set: (0..count).map(timer).collect(), ..Effects::default() }
}

/// Fires until nothing more is due, and returns when the next timer is.
fn fire_all(store: &Bench, now: u64) -> Option<u64> {
    loop {
        match run(store.fire_timers(Timestamp(now))).unwrap() {
            Some(Timestamp(next)) if next == now => {}
            next => return next.map(|next| next.0),
        }
    }
}

fn standing(store: &Bench, id: InstallationId) -> (u64, u64) {
    let counts = store.counts(id);
    (counts.waiting, counts.timers)
}

#[test]
fn more_timers_than_one_request_fires_all_fire_once() {
    let (store, id) = installed();
    store.write(id, "a", timers("timer", 450, 1_000));
    assert_eq!(fire_all(&store, 1_199), Some(1_200));
    assert_eq!(standing(&store, id), (200, 250));
    assert_eq!((fire_all(&store, 2_000), standing(&store, id)), (None, (450, 0)));
    let all = store.ready(id, None, 1_000).unwrap();
    let fired = |entry| store.claim(id, entry).unwrap().unwrap().event.id;
    let expected: Vec<String> = (0..450).map(|number| format!("timer-{number}")).collect();
    assert_eq!(all.into_iter().map(fired).collect::<Vec<_>>(), expected, "in the order in which they were due");
}

#[test]
fn timers_that_wait_for_a_rollback_hold_up_no_others() {
    let (mut store, id) = installed();
    store.write(id, "good", timers("held", 250, 1_000));
    store.upgrade();
    for number in 0..200 {
        store.write(id, &format!("bad-{number}"), writes(&[(&format!("k-{number}"), Some(b"bad"))]));
    }
    let other = store.install("other", &["lead"]).id;
    store.add("for both", None);
    store.commit_first(other, timers("free", 3, 1_500));
    store.leave(1, true, false).unwrap();
    assert!(store.rollback_job(id).unwrap().holds_timers());
    assert_eq!(fire_all(&store, 2_000), None);
    assert_eq!((standing(&store, other), standing(&store, id).1), ((3, 0), 250));
    store.carry_out(id, false);
    assert_eq!((fire_all(&store, 2_000), standing(&store, id)), (None, (251, 0)));
}
