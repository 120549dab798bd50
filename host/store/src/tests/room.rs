//! A disk without room for a checkpoint: commits go on while the buffer can take them, then wait; nothing is lost.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::StoreError;
use handoff_model::names::Position;

use super::support::{Bench, event};

/// The bytes that the disk of the first test has free.
static FREE: AtomicU64 = AtomicU64::new(u64::MAX);

fn free(_: &Path) -> Option<u64> {
    Some(FREE.load(Ordering::SeqCst))
}

fn ids(store: &Bench, positions: &[Position]) -> Vec<String> {
    positions.iter().map(|position| store.event(*position).unwrap().unwrap().event.id).collect()
}

#[test]
fn without_room_for_a_checkpoint_commits_wait_and_reading_goes_on() {
    let mut store = Bench::new(|options| {
        options.buffer_bytes = 2_000;
        options.steps.free_bytes = free;
    });
    store.install("leads", &["lead"]);
    let first = store.add("first", None);
    FREE.store(0, Ordering::SeqCst);
    let added = std::thread::scope(|scope| {
        let adding = scope.spawn(|| (0..100).map(|number| store.add(&format!("event-{number}"), None)).collect());
        while store.blocked().is_none() {
            assert!(!adding.is_finished(), "the buffer took everything: nothing waited");
            std::thread::yield_now();
        }
        assert_eq!(ids(&store, &[first]), ["first"]);
        assert!(store.blocked().is_none_or(|why| why.contains("0 MB free")), "{:?}", store.blocked());
        assert_eq!(store.stopped(), None);
        FREE.store(u64::MAX, Ordering::SeqCst);
        let added: Vec<Position> = adding.join().unwrap();
        added
    });
    assert_eq!((store.blocked(), store.stopped()), (None, None));
    store.kill();
    let expected: Vec<String> = (0..100).map(|number| format!("event-{number}")).collect();
    assert_eq!(ids(&store, &added), expected);
}

#[test]
fn a_store_that_ended_without_room_continues_from_its_journal() {
    let mut store = Bench::new(|options| options.steps.free_bytes = |_| Some(1_000));
    store.install("leads", &["lead"]);
    let added: Vec<Position> = (0..5).map(|number| store.add(&format!("event-{number}"), None)).collect();
    let refused = super::support::run(store.checkpoint());
    assert!(matches!(refused, Err(StoreError::DiskFull { free: 1_000, .. })), "{refused:?}");
    assert_eq!(store.stopped(), None);
    store.close();
    store.reopen().unwrap();
    assert_eq!(ids(&store, &added).len(), 5);
    assert_eq!(store.append_one(event("event-0", None)), crate::Appended::Duplicate { position: added[0] });
}
