//! Undo: how much of it is kept, and how much of it one step of a rollback restores.

use crate::keys::table;
use crate::{Step, UndoReach};
use handoff_model::effects::Effects;
use handoff_model::names::{Generation, InstallationId};

use super::support::{Bench, writes};

/// Keys with long names, all with the same value.
fn many(count: usize, value: Option<&[u8]>) -> Effects {
    let key = |number| format!("{number:0>100}");
    let state_writes = (0..count).map(|number| (key(number), value.map(<[u8]>::to_vec))).collect();
    Effects { state_writes, ..Effects::default() }
}

fn bench(change: impl FnOnce(&mut crate::StoreOptions)) -> (Bench, InstallationId) {
    let store = Bench::new(change);
    let id = store.install("leads", &["lead"]).id;
    (store, id)
}

#[test]
fn a_restore_of_much_state_lets_others_through_between_its_steps() {
    // The keys that one bad delivery changes, their size before, and how many the first step may restore.
    for (count, bytes, most) in [(6_000, None, 5_000), (300, Some(60_000), 150)] {
        let (mut store, id) = bench(|options| options.steps.restored_rows_max = 2_048);
        if let Some(bytes) = bytes {
            store.write(id, "good", many(count, Some(&vec![1; bytes])));
        }
        let good = store.state(id);
        store.upgrade();
        store.write(id, "bad", many(count, Some(b"bad")));
        store.leave(1, true, false).unwrap();
        let first = store.rollback_job(id).unwrap();
        assert_eq!(first.step, Step::Restore);
        assert!((1..=most).contains(&first.keys_restored), "{count} keys of {bytes:?} bytes: {first:?}");
        let done = store.carry_out(id, false);
        assert_eq!(done.keys_restored, u64::try_from(count).unwrap());
        assert!(store.state(id) == good, "{count} keys of {bytes:?} bytes are what they were");
    }
}

#[test]
fn undo_is_cut_into_rows_by_the_size_of_what_it_holds() {
    let (store, id) = bench(|_| ());
    store.write(id, "good", many(10, Some(&[1; 30_000])));
    store.upgrade();
    store.write(id, "bad", many(10, Some(b"bad")));
    assert_eq!(store.rows(table::UNDO, id), 4, "three values each make more than 64 KiB");
}

#[test]
fn undo_beyond_its_limit_is_given_up_for_good() {
    // What two keys of three bytes with values of 100 bytes take.
    let (store, id) = bench(|options| options.undo_bytes_max = 2 * (3 + 100 + 16));
    let keys = ["k-0", "k-1", "k-2", "k-3"];
    store.write(id, "good", writes(&keys.map(|key| (key, Some(&[1; 100][..])))));
    store.upgrade();
    let bad = |key| store.write(id, &format!("bad-{key}"), writes(&[(key, Some(b"bad"))]));
    bad("k-0");
    bad("k-1");
    assert_eq!(store.undo_reach(id, Generation(1)).unwrap(), UndoReach::Whole { keys: 2, timers: 0 });
    bad("k-2");
    assert_eq!(store.undo_reach(id, Generation(1)).unwrap(), UndoReach::Gone { oldest: Generation(2) });
    bad("k-3");
    assert_eq!(store.rows(table::UNDO, id), 2, "a small change afterwards would not bring it back");
}
