//! A store over each journal: acknowledged data exists exactly once, whatever the journal does.

use std::fs;
use std::sync::Arc;

use crate::journal::{Journal, MemoryJournal};
use crate::{Appended, NewEvent, Recipients, StoreError};
use handoff_model::effects::Effects;
use handoff_model::time::Timestamp;

use super::super::support::{Bench, event, request, rooftop, run, scope, writes};
use super::unreliable::Unreliable;
use super::{Subject, file, memory, unreliable};

fn over(journal: Arc<dyn Journal>) -> Bench {
    Bench::over(journal, |options| options.inline_body_bytes = 1_000)
}

/// Everything that a store reports about its history.
fn told(store: &Bench) -> String {
    let id = store.installation(&"leads".parse().unwrap()).unwrap().id;
    let events = store.events(None, 1_000, &crate::EventFilter::default()).unwrap();
    let mut events: Vec<_> =
        events.iter().map(|event| (event.position, event.event.id.clone(), event.data_bytes)).collect();
    events.sort();
    let state = store.state_scan(id, "", None, 100).unwrap();
    let outbox = store.outbox(id, None, 100).unwrap();
    format!(
        "{events:?} {state:?} {outbox:?} {:?} {:?} {:?}",
        store.counts(id),
        store.ready_positions(id),
        store.audit_head()
    )
}

fn what_was_acknowledged_outlives_its_segments_and_its_index(subject: &Subject) {
    let mut store = over((subject.open)());
    let id = store.install("leads", &["lead"]).id;
    for number in 0..6_u8 {
        store.add(&format!("event-{number}"), Some("k"));
    }
    let mut large = event("large", None);
    large.data = vec![7; 5_000];
    assert!(matches!(store.append_one(large), Appended::Accepted { .. }));
    let effects = Effects { outbox: vec![request("r")], ..writes(&[("k", Some(b"v"))]) };
    store.commit_first(id, effects);
    store.commit_first(id, Effects::default());
    assert!(matches!(store.append_one(event("event-3", Some("k"))), Appended::Duplicate { .. }));
    let done = run(store.retain(Timestamp(0), 1)).unwrap();
    assert!(done.segments > 0 && done.carried > 0 && done.forgotten > 0, "{done:?}");
    store.add("after", Some("k"));
    let before = told(&store);
    store.close();
    store.over_again((subject.open)());
    assert_eq!(told(&store), before, "with its index");
    store.close();
    fs::remove_dir_all(store.options.dir.join("index")).unwrap();
    store.over_again((subject.open)());
    assert_eq!(told(&store), before, "from the export and the segments");
    let large = store.position_of(&scope(), "/outside", "large").unwrap().unwrap();
    assert_eq!(store.event(large).unwrap().unwrap().event.data, vec![7; 5_000]);
}

#[test]
fn what_was_acknowledged_outlives_its_index_on_files() {
    what_was_acknowledged_outlives_its_segments_and_its_index(&file());
}

#[test]
fn what_was_acknowledged_outlives_its_index_on_memory() {
    what_was_acknowledged_outlives_its_segments_and_its_index(&memory());
}

#[test]
fn what_was_acknowledged_outlives_its_index_where_answers_are_lost() {
    what_was_acknowledged_outlives_its_segments_and_its_index(&unreliable());
}

#[test]
fn a_store_that_leads_no_more_acknowledges_and_sends_nothing() {
    let inner = MemoryJournal::new(10_000);
    let mut store = over(Arc::new(Unreliable::led_for(inner.clone(), 9)));
    let id = store.install("leads", &["lead"]).id;
    let position = store.add("first", None);
    store.commit_first(id, Effects { outbox: vec![request("r")], ..Effects::default() });
    let sent = store.due_requests(Timestamp(1_000), 10, |_, _| false).unwrap().0;
    assert_eq!(sent.len(), 1);
    let (mut acknowledged, mut refused) = (vec!["first".to_owned()], 0);
    for number in 0..20 {
        let name = format!("event-{number}");
        let new = NewEvent { event: event(&name, None), to: Recipients::Rooftop(rooftop()) };
        match run(store.append(vec![new], Timestamp(1), None)) {
            Ok(_) => {
                assert_eq!(refused, 0, "acknowledged after the end");
                acknowledged.push(name);
            }
            Err(StoreError::Stopped(_)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > 0 && acknowledged.len() > 1);
    assert!(store.stopped().is_some_and(|why| why.contains("no longer the leader")));
    assert!(matches!(store.due_requests(Timestamp(1_000), 10, |_, _| false), Err(StoreError::Stopped(_))));
    assert!(matches!(run(store.start_send(id, sent[0].position)), Err(StoreError::Stopped(_))));
    store.close();
    let store = over(Arc::new(inner));
    assert_eq!(store.position_of(&scope(), "/outside", "first").unwrap(), Some(position));
    for name in &acknowledged {
        assert!(store.position_of(&scope(), "/outside", name).unwrap().is_some(), "{name}");
    }
}
