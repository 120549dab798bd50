//! Requests: sent only once durable, answered once.

use crate::journal::Location;
use crate::{OutboxState, RequestOutcome, keys};
use handoff_model::effects::{Effects, Trace};
use handoff_model::names::{InstallationId, Position};
use handoff_model::time::Timestamp;

use super::rollback::installed;
use super::support::{Bench, event, request, run};

fn sent() -> (Bench, InstallationId, Position) {
    let store = Bench::new(|_| ());
    let id = store.install("leads", &["lead"]).id;
    store.add("a", None);
    store.commit_first(id, Effects { outbox: vec![request("r"), request("r")], ..Effects::default() });
    let entries = store.outbox(id, None, 10).unwrap();
    assert_eq!(entries.len(), 1, "the same key twice is one request");
    let place = entries[0].position;
    (store, id, place)
}

#[test]
fn no_request_is_due_before_its_frame_is_durable() {
    let (store, _, place) = sent();
    let durable = std::mem::replace(&mut *store.shared.durable.lock(), Location { segment: 1, offset: 16 });
    assert!(store.due_requests(Timestamp(100), 10, |_, _| false).unwrap().0.is_empty());
    *store.shared.durable.lock() = durable;
    let (due, _) = store.due_requests(Timestamp(100), 10, |_, _| false).unwrap();
    assert_eq!((due.len(), due[0].position, due[0].attempts), (1, place, 0));
}

#[test]
fn waiting_for_a_budget_is_no_attempt_and_a_retry_is() {
    let (mut store, id, place) = sent();
    let tried = |store: &Bench, tried: RequestOutcome| assert!(store.send_once(id, place, Timestamp(10), tried));
    tried(&store, RequestOutcome::NotNow { due: Timestamp(20) });
    let (due, later) = store.due_requests(Timestamp(19), 10, |_, _| false).unwrap();
    assert_eq!((due.len(), later), (0, Some(Timestamp(20))));
    tried(&store, RequestOutcome::Retry { due: Timestamp(30), error: "busy".to_owned(), may_have_arrived: true });
    tried(&store, RequestOutcome::NotNow { due: Timestamp(40) });
    store.kill();
    let entry = store.outbox_entry(id, place).unwrap().unwrap();
    let last_error = Some("busy".to_owned());
    assert_eq!((entry.attempts, entry.state), (1, OutboxState::Pending { due: Timestamp(40), last_error }));
    let (due, later) = store.due_requests(Timestamp(40), 10, |_, _| false).unwrap();
    assert_eq!((due.len(), due[0].attempts, later), (1, 1, None), "once, though it was put off three times");
}

#[test]
fn an_attempt_that_a_crash_interrupts_counts_and_may_have_been_sent() {
    let (mut store, id, place) = sent();
    let shown = |store: &Bench| {
        let entry = store.outbox_entry(id, place).unwrap().unwrap();
        (entry.attempts, entry.may_have_been_sent)
    };
    assert_eq!(shown(&store), (0, false));
    assert_eq!(run(store.start_send(id, place)).unwrap(), Some(1));
    store.kill();
    assert_eq!(shown(&store), (1, true));
    let (due, _) = store.due_requests(Timestamp(100), 10, |_, _| false).unwrap();
    assert_eq!(due.len(), 1, "it is sent again");
    assert!(store.send_once(id, place, Timestamp(10), RequestOutcome::NotNow { due: Timestamp(20) }));
    assert_eq!(shown(&store), (1, true), "the second attempt sent nothing, the first perhaps did");
}

#[test]
fn an_attempt_that_did_not_connect_sent_nothing() {
    let (store, id, place) = sent();
    let refused = |may_have_arrived| RequestOutcome::Retry {
        due: Timestamp(20),
        error: "connection refused".to_owned(),
        may_have_arrived,
    };
    for (may_have_arrived, expected) in [(false, false), (true, true), (false, true)] {
        assert!(store.send_once(id, place, Timestamp(10), refused(may_have_arrived)));
        assert_eq!(store.outbox_entry(id, place).unwrap().unwrap().may_have_been_sent, expected);
    }
}

