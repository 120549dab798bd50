//! Undo: how much of it is kept, and how much of it one step of a rollback restores.

use crate::keys::table;
use crate::{Step, UndoReach};
use handoff_model::effects::{Effects, TimerRequest};
use handoff_model::names::{Generation, InstallationId};
use handoff_model::time::Timestamp;

use super::support::{Bench, event, run, writes};

/// Keys with long names, all with the same value.
fn many(count: usize, value: Option<&[u8]>) -> Effects {
    let key = |number| format!("{number:0>100}");
    let state_writes = (0..count).map(|number| (key(number), value.map(<[u8]>::to_vec))).collect();
    Effects { state_writes, ..Effects::default() }
}

fn timers(names: &[&str], at: u64) -> Effects {
    let timer = |name: &&str| (name.to_string(), TimerRequest { at: Timestamp(at), event: event(name, None) });
    Effects { timers_set: names.iter().map(timer).collect(), ..Effects::default() }
}

fn bench(change: impl FnOnce(&mut crate::StoreOptions)) -> (Bench, InstallationId) {
    let store = Bench::new(change);
    let id = store.install("leads", &["lead"]).id;
    (store, id)
}

#[test]
fn a_restore_of_much_state_is_one_small_write_and_lets_others_through() {
    // The keys that one bad delivery changes, their size before, and how many the first step may restore.
    let mut sizes = Vec::new();
    for (count, bytes, most) in [(1, None, 1), (6_000, None, 256), (300, Some(60_000), 192)] {
        let (mut store, id) = bench(|options| options.steps.restored_rows_max = 256);
        if let Some(bytes) = bytes {
            store.write(id, "good", many(count, Some(&vec![1; bytes])));
        }
        let good = store.state(id);
        store.upgrade();
        store.write(id, "bad", many(count, Some(b"bad")));
        let before = store.journal_volume().bytes;
        store.leave(1, true, false).unwrap();
        sizes.push(store.journal_volume().bytes - before);
        assert!(store.state(id) == good, "{count} keys of {bytes:?} bytes are read as they were");
        let first = loop {
            let job = run(store.continue_rollback(id, Timestamp(50))).unwrap();
            if job.keys_restored > 0 {
                break job;
            }
        };
        assert_eq!(first.step, if count == 1 { Step::Done } else { Step::Restore });
        assert!((1..=most).contains(&first.keys_restored), "{count} keys of {bytes:?} bytes: {first:?}");
        let done = store.carry_out(id, false);
        assert_eq!(done.keys_restored, u64::try_from(count).unwrap());
        assert!(store.state(id) == good, "{count} keys of {bytes:?} bytes are what they were");
    }
    assert!(sizes.iter().all(|bytes| bytes.abs_diff(sizes[0]) < 64), "the size does not depend on the keys: {sizes:?}");
}

#[test]
fn state_is_read_through_the_undo_until_it_is_restored() {
    let (mut store, id) = bench(|_| ());
    let key = |number: usize| format!("k-{number:02}");
    let own: Vec<String> = (0..40).map(key).collect();
    let set = |value: &'static [u8], which: fn(usize) -> bool| -> Vec<(&str, Option<&'static [u8]>)> {
        own.iter()
            .enumerate()
            .filter(|(number, _)| which(*number))
            .map(|(_, key)| (key.as_str(), Some(value)))
            .collect()
    };
    store.write(id, "good", writes(&set(b"good", |number| number < 20)));
    let mut expected = store.state(id);
    store.upgrade();
    store.write(id, "bad", writes(&set(b"bad", |number| number % 2 == 0)));
    store.write(id, "worse", writes(&[("k-01", None), ("k-02", None)]));
    store.upgrade();
    store.write(id, "worst", writes(&set(b"worst", |number| number % 3 == 0)));
    store.leave(1, true, false).unwrap();
    // The restored version changes one key that is restored and one that was never touched, and removes one.
    store.write(id, "new", writes(&[("k-06", Some(b"new")), ("k-05", Some(b"new")), ("k-09", None)]));
    expected.retain(|(key, _)| key != "k-09");
    for (key, value) in &mut expected {
        if key == "k-05" || key == "k-06" {
            *value = b"new".to_vec();
        }
    }
    // Before and after each step, and as a new process sees it.
    loop {
        assert_eq!(store.state(id), expected);
        for (number, key) in own.iter().enumerate() {
            let value = expected.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
            assert_eq!(store.state_get(id, key).unwrap(), value, "{key}");
            let rest = store.state_scan(id, "k-", Some(key), 3).unwrap();
            let after = expected.iter().filter(|(name, _)| name > key).take(3).cloned().collect::<Vec<_>>();
            assert_eq!(rest, after, "three keys after number {number}");
        }
        store.kill();
        if run(store.continue_rollback(id, Timestamp(50))).unwrap().is_done() {
            break;
        }
    }
    assert_eq!(store.state(id), expected);
}

#[test]
fn what_a_restored_version_writes_stays_even_if_its_undo_is_given_up() {
    let (mut store, id) = bench(|options| options.undo_bytes_max = 2 * (3 + 100 + 16));
    store.write(id, "good", writes(&[("k-0", Some(&[1; 100])), ("k-1", Some(&[1; 100]))]));
    store.upgrade();
    store.write(id, "bad", writes(&[("k-0", Some(&[2; 100])), ("k-1", Some(&[2; 100]))]));
    store.leave(1, true, false).unwrap();
    let more = ["k-2", "k-3", "k-4", "k-5", "k-6", "k-7", "k-8"].map(|key| (key, Some(&b"new"[..])));
    store.write(id, "new", writes(&[("k-0", Some(b"new"))]));
    store.write(id, "more", writes(&more));
    assert_eq!(store.undo_reach(id, Generation(2)).unwrap(), UndoReach::Gone { oldest: Generation(3) });
    let expected = store.state(id);
    run(store.drop_undo(Timestamp(u64::MAX))).unwrap();
    assert_eq!(store.state(id), expected, "undo that is read through stays");
    store.write(id, "again", writes(&[("k-1", Some(b"new"))]));
    store.carry_out(id, true);
    let value = |key: &str| store.state_get(id, key).unwrap();
    assert_eq!((value("k-0"), value("k-1")), (Some(b"new".to_vec()), Some(b"new".to_vec())));
    assert_eq!(expected.len(), 9);
    run(store.drop_undo(Timestamp(u64::MAX))).unwrap();
    assert_eq!(store.rows(table::UNDO, id), 0);
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

#[test]
fn what_the_restored_version_changes_at_once_counts_as_restored() {
    let (mut store, id) = bench(|_| ());
    store.write(id, "good", writes(&[("same", Some(b"1"))]));
    store.upgrade();
    store.write(id, "bad", writes(&[("k-0", Some(b"bad")), ("k-1", Some(b"bad")), ("same", Some(b"1"))]));
    store.write(id, "bad-timers", timers(&["t-0", "t-1"], 500));
    store.leave(1, true, false).unwrap();
    store.write(id, "new", writes(&[("k-0", Some(b"new")), ("same", Some(b"2"))]));
    store.write(id, "new-timer", timers(&["t-0"], 600));
    let done = store.carry_out(id, true);
    assert_eq!((done.keys_restored, done.timers_restored), (2, 2));
    assert_eq!(store.rows(table::TIMER, id), 1, "the one that the restored version set");
}
