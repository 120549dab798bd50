//! Installations of a group: they receive the events of the group's rooftops, and what they do with each stays at the
//! rooftop of that event.

use std::collections::BTreeSet;

use super::support::{Bench, event, generation, request, run};
use crate::{Appended, DeadLetterIds, FailureAction, NewEvent, NewGeneration, Recipients, RequestOutcome, StoreError};
use handoff_model::effects::{Effects, TimerRequest, Trace};
use handoff_model::event::Event;
use handoff_model::failure::Failure;
use handoff_model::names::{InstallationId, Position};
use handoff_model::scope::{Groups, Scope};
use handoff_model::time::Timestamp;

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

/// The group `west` with these rooftops.
fn west(rooftops: &[&str]) -> Groups {
    let rooftops = rooftops.iter().map(|name| name.parse().unwrap()).collect();
    [("west".parse().unwrap(), rooftops)].into_iter().collect()
}

/// A group's connector that turns leads into entries, and lists of entries everywhere.
struct Dealer {
    store: Bench,
    whole: InstallationId,
    lists: [InstallationId; 4],
}

const LISTS: [&str; 4] = ["north", "south", "east", "group:west"];

fn dealer() -> Dealer {
    let store = Bench::new(|options| options.groups = west(&["north", "south"]));
    let install = |name: &str, of: &str, accepts: &[&str]| {
        run(store.put_generation(NewGeneration { scope: scope(of), ..generation(name, accepts, None) })).unwrap().id
    };
    let whole = install("whole", "group:west", &["lead"]);
    let lists = LISTS.map(|of| install(&format!("list-{}", of.replace(':', "-")), of, &["entry"]));
    Dealer { store, whole, lists }
}

fn lead(store: &Bench, rooftop: &str, id: &str) -> Result<Appended, StoreError> {
    let new = NewEvent { event: event(id, None), to: Recipients::Rooftop(rooftop.parse().unwrap()) };
    run(store.append(vec![new], Timestamp(1), None)).map(|appended| appended[0])
}

fn position(appended: Appended) -> Position {
    let (Appended::Accepted { position, .. } | Appended::Duplicate { position }) = appended;
    position
}

fn entry(id: &str) -> Event {
    Event { type_name: "entry".to_owned(), ..event(id, None) }
}

/// An entry, a timer and a request, all with an answer.
fn effects(id: &str) -> Effects {
    let timer = TimerRequest { at: Timestamp(5), event: event(&format!("timer of {id}"), None) };
    Effects {
        emitted: vec![entry(&format!("entry of {id}"))],
        timers_set: [(id.to_owned(), timer)].into(),
        outbox: vec![request(id)],
        ..Effects::default()
    }
}

impl Dealer {
    /// How many entries wait in each list, in the order of [`LISTS`].
    fn entries(&self) -> [u64; 4] {
        self.lists.map(|id| self.store.counts(id).waiting)
    }

    fn scope_at(&self, position: Position) -> Scope {
        self.store.event_head(position).unwrap().unwrap().scope
    }
}

#[test]
fn a_group_receives_the_events_of_its_rooftops_and_of_no_other() {
    let Dealer { store, whole, .. } = dealer();
    let routes = |rooftop| match lead(&store, rooftop, "a").unwrap() {
        Appended::Accepted { routes, .. } => routes,
        Appended::Duplicate { .. } => panic!("each rooftop has its own events"),
    };
    assert_eq!(["north", "south", "east"].map(routes), [1, 1, 0]);
    let of_group = NewEvent { event: event("a", None), to: Recipients::Installation(whole) };
    assert!(matches!(run(store.append(vec![of_group], Timestamp(1), None)).unwrap()[0], Appended::Accepted { .. }));
    let scopes: BTreeSet<Scope> = store
        .ready(whole, None, 9)
        .unwrap()
        .into_iter()
        .map(|ready| store.claim(whole, ready).unwrap().unwrap().scope)
        .collect();
    assert_eq!(scopes, ["north", "south", "group:west"].map(scope).into());
}

