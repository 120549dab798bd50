//! Shares: an event that an installation emits reaches another scope only while the settings of both sides name its type.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::support::{Bench, event, generation, run};
use crate::{CapacityExceeded, Crossing, Leave, NewEvent, NewGeneration, Recipients};
use handoff_model::effects::Effects;
use handoff_model::event::Event;
use handoff_model::installation::{GenerationReason, Installation};
use handoff_model::names::InstallationId;
use handoff_model::scope::Scope;
use handoff_model::shares::Shares;
use handoff_model::time::Timestamp;

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

fn named(pairs: &[(&str, &str)]) -> BTreeMap<String, BTreeSet<Scope>> {
    let mut named = BTreeMap::<String, BTreeSet<Scope>>::new();
    for (type_name, of) in pairs {
        named.entry((*type_name).to_owned()).or_default().insert(scope(of));
    }
    named
}

/// The next generation of an installation, with shares.
fn put(store: &Bench, name: &str, of: &str, with: &[(&str, &str)], from: &[(&str, &str)]) -> Arc<Installation> {
    let existing = store.installation(&name.parse().unwrap());
    let expected = existing.map(|existing| existing.active.generation);
    let mut new = NewGeneration { scope: scope(of), ..generation(name, &["lead", "entry"], expected) };
    new.content.grants.shares = Shares { with: named(with), from: named(from) };
    run(store.put_generation(new)).unwrap()
}

fn store() -> Bench {
    let groups = [("west".parse().unwrap(), ["north".parse().unwrap(), "south".parse().unwrap()].into())];
    Bench::new(|options| options.groups = groups.into_iter().collect())
}

fn entry(id: &str) -> Event {
    Event { type_name: "entry".to_owned(), ..event(id, None) }
}

/// Has an installation handle an event, and emit an entry. Returns the entry's recipients.
fn emits(store: &Bench, from: InstallationId, id: &str) -> Vec<InstallationId> {
    let own = NewEvent { event: event(&format!("cause of {id}"), None), to: Recipients::Installation(from) };
    run(store.append(vec![own], Timestamp(1), None)).unwrap();
    while store.counts(from).waiting > 1 {
        store.commit_first(from, Effects::default());
    }
    store.commit_first(from, Effects { emitted: vec![entry(id)], ..Effects::default() });
    let of = store.installation_by_id(from).unwrap().scope.clone();
    let position = store.position_of(&of, "/outside", id).unwrap().unwrap();
    store.event_head(position).unwrap().unwrap().routed_to
}

#[test]
fn an_event_crosses_only_while_both_sides_name_it() {
    let store = store();
    let north = put(&store, "north", "north", &[], &[]).id;
    let south = put(&store, "south", "south", &[], &[]).id;
    let (both, own) = (vec![north, south], vec![north]);
    let entries: &[(&str, &str)] = &[("entry", "south")];
    for (turn, (with, from, expected)) in [
        (entries, &[("entry", "north")][..], &both),
        (&[], &[("entry", "north")], &own),
        (entries, &[], &own),
        (entries, &[("entry", "east")], &own),
        (&[("entry", "east")], &[("entry", "north")], &own),
        (&[("lead", "south")], &[("entry", "north")], &own),
        (entries, &[("lead", "north")], &own),
        (&[("entry", "group:west")], &[("entry", "north")], &own),
        (entries, &[("entry", "group:west")], &own),
        (entries, &[("entry", "north")], &both),
    ]
    .into_iter()
    .enumerate()
    {
        put(&store, "north", "north", with, &[]);
        put(&store, "south", "south", &[], from);
        assert_eq!(emits(&store, north, &format!("entry {turn}")), *expected, "{with:?} {from:?}");
        // What comes back needs a share of its own.
        assert_eq!(emits(&store, south, &format!("back {turn}")), [south]);
    }
}

#[test]
fn a_shared_event_is_logged_once_and_handled_in_its_receivers_scope() {
    let mut store = store();
    let north = put(&store, "north", "north", &[("entry", "south")], &[]).id;
    let south = put(&store, "south", "south", &[], &[("entry", "north")]).id;
    emits(&store, north, "a");
    store.kill();
    let position = store.position_of(&scope("north"), "/outside", "a").unwrap().unwrap();
    assert_eq!(store.event_head(position).unwrap().unwrap().scope, scope("north"));
    assert_eq!(store.position_of(&scope("south"), "/outside", "a").unwrap(), None);
    let receiver = store.installation_by_id(south).unwrap();
    let claim = store.claim(south, store.first(south)).unwrap().unwrap();
    assert!(store.is_shared(&receiver, &claim.scope));
    assert_eq!(store.handled_scope(&receiver, &claim.scope), scope("south"));
    store.commit_first(south, Effects { emitted: vec![entry("b")], ..Effects::default() });
    let answer = store.position_of(&scope("south"), "/outside", "b").unwrap().unwrap();
    assert_eq!(store.event_head(answer).unwrap().unwrap().routed_to, [south]);
}

