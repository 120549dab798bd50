//! Restarts: replay over an index of any later time, lost indexes, retention.

use std::collections::BTreeMap;
use std::fs;

use crate::index::{Index, open_seal};
use crate::{FailureAction, StoreError, checkpoint};
use handoff_model::effects::{Effects, TimerRequest};
use handoff_model::time::Timestamp;

use super::support::{Bench, event, request, run, writes};

fn rows(index: &Index) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut rows = BTreeMap::new();
    index
        .each(|key, value| {
            rows.insert(key.to_vec(), value.to_vec());
            Ok::<(), StoreError>(())
        })
        .unwrap();
    rows
}

/// One round of every effect that a delivery can have.
fn work(store: &Bench, round: u8) {
    let id = store.install("leads", &["lead"]).id;
    for (number, key) in [(0, Some("k")), (1, Some("k")), (2, None), (3, None), (4, None)] {
        store.add(&format!("{round}-{number}"), key);
    }
    let timer = TimerRequest { at: Timestamp(100 + u64::from(round)), event: event(&format!("timer-{round}"), None) };
    let effects = Effects {
        timers_set: [("reminder".to_owned(), timer)].into(),
        outbox: vec![request(&format!("request-{round}"))],
        timers_cancelled: if round.is_multiple_of(2) { vec!["reminder".to_owned()] } else { Vec::new() },
        emitted: vec![event(&format!("emitted-{round}"), Some("k"))],
        ..writes(&[
            ("large", Some(&vec![round; 4_000 + usize::from(round)])),
            ("gone", round.is_multiple_of(2).then_some(b"x")),
        ])
    };
    store.commit_first(id, effects);
    store.fail_first(id, FailureAction::DeadLetter);
    store.fail_first(id, FailureAction::Retry { due: Timestamp(50) });
    run(store.fire_timers(Timestamp(99 + u64::from(round)))).unwrap();
}

#[test]
fn replaying_any_suffix_of_the_journal_over_a_later_index_is_idempotent() {
    let mut store = Bench::new(|_| ());
    let (mut checkpoints, mut indexes) = (Vec::new(), Vec::new());
    for round in 0..4 {
        work(&store, round);
        run(store.checkpoint()).unwrap();
        checkpoints.push(store.shared.view.index().get(&checkpoint::key()).unwrap().unwrap());
        indexes.push(store.copy());
    }
    store.close();
    let path = |dir: &std::path::Path| dir.join("index");
    let expected =
        rows(&Index::open(&path(store.dir.path()), 1 << 20, crate::options::Steps::small().index_watch).unwrap());
    assert!(expected.len() > 40);
    let pairs = (0..4).flat_map(|older| (older..4).map(move |newer| (older, newer)));
    for (older, newer) in pairs {
        // The result of a kill during a checkpoint: later rows, an older checkpoint, and a journal that continues after
        // both.
        let copy = tempfile::tempdir().unwrap();
        super::support::copy_folder(&store.dir.path().join("journal"), &copy.path().join("journal"));
        super::support::copy_folder(&path(indexes[newer].path()), &path(copy.path()));
        let index = Index::open(&path(copy.path()), 1 << 20, crate::options::Steps::small().index_watch).unwrap();
        index.checkpoint(&crate::buffer::Layer::new(), (checkpoint::key(), checkpoints[older].clone())).unwrap();
        drop(index);
        let mut options = store.options.clone();
        options.dir = copy.path().to_path_buf();
        // With and without checkpoints during replay.
        options.buffer_bytes = if newer.is_multiple_of(2) { 2_000 } else { 1 << 20 };
        crate::Store::open(options).unwrap().close();
        let found =
            rows(&Index::open(&path(copy.path()), 1 << 20, crate::options::Steps::small().index_watch).unwrap());
        assert!(found == expected, "replayed from checkpoint {older} over the index of {newer}");
    }
}