#[test]
fn what_a_group_makes_of_an_event_stays_at_the_rooftop_of_that_event() {
    let mut dealer = dealer();
    for (turn, (from, expected)) in
        [("north", [1, 0, 0, 1]), ("south", [1, 1, 0, 2]), ("group:west", [1, 1, 0, 3])].into_iter().enumerate()
    {
        let (store, whole, id) = (&dealer.store, dealer.whole, format!("lead {turn}"));
        match scope(from) {
            Scope::Rooftop(name) => drop(lead(store, name.as_str(), &id).unwrap()),
            Scope::Group(_) => {
                let own = NewEvent { event: event(&id, None), to: Recipients::Installation(whole) };
                run(store.append(vec![own], Timestamp(1), None)).unwrap();
            }
        }
        store.commit_first(whole, effects(&id));
        assert_eq!(dealer.entries(), expected, "{from}");
        // The timer and the answer come back in the same scope, also after a restart.
        dealer.store.kill();
        let (store, id) = (&dealer.store, format!("lead {turn}"));
        run(store.fire_timers(Timestamp(5))).unwrap();
        let timer = store.position_of(&scope(from), "/outside", &format!("timer of {id}")).unwrap();
        assert_eq!(timer.map(|position| dealer.scope_at(position)), Some(scope(from)));
        let request = store.outbox(whole, None, 9).unwrap().pop().unwrap();
        assert_eq!(request.scope, scope(from));
        let answer = RequestOutcome::Answered { status: 200, answer: Some(event(&format!("answer to {id}"), None)) };
        assert!(store.send_once(whole, request.position, Timestamp(6), answer));
        let answer = store.position_of(&scope(from), "/outside", &format!("answer to {id}")).unwrap();
        assert_eq!(answer.map(|position| dealer.scope_at(position)), Some(scope(from)));
        for next in ["timer", "answer"] {
            dealer
                .store
                .commit_first(whole, Effects { emitted: vec![entry(&format!("{next} {turn}"))], ..Effects::default() });
        }
        let entries = dealer.entries();
        let index = LISTS.iter().position(|of| *of == from).unwrap();
        let mut grown = expected;
        grown[index] += 2 * u64::from(from != "group:west");
        grown[3] += 2;
        assert_eq!(entries, grown, "{from}: the timer's and the answer's entries");
        for (list, id) in dealer.lists.into_iter().enumerate() {
            while dealer.entries()[list] > expected[list] {
                dealer.store.commit_first(id, Effects::default());
            }
        }
    }
}

#[test]
fn a_redriven_event_of_a_group_keeps_its_rooftop() {
    let mut dealer = dealer();
    let (whole, first) = (dealer.whole, position(lead(&dealer.store, "south", "a").unwrap()));
    let attempt = dealer.store.attempt(whole, dealer.store.first(whole));
    let (failure, snapshot) = (Failure::reject("no", "never"), dealer.store.snapshot());
    run(dealer.store.fail(attempt, snapshot, failure, FailureAction::DeadLetter, Trace::default())).unwrap();
    dealer.store.kill();
    let letters = DeadLetterIds(vec![(whole, first)]);
    let again =
        run(dealer.store.redrive(letters, handoff_model::actor::Actor::user("ann"), "again".to_owned(), Timestamp(3)))
            .unwrap()[0];
    assert_eq!(dealer.scope_at(again), scope("south"));
    dealer.store.commit_first(whole, effects("a"));
    assert_eq!(dealer.entries(), [0, 1, 0, 1]);
}

#[test]
fn a_rooftop_that_has_left_its_group_gets_nothing_of_it_any_more() {
    let mut dealer = dealer();
    lead(&dealer.store, "north", "a").unwrap();
    dealer.store.close();
    dealer.store.options.groups = west(&["south"]);
    dealer.store.reopen().unwrap();
    assert!(matches!(lead(&dealer.store, "north", "b").unwrap(), Appended::Accepted { routes: 0, .. }));
    // What had been routed before is not lost, but nothing of it reaches the rooftop.
    dealer.store.commit_first(dealer.whole, effects("a"));
    assert_eq!(dealer.entries(), [0, 0, 0, 1]);
}

#[test]
fn a_group_has_a_share_of_the_queues_of_its_own() {
    let store = Bench::new(|options| {
        options.groups = west(&["north"]);
        options.scope_queue_entries_max = 2;
    });
    let install = |name: &str, of: &str, accepts: &[&str]| {
        run(store.put_generation(NewGeneration { scope: scope(of), ..generation(name, accepts, None) })).unwrap().id
    };
    let whole = install("whole", "group:west", &["lead"]);
    install("other", "north", &["entry"]);
    for id in ["a", "b"] {
        lead(&store, "north", id).unwrap();
    }
    let full = lead(&store, "north", "c");
    assert!(matches!(&full, Err(StoreError::QueuesFull { scope: of, .. }) if *of == scope("group:west")), "{full:?}");
    let entries = NewEvent { event: entry("c"), to: Recipients::Rooftop("north".parse().unwrap()) };
    assert!(run(store.append(vec![entries], Timestamp(1), None)).is_ok(), "the rooftop's own queues have room");
    store.commit_first(whole, Effects::default());
    assert!(lead(&store, "north", "c").is_ok());
}