#[test]
fn an_event_from_outside_is_never_shared() {
    let store = store();
    put(&store, "north", "north", &[("lead", "south")], &[]);
    let south = put(&store, "south", "south", &[], &[("lead", "north")]).id;
    let new = NewEvent { event: event("a", None), to: Recipients::Rooftop("north".parse().unwrap()) };
    run(store.append(vec![new], Timestamp(1), None)).unwrap();
    assert_eq!(store.counts(south).waiting, 0);
}

#[test]
fn a_rollback_ends_the_shares_of_the_version() {
    for (wide_first, expected_after) in [(true, true), (false, false)] {
        let store = store();
        let with: [&[(&str, &str)]; 2] =
            if wide_first { [&[("entry", "south")], &[]] } else { [&[], &[("entry", "south")]] };
        let first = put(&store, "north", "north", with[0], &[]);
        let south = put(&store, "south", "south", &[], &[("entry", "north")]).id;
        let second = put(&store, "north", "north", with[1], &[]);
        assert_eq!(emits(&store, second.id, "before").contains(&south), !expected_after);
        let back = NewGeneration {
            scope: scope("north"),
            content: first.active.content.clone(),
            reason: GenerationReason::Rollback { restores: first.active.generation },
            leave: Some(Leave {
                to_end_of: first.active.generation,
                restore_state: false,
                replay: false,
                unless_paused: false,
            }),
            ..generation("north", &[], Some(second.active.generation))
        };
        run(store.put_generation(back)).unwrap();
        assert_eq!(emits(&store, second.id, "after").contains(&south), expected_after);
    }
}

#[test]
fn a_group_shares_only_what_the_other_side_accepts_from_that_rooftop() {
    let store = store();
    let whole = put(&store, "whole", "group:west", &[("entry", "east"), ("entry", "south")], &[]).id;
    let east = put(&store, "east", "east", &[], &[("entry", "north")]).id;
    // It belongs to the group: it receives the entries of its own rooftop, and no others.
    let south = put(&store, "south", "south", &[], &[("entry", "north")]).id;
    let mut routed = Vec::new();
    for rooftop in ["north", "south"] {
        let new = NewEvent { event: event("a", None), to: Recipients::Rooftop(rooftop.parse().unwrap()) };
        run(store.append(vec![new], Timestamp(1), None)).unwrap();
        store.commit_first(whole, Effects { emitted: vec![entry("entry")], ..Effects::default() });
        let position = store.position_of(&scope(rooftop), "/outside", "entry").unwrap().unwrap();
        routed.push(store.event_head(position).unwrap().unwrap().routed_to);
        while store.counts(whole).waiting > 0 {
            store.commit_first(whole, Effects::default());
        }
    }
    assert_eq!(routed, [vec![whole, east, south], vec![whole, south]]);
}

#[test]
fn a_group_with_a_share_of_its_own_rooftop_receives_an_event_once() {
    let store = store();
    let north = put(&store, "north", "north", &[("entry", "group:west")], &[]).id;
    let whole = put(&store, "whole", "group:west", &[], &[("entry", "north")]).id;
    assert_eq!(emits(&store, north, "a"), [north, whole]);
    assert_eq!(store.counts(whole).waiting, 1);
}

#[test]
fn a_delivery_waits_for_room_in_the_queue_that_it_shares_with() {
    let store = Bench::new(|options| options.installation_queue_entries_max = 2);
    let north = put(&store, "north", "north", &[("entry", "south")], &[]);
    let south = put(&store, "south", "south", &[], &[("entry", "north")]).id;
    let effects = Effects { emitted: vec![entry("c"), entry("d")], ..Effects::default() };
    let exceeded = || store.exceeded_capacity(north.id, &north.scope, &effects).unwrap();
    for id in ["a", "b"] {
        let new = NewEvent { event: event(id, None), to: Recipients::Installation(south) };
        run(store.append(vec![new], Timestamp(1), None)).unwrap();
    }
    let full = exceeded();
    let is_south = |name: &str| name == "south";
    let is_full = matches!(&full, Some(CapacityExceeded::Queue { installation, waiting: 2, more: 2, .. }) if is_south(installation.as_str()));
    assert!(is_full, "{full:?}");
    put(&store, "south", "south", &[], &[]);
    assert_eq!(exceeded(), None, "nothing would be shared");
}

#[test]
fn what_crosses_is_listed_for_both_sides_before_a_change_and_after_it() {
    let store = store();
    let north = put(&store, "north", "north", &[("entry", "south")], &[]);
    let south = put(&store, "south", "south", &[], &[]);
    assert_eq!(store.crossings(&north), []);
    let mut candidate = south.as_ref().clone();
    candidate.active.content.grants.shares.from = named(&[("entry", "north")]);
    let crossing =
        Crossing { emitter: north.id, scope: scope("north"), type_name: "entry".to_owned(), receiver: south.id };
    assert_eq!(store.crossings(&candidate), std::slice::from_ref(&crossing));
    put(&store, "south", "south", &[], &[("entry", "north")]);
    assert_eq!(store.crossings(&north), [crossing]);
}