#[test]
fn an_index_that_does_not_open_is_rebuilt_from_export_and_journal() {
    let mut store = Bench::new(|options| options.segment_bytes = 2_000);
    for round in 0..6 {
        work(&store, round);
    }
    let id = store.install("leads", &["lead"]).id;
    let done = run(store.retain(Timestamp(0), 1)).unwrap();
    assert!(done.segments > 0 && done.carried > 0 && done.forgotten > 0, "{done:?}");
    work(&store, 6);
    let before = (store.counts(id), store.ready_positions(id), store.state_scan(id, "", None, 100).unwrap());
    store.close();

    let index = store.options.dir.join("index");
    fs::write(index.join("conf"), b"this is no sled configuration").unwrap();
    store.reopen().unwrap();
    assert!(store.options.dir.join("index.broken").exists(), "what was there is kept for a look");
    let after = (store.counts(id), store.ready_positions(id), store.state_scan(id, "", None, 100).unwrap());
    assert_eq!(before, after);
    for entry in store.ready(id, None, 100).unwrap() {
        assert!(store.claim(id, entry).unwrap().is_some(), "{entry:?} can be delivered");
    }
    store.close();

    fs::remove_dir_all(&index).unwrap();
    fs::remove_file(store.options.dir.join("export")).unwrap();
    assert!(store.reopen().is_err(), "the rest of the journal is not taken for all of it");
}

#[test]
fn a_sound_index_is_used_as_it_is_after_an_orderly_end_and_after_a_kill() {
    let mut store = Bench::new(|options| options.buffer_bytes = 3_000);
    for round in 0..12 {
        work(&store, round);
        if round.is_multiple_of(2) {
            store.kill();
        } else {
            store.close();
            store.reopen().unwrap();
        }
        assert!(!store.options.dir.join("index.broken").exists(), "round {round}: made again without need");
    }
}

#[test]
fn an_index_that_was_open_when_its_process_died_is_soon_sealed_again() {
    let mut store = Bench::new(|_| ());
    work(&store, 0);
    store.close();
    open_seal(&store.options.dir.join("index")).unwrap();
    store.reopen().unwrap();
    assert!(!store.shared.view.index().is_sealed(), "reading it may write");
    // The first batch starts a checkpoint, after its answer and before the next batch.
    store.add("first", None);
    store.add("second", None);
    store.when_at_rest();
    assert!(store.shared.view.index().is_sealed(), "its checkpoint begins with the next batch");
}

#[test]
fn what_waits_is_carried_forward_as_often_as_its_segment_goes() {
    let mut store = Bench::new(|options| options.segment_bytes = 2_000);
    let id = store.install("leads", &["lead"]).id;
    let places: Vec<u64> = (0..30).map(|number| store.add(&format!("event-{number}"), None).0).collect();
    for round in 0..12 {
        run(store.retain(Timestamp(0), 1)).unwrap();
        store.add(&format!("filler-{round}"), None);
        let last = *store.ready(id, None, 100).unwrap().last().unwrap();
        run(store.commit(store.attempt(id, last), store.snapshot(), Effects::default(), Default::default())).unwrap();
    }
    store.kill();
    assert_eq!(store.ready_positions(id), places);
    for entry in store.ready(id, None, 100).unwrap() {
        let claim = store.claim(id, entry).unwrap().unwrap();
        assert_eq!(claim.event.data, format!("data of {}", claim.event.id).into_bytes());
    }
}

#[test]
fn a_failed_checkpoint_is_not_taken_for_done_by_the_next() {
    let store = Bench::new(|_| ());
    let id = store.install("leads", &["lead"]).id;
    store.add("a", None);
    // The state after a checkpoint that sled refused.
    assert!(store.shared.view.freeze().is_some());
    assert!(run(store.checkpoint()).is_err());
    assert!(run(store.retain(Timestamp(u64::MAX), 0)).is_ok_and(|done| done.segments == 0));
    assert_eq!(store.ready_positions(id).len(), 1);
}

#[test]
fn timers_with_more_data_than_a_frame_holds_all_fire_once() {
    let store = Bench::new(|_| ());
    let id = store.install("leads", &["lead"]).id;
    for number in 0..20 {
        store.add(&format!("event-{number}"), None);
        let timers = (0..4).map(|timer| {
            let mut event = event(&format!("timer-{number}-{timer}"), None);
            event.data = vec![1; 1 << 20];
            (format!("{number}-{timer}"), TimerRequest { at: Timestamp(50), event })
        });
        store.commit_first(id, Effects { timers_set: timers.collect(), ..Effects::default() });
    }
    let mut rounds = 0;
    while let Some(next) = run(store.fire_timers(Timestamp(60))).unwrap() {
        assert_eq!(next, Timestamp(60), "more at once");
        rounds += 1;
    }
    assert!((1..20).contains(&rounds), "{rounds}");
    assert_eq!((store.counts(id).waiting, store.counts(id).timers), (80, 0));
}