#[test]
fn an_answer_comes_back_once_and_its_key_is_never_sent_again() {
    let (mut store, id, place) = sent();
    let answered = || RequestOutcome::Answered { status: 201, answer: Some(event("answer", Some("k"))) };
    assert!(store.send_once(id, place, Timestamp(10), answered()));
    assert!(!store.send_once(id, place, Timestamp(11), answered()));
    store.kill();
    assert!(!store.send_once(id, place, Timestamp(12), answered()));
    assert_eq!(store.ready_positions(id).len(), 1);
    assert_eq!(store.claim(id, store.first(id)).unwrap().unwrap().event.id, "answer");

    let attempt = store.attempt(id, store.first(id));
    let effects = Effects { outbox: vec![request("r"), request("s")], ..Effects::default() };
    let entry = attempt.position;
    run(store.commit(attempt, store.snapshot(), effects, Trace::default())).unwrap();
    let (due, _) = store.due_requests(Timestamp(100), 10, |_, _| false).unwrap();
    assert_eq!(due.iter().map(|due| due.request.key.as_str()).collect::<Vec<_>>(), ["s"]);
    assert_eq!(store.attempts(entry).unwrap()[0].requests_repeated, ["r"]);
}

#[test]
fn answered_requests_go_with_their_segment_except_their_keys() {
    let mut store = Bench::new(|options| options.segment_bytes = 2_000);
    let id = store.install("leads", &["lead"]).id;
    store.add("a", None);
    let outbox = ["answered", "failed", "waiting"].map(request).to_vec();
    store.commit_first(id, Effects { outbox, ..Effects::default() });
    let place = |key: &str| {
        let entries = store.outbox(id, None, 10).unwrap();
        entries.iter().find(|entry| entry.key == key).unwrap().position
    };
    let answered = place("answered");
    let answer = |name: &str| Some(event(name, None));
    let ends = [
        (answered, RequestOutcome::Answered { status: 201, answer: answer("yes") }),
        (
            place("failed"),
            RequestOutcome::Failed { error: "gone".to_owned(), may_have_arrived: true, answer: answer("no") },
        ),
    ];
    for (place, tried) in ends {
        assert!(store.send_once(id, place, Timestamp(10), tried));
    }
    while let Some(next) = store.ready(id, None, 1).unwrap().first().copied() {
        run(store.commit(store.attempt(id, next), store.snapshot(), Effects::default(), Trace::default())).unwrap();
    }
    for number in 0..20 {
        store.add(&format!("filler-{number}"), None);
        store.commit_first(id, Effects::default());
    }
    assert!(run(store.retain(Timestamp(0), 1)).unwrap().segments > 0);
    store.kill();

    let keys: Vec<String> = store.outbox(id, None, 10).unwrap().into_iter().map(|entry| entry.key).collect();
    assert_eq!(keys, ["failed", "waiting"]);
    let settled = keys::recording(answered, id, keys::SETTLED);
    assert_eq!(store.shared.view.get(&settled).unwrap(), None, "nothing else of it is left");
    store.add("again", None);
    let again = ["answered", "failed", "waiting"].map(request).to_vec();
    store.commit_first(id, Effects { outbox: again, ..Effects::default() });
    let (due, _) = store.due_requests(Timestamp(100), 10, |_, _| false).unwrap();
    assert_eq!(due.iter().map(|due| due.request.key.as_str()).collect::<Vec<_>>(), ["waiting"]);
}

#[test]
fn a_request_that_a_good_version_replaces_at_once_counts_as_held() {
    let (mut store, id) = installed();
    store.upgrade();
    store.write(id, "bad", Effects { outbox: vec![request("r"), request("s")], ..Effects::default() });
    store.leave(1, false, false).unwrap();
    // Before the rollback reaches the requests.
    store.write(id, "good", Effects { outbox: vec![request("r")], ..Effects::default() });
    assert_eq!(store.carry_out(id, true).requests_held, 2);
    let held: Vec<String> = store.held(None, None, 10).unwrap().into_iter().map(|entry| entry.key).collect();
    let (due, _) = store.due_requests(Timestamp(100), 10, |_, _| false).unwrap();
    assert_eq!((held, due.len(), due[0].request.key.as_str()), (vec!["s".to_owned()], 1, "r"));
}
