//! The search of the log: by text in any case, newest first, each event once.

use std::ops::ControlFlow;

use crate::{FindEnd, FindQuery, Found, FoundWhat, NewEvent, Pattern, Recipients};
use handoff_model::effects::Effects;
use handoff_model::event::Event;
use handoff_model::names::Position;
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;

use super::support::{Bench, event, request, run};

fn query(text: &str) -> FindQuery {
    FindQuery { pattern: Pattern::new(text).unwrap(), since: None, scope: None, limit: 100 }
}

fn find(store: &Bench, query: &FindQuery) -> (Vec<Found>, FindEnd) {
    let mut found = Vec::new();
    let end = store.find(query, &mut |one| {
        found.push(one);
        ControlFlow::Continue(())
    });
    (found, end.unwrap())
}

fn positions(store: &Bench, query: &FindQuery) -> Vec<u64> {
    find(store, query).0.iter().map(|found| found.position.0).collect()
}

/// Appends an event with this data at a rooftop.
fn add(store: &Bench, id: &str, data: &[u8], at: u64, rooftop: &str) -> Position {
    let event = Event { data: data.to_vec(), ..event(id, None) };
    let new = NewEvent { event, to: Recipients::Rooftop(rooftop.parse().unwrap()) };
    match run(store.append(vec![new], Timestamp(at), None)).unwrap()[0] {
        crate::Appended::Accepted { position, .. } => position,
        crate::Appended::Duplicate { .. } => panic!("{id} is a duplicate"),
    }
}

#[test]
fn matches_of_every_place_are_found_newest_first_and_once() {
    let store = Bench::new(|options| {
        options.segment_bytes = 3_000;
        options.inline_body_bytes = 1_000;
    });
    let id = store.install("leads", &["lead"]).id;
    // It waits: retention carries it forward, out of order.
    let first = add(&store, "first", b"call (555) 123-4567", 1, "main-street");
    let large = [&b"x".repeat(2_000)[..], b"Ann Example"].concat();
    let of_large = add(&store, "large", &large, 2, "main-street");
    for number in 0..40_u32 {
        add(&store, &format!("noise-{number}"), &b"n".repeat(200), 3, "main-street");
    }
    let by_id = add(&store, "ANN-7", b"{}", 4, "main-street");
    let last = add(&store, "last", b"{\"phone\":\"555.123.4567\",\"name\":\"ann\"}", 5, "other-street");
    assert_eq!(positions(&store, &query("ann")), [last.0, by_id.0, of_large.0]);
    assert_eq!(positions(&store, &query("+1 555 123 4567")), [last.0, first.0]);
    assert!(run(store.retain(Timestamp(0), 6_000)).unwrap().segments > 0);
    assert_eq!(positions(&store, &query("555-123-4567")), [last.0, first.0], "carried forward, it is found once");

    let only = |scope: &str| FindQuery { scope: Some(scope.parse::<Scope>().unwrap()), ..query("ann") };
    assert_eq!(positions(&store, &only("other-street")), [last.0]);
    assert_eq!(positions(&store, &FindQuery { since: Some(Timestamp(4)), ..query("ann") }), [last.0, by_id.0]);
    let (found, end) = find(&store, &FindQuery { limit: 2, ..query("ann") });
    assert_eq!((found.len(), end.more), (2, true));
    assert_eq!((found[0].place, found[1].place), ("data", "id"));
    assert!(!find(&store, &query("ann")).1.more);
    assert_eq!(find(&store, &query("nobody")).0, []);

    let effects = Effects { outbox: vec![request("of customer Zoe")], ..Effects::default() };
    store.commit_first(id, effects);
    let (found, _) = find(&store, &query("ZOE"));
    assert_eq!((found.len(), found[0].place), (1, "body"));
    assert!(matches!(&found[0].what, FoundWhat::Request { target, .. } if target.starts_with("POST https://crm")));
}
