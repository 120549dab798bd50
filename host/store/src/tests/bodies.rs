//! Large values: bodies of events in files, state in pieces.

use std::fs;

use crate::index::Index;
use crate::{StoreError, bodies, checkpoint, keys};
use handoff_model::effects::Effects;
use handoff_model::names::{InstallationId, Position};

use super::support::{Bench, event, rooftop, run, scope, writes};

fn large(store: &Bench, id: &str) -> Position {
    let mut event = event(id, None);
    event.data = vec![7; 5_000];
    match store.append_one(event) {
        crate::Appended::Accepted { position, .. } => position,
        other => panic!("{other:?}"),
    }
}

fn body_file(store: &Bench) -> std::path::PathBuf {
    let mut files = fs::read_dir(store.options.dir.join("bodies")).unwrap();
    files.next().unwrap().unwrap().path()
}

#[test]
fn a_large_body_survives_and_a_damaged_one_is_reported_until_replaced() {
    let mut store = Bench::new(|options| options.inline_body_bytes = 1_000);
    let id = store.install("leads", &["lead"]).id;
    let place = large(&store, "a");
    store.kill();
    assert_eq!(store.claim(id, store.first(id)).unwrap().unwrap().event.data, vec![7; 5_000]);
    assert_eq!(store.event_head(place).unwrap().unwrap().data_bytes, 5_000);

    let file = body_file(&store);
    fs::write(&file, vec![8; 5_000]).unwrap();
    let damaged = store.claim(id, store.first(id));
    assert!(matches!(&damaged, Err(StoreError::Body(path)) if *path == file.display().to_string()), "{damaged:?}");
    assert!(store.event_head(place).unwrap().is_some(), "what is not damaged can be looked at");

    large(&store, "b");
    assert_eq!(store.event(place).unwrap().unwrap().event.data, vec![7; 5_000], "the same body again makes it good");
}

#[test]
fn a_body_that_is_swept_while_its_event_comes_in_refuses_the_event() {
    let store = Bench::new(|options| options.inline_body_bytes = 1_000);
    store.install("leads", &["lead"]);
    let mut late = event("late", None);
    late.data = vec![7; 5_000];
    let new = crate::NewEvent { event: late, to: crate::Recipients::Rooftop(rooftop()) };
    let prepared = bodies::prepare(store.shared.journal.as_ref(), 1_000, new).unwrap();
    fs::remove_file(body_file(&store)).unwrap();
    let appended = run(store.ask(|reply| crate::Request::Append {
        events: vec![prepared],
        received_at: handoff_model::time::Timestamp(1),
        tick: None,
        audit: None,
        reply,
    }));
    assert!(matches!(appended, Err(StoreError::Body(_))), "it must not be acknowledged");
    assert_eq!(store.position_of(&scope(), "/outside", "late").unwrap(), None);
}

#[test]
fn a_large_state_value_is_whole_after_every_change_of_its_size() {
    let mut store = Bench::new(|_| ());
    let id = store.install("leads", &["lead"]).id;
    let sizes = [Some(10_000), Some(64 << 10), Some(3_073), Some(10), Some(9_000), None, Some(9_001)];
    for (round, size) in (0_u8..).zip(sizes) {
        let value = size.map(|size: usize| vec![round; size]);
        store.add(&format!("event-{round}"), None);
        store.commit_first(id, writes(&[("k", value.as_deref()), ("k2", Some(b"beside"))]));
        run(store.checkpoint()).unwrap();
        assert_eq!(store.state_get(id, "k").unwrap(), value, "{size:?} from the index");
        if round % 3 == 0 {
            store.kill();
            assert_eq!(store.state_get(id, "k").unwrap(), value, "{size:?} after a kill");
        }
        assert_eq!(store.state_scan(id, "k", None, 9).unwrap().len(), 1 + usize::from(value.is_some()));
    }
}

#[test]
fn no_reader_sees_a_large_value_missing_or_mixed_while_it_is_rewritten() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), 1 << 20, crate::options::Steps::small().index_watch).unwrap();
    let key = keys::state(InstallationId(1), "k");
    let layer = |fill: u8| crate::buffer::Layer::from([(key.clone(), Some(vec![fill; 20_000]))]);
    index.write(&layer(0)).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| (1..=150_u8).for_each(|fill| index.write(&layer(fill)).unwrap()));
        let mut last = 0;
        while !writer.is_finished() {
            let value = index.get(&key).unwrap().expect("never gone");
            assert!(value.len() == 20_000 && value.iter().all(|byte| *byte == value[0]) && value[0] >= last);
            last = value[0];
            let (rows, _) = index.range(&key, &std::ops::Bound::Unbounded, 10).unwrap();
            assert_eq!(rows.len(), 1);
        }
        writer.join().unwrap();
    });
}

#[test]
fn an_export_that_is_restored_only_in_part_counts_for_nothing() {
    let mut store = Bench::new(|options| options.segment_bytes = 1_000);
    let id = store.install("leads", &["lead"]).id;
    store.add("a", None);
    store.commit_first(id, writes(&[("k", Some(&[1; 5_000]))]));
    for number in 0..20 {
        store.add(&format!("event-{number}"), None);
        store.commit_first(id, Effects::default());
    }
    let done = run(store.retain(handoff_model::time::Timestamp(0), 1)).unwrap();
    assert!(done.segments > 0, "{done:?}");
    store.close();
    // What a process leaves if it dies during a restore: any part of the rows, but never the checkpoint.
    let index = store.options.dir.join("index");
    fs::remove_dir_all(&index).unwrap();
    let part = Index::open(&index, 1 << 20, crate::options::Steps::small().index_watch).unwrap();
    let stray = (keys::state(id, "stray"), Some(vec![1]));
    part.write(&crate::buffer::Layer::from([stray])).unwrap();
    assert!(part.get(&checkpoint::key()).unwrap().is_none());
    drop(part);
    store.reopen().unwrap();
    assert_eq!(store.state_get(id, "k").unwrap(), Some(vec![1; 5_000]), "restored again");
}
