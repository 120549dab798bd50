//! A rewritten index: it holds the same rows, readers notice nothing, and an unfinished one does not count.

use std::fs;

use super::support::{Bench, run};
use handoff_model::effects::Effects;
use handoff_model::names::InstallationId;

const KEYS: usize = 300;

fn bloated() -> (Bench, InstallationId) {
    let store = Bench::new(|options| options.index_rewrite_bytes = 0);
    let id = store.install("leads", &["lead"]).id;
    for round in 0..3 {
        write(&store, id, round);
    }
    (store, id)
}

/// Gives every key a value of this round.
fn write(store: &Bench, id: InstallationId, round: usize) {
    store.add(&format!("round-{round}"), None);
    let state_writes = (0..KEYS).map(|key| (format!("key-{key:03}"), Some(vec![round as u8; 900]))).collect();
    store.commit_first(id, Effects { state_writes, ..Effects::default() });
}

fn assert_round(store: &Bench, id: InstallationId, round: usize) {
    let state = store.state_scan(id, "", None, KEYS + 1).unwrap();
    assert_eq!(state.len(), KEYS);
    assert!(state.iter().all(|(_, value)| value == &vec![round as u8; 900]), "all of round {round}");
}

fn indexes(store: &Bench) -> Vec<String> {
    let names = fs::read_dir(store.dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.starts_with("index")).collect();
    names.sort();
    names
}

#[test]
fn a_rewritten_index_has_the_same_rows_and_replaces_the_old_one() {
    let (mut store, id) = bloated();
    for round in 3..7 {
        write(&store, id, round);
        run(store.checkpoint()).unwrap();
        assert_round(&store, id, round);
        let found = indexes(&store);
        assert!(found.len() == 1 && found[0] != "index", "the old one is gone, the new one is in use: {found:?}");
        if round.is_multiple_of(2) {
            store.kill();
        } else {
            store.close();
            store.reopen().unwrap();
        }
        assert_round(&store, id, round);
        assert!(!indexes(&store).contains(&"index.broken".to_owned()));
    }
}

#[test]
fn readers_find_every_row_while_the_index_is_rewritten() {
    let (store, id) = bloated();
    run(store.checkpoint()).unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                assert_round(&store, id, 2);
                assert!(store.state_get(id, "key-150").unwrap().is_some());
            }
        });
        for _ in 0..10 {
            run(store.checkpoint()).unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn an_index_that_was_not_finished_does_not_count() {
    let (mut store, id) = bloated();
    store.close();
    let unfinished = store.dir.path().join("index.900");
    super::support::copy_folder(&store.dir.path().join(&indexes(&store)[0]), &unfinished);
    fs::remove_file(unfinished.join("size-when-new")).unwrap();
    store.reopen().unwrap();
    assert!(!unfinished.exists());
    assert_round(&store, id, 2);
}
