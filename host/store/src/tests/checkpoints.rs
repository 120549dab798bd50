//! Checkpoints and batches: when the committer writes, and who waits for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;

use handoff_storage_shim::Watch;

use crate::apply::Sink as _;
use crate::checkpoint::Checkpoints;
use crate::keys;
use crate::{Leave, NewEvent, Recipients, Store, StoreOptions};
use handoff_model::installation::GenerationReason;
use handoff_model::names::Generation;
use handoff_model::time::Timestamp;

use super::power::folder;
use super::support::{Bench, event, generation, rooftop, run};

#[test]
fn a_checkpoint_begins_once_the_buffer_exceeds_its_limit() {
    let store = Bench::new(|options| options.buffer_bytes = 2_000);
    store.install("leads", &["lead"]);
    for number in 0..200 {
        store.add(&format!("event-{number}"), None);
    }
    store.when_at_rest();
    let buffered = store.shared.view.buffered_bytes();
    assert!(buffered < 10_000, "{buffered} bytes wait for a checkpoint");
}

#[test]
fn commits_wait_for_a_checkpoint_only_if_the_buffer_is_far_too_large() {
    let dir = tempfile::tempdir().unwrap();
    let options = StoreOptions { buffer_bytes: 1_000, ..StoreOptions::in_small_steps(dir.path()) };
    let (store, _committer) = Store::open_by_hand(options).unwrap();
    let (shared, end) = (&store.shared, *store.shared.durable.lock());
    let fill = |key: &str| shared.view.write(false, |sink| sink.put(keys::meta(key), vec![0; 1_900]));
    let mut checkpoints = Checkpoints::default();
    let (may_end, held) = channel::<()>();
    checkpoints.start_and_then(shared, end, move |_| assert!(held.recv().is_err(), "nothing is sent"));
    fill("a");
    // Would never return if it waited.
    checkpoints.continue_if_needed(shared, end).unwrap();
    fill("b");
    fill("c");
    let is_allowed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            is_allowed.store(true, Ordering::SeqCst);
            drop(may_end);
        });
        checkpoints.continue_if_needed(shared, end).unwrap();
        assert!(is_allowed.load(Ordering::SeqCst), "it did not wait for the end");
    });
    checkpoints.join().unwrap();
}

/// Appends an event and, while its sync is held back, more events, and perhaps asks for a rollback. Returns the number of
/// syncs.
fn syncs_of(appends: u64, with_rollback: bool) -> u64 {
    let dir = folder();
    let (watch, _) = Watch::new(dir.path()).unwrap();
    let store = Bench::open_in(dir, |_| ()).unwrap();
    store.install("leads", &["lead"]);
    store.install("leads", &["lead"]);
    let before = store.journal_volume().syncs;
    let gate = watch.hold_syncs();
    let other = Store::clone(&store);
    let append = |number: u64| {
        let store = other.clone();
        let new = NewEvent { event: event(&format!("event-{number}"), None), to: Recipients::Rooftop(rooftop()) };
        async move { store.append(vec![new], Timestamp(1), None).await.map(drop) }
    };
    let mut back = generation("leads", &["lead"], Some(Generation(2)));
    back.reason = GenerationReason::Rollback { restores: Generation(1) };
    back.leave = Some(Leave { to_end_of: Generation(1), restore_state: false, replay: false, unless_paused: false });
    run(async {
        let mut asked = vec![tokio::spawn(append(0))];
        tokio::task::yield_now().await;
        gate.wait_for_sync();
        asked.extend((1..=appends).map(|number| tokio::spawn(append(number))));
        if with_rollback {
            let store = other.clone();
            asked.push(tokio::spawn(async move { store.put_generation(back).await.map(drop) }));
        }
        let queue = &other.requests.all;
        let wanted = asked.len() - 1;
        while queue.max_capacity() - queue.capacity() < wanted {
            tokio::task::yield_now().await;
        }
        drop(gate);
        for answer in asked {
            answer.await.unwrap().unwrap();
        }
    });
    store.journal_volume().syncs - before
}

#[test]
fn requests_that_wait_share_a_sync_and_an_urgent_one_waits_for_no_more() {
    assert_eq!(syncs_of(20, false), 2, "that of the first, and one for all others");
    assert_eq!(syncs_of(20, true), 3, "the batch of a rollback ends with it");
}
