//! Rollbacks that follow a rollback: each goes further back, completes what the one before had begun, and repeats
//! nothing that it had done.

use crate::{NewGeneration, Step, StoreError};
use handoff_model::installation::{GenerationReason, Installation};
use handoff_model::names::{Generation, Position};

use super::rollback::installed;
use super::support::{Bench, generation, run, writes};

impl Bench {
    fn leads(&self) -> std::sync::Arc<Installation> {
        self.installation(&"leads".parse().unwrap()).unwrap()
    }

    /// Makes a generation with a version of its own, and returns the number of the generation to roll back to.
    fn put_version(&self, version: &str, reason: GenerationReason) -> Option<u64> {
        let mut new: NewGeneration = generation("leads", &["lead"], Some(self.leads().active.generation));
        (new.content.version, new.reason) = (version.parse().unwrap(), reason);
        run(self.put_generation(new)).unwrap().previous.as_ref().map(|previous| previous.generation.0)
    }
}

#[test]
fn a_second_rollback_goes_further_back() {
    let (store, _) = installed();
    let back = |restores| GenerationReason::Rollback { restores: Generation(restores) };
    assert_eq!(store.put_version("2.0.0", GenerationReason::Upgrade), Some(1));
    assert_eq!(store.put_version("3.0.0", GenerationReason::Upgrade), Some(2));
    assert_eq!(store.put_version("3.0.0", GenerationReason::Reconfigure), Some(2), "its content is not another's");
    assert_eq!(store.put_version("2.0.0", back(2)), Some(1), "not to the version that was just left");
    assert_eq!(store.put_version("6.0.0", GenerationReason::Upgrade), Some(5));
    assert_eq!(store.put_version("2.0.0", back(5)), Some(1), "generation 5 has the content of generation 2");
    assert_eq!(store.put_version("1.0.0", back(1)), None, "nothing is older");
}

#[test]
fn a_second_rollback_completes_the_restore_of_the_first() {
    let (mut store, id) = installed();
    store.write(id, "good", writes(&[("k-0", Some(b"good"))]));
    let good = store.state(id);
    store.upgrade();
    for number in 0..200 {
        store.write(id, &format!("bad-{number}"), writes(&[(&format!("k-{number}"), Some(b"bad"))]));
    }
    store.leave(1, true, false).unwrap();
    store.write(id, "new", writes(&[("k-1", Some(b"new"))]));
    // Whether it asks for a restore or not: without, what was committed meanwhile stays.
    store.leave(1, false, false).unwrap();
    assert!(!store.rollback_job(id).unwrap().restores);
    assert_eq!(store.state_get(id, "k-1").unwrap(), Some(b"new".to_vec()));
    assert_eq!(store.state(id).len(), good.len() + 1);
    store.leave(1, true, false).unwrap();
    assert_eq!(store.state(id), good);
    let done = store.carry_out(id, true);
    assert_eq!((store.state(id), done.events_replayed), (good, 0), "a replay was never asked for");
}

#[test]
fn a_second_rollback_completes_the_replay_of_the_first() {
    let (mut store, id) = installed();
    store.upgrade();
    let places: Vec<Position> = (0..5).map(|number| store.write(id, &format!("bad-{number}"), writes(&[]))).collect();
    store.leave(1, false, true).unwrap();
    // Whether it asks for a replay or not.
    for replay in [false, true] {
        assert_eq!(store.rollback_job(id).unwrap().step, Step::Replay, "one step does not requeue everything");
        store.leave(1, false, replay).unwrap();
    }
    store.carry_out(id, true);
    assert_eq!(store.ready_positions(id), places.iter().map(|place| place.0).collect::<Vec<_>>());
}

#[test]
fn nothing_is_delivered_while_it_is_not_known_what_is_replayed() {
    let (mut store, id) = installed();
    store.upgrade();
    store.write(id, "bad", writes(&[]));
    store.kill();
    assert!(!store.holds_all_deliveries(id));
    store.leave(1, false, true).unwrap();
    assert!(store.holds_all_deliveries(id), "the journal has to be read first");
    store.carry_out(id, false);
    assert!(!store.holds_all_deliveries(id));
}

#[test]
fn a_second_rollback_repeats_no_step_that_the_first_had_done() {
    let (mut store, id) = installed();
    store.upgrade();
    store.write(id, "a", writes(&[("k", Some(b"bad"))]));
    store.leave(1, true, true).unwrap();
    assert_eq!(store.rollback_job(id).unwrap().step, Step::Retry, "requeued in its own frame");
    store.commit_first(id, writes(&[("k", Some(b"good"))]));
    let now = store.state(id);
    store.leave(1, false, false).unwrap();
    let done = store.carry_out(id, true);
    assert_eq!((done.keys_restored, done.events_replayed), (0, 0));
    assert_eq!((store.state(id), store.ready_positions(id)), (now, Vec::new()));
}

#[test]
fn a_rollback_must_leave_something_and_as_much_as_an_unfinished_one() {
    let (mut store, id) = installed();
    store.upgrade();
    store.upgrade();
    for to_end_of in [3, 4] {
        assert!(matches!(store.leave(to_end_of, false, false), Err(StoreError::NothingToLeave { active: 3, .. })));
    }
    store.leave(2, false, false).unwrap();
    assert!(matches!(store.leave(3, false, false), Err(StoreError::RollbackUnderWay(_))), "generation 3 is being left");
    store.leave(2, false, false).unwrap();
    store.leave(1, false, false).unwrap();
    assert_eq!(store.carry_out(id, true).left, (Generation(2), Generation(5)));
}
