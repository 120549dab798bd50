//! The end of an installation: nothing of it runs or is sent afterwards, its history stays, and its name is free.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use handoff_storage_shim::Watch;
use handoff_storage_shim::disk::{Choices, Keep};
use serde_json::Value;

use crate::keys::{self, table};
use crate::{Appended, FailureAction, OutboxState, Standing, StoreError, Uninstall, Verdict};
use handoff_model::actor::Actor;
use handoff_model::effects::{Effects, TimerRequest, Trace};
use handoff_model::names::{InstallationId, Position};
use handoff_model::time::Timestamp;

use super::power::{folder, image};
use super::random::small;
use super::support::{Bench, event, request, run, writes};

/// Tables with rows of one installation whose rows do not outlive it.
const PREFIXED: [u8; 11] = [
    table::STATE,
    table::QUEUE,
    table::HEAD,
    table::WAITING,
    table::DEAD_LETTER,
    table::TIMER,
    table::HELD,
    table::UNDO,
    table::UNDO_SIZE,
    table::UNDO_SINCE,
    table::OUTBOX_KEY,
];

fn ask(export: Option<&Path>) -> Uninstall {
    Uninstall {
        name: "leads".parse().unwrap(),
        by: Actor::user("ann"),
        reason: Some("replaced".to_owned()),
        at: Timestamp(50),
        export: export.map(Path::to_path_buf),
    }
}

fn timer() -> TimerRequest {
    TimerRequest { at: Timestamp(1_000), event: event("of-a-timer", None) }
}

/// An installation with state of two generations, a timer, a sent and an unsent request, a dead letter, an event that
/// waits for a retry, and two that wait in one queue. Returns the positions of the last four events.
fn busy(store: &Bench) -> (InstallationId, [Position; 4]) {
    let id = store.install("leads", &["lead"]).id;
    store.install("others", &["lead"]);
    store.add("done", None);
    let mut effects = writes(&[("k1", Some(b"one")), ("k2", Some(&[0xff, 0]))]);
    effects.outbox = vec![request("sent"), request("unsent")];
    effects.timers_set.insert("remind".to_owned(), timer());
    store.commit_first(id, effects);
    store.install("leads", &["lead"]);
    store.add("done too", None);
    store.commit_first(id, writes(&[("k1", Some(b"two"))]));
    let sent = store.outbox(id, None, 10).unwrap()[0].position;
    run(store.start_send(id, sent)).unwrap();
    let letter = store.add("letter", None);
    store.fail_first(id, FailureAction::DeadLetter);
    let retried = store.add("retried", None);
    store.fail_first(id, FailureAction::Retry { due: Timestamp(90) });
    (id, [letter, retried, store.add("first", Some("k")), store.add("second", Some("k"))])
}

fn rows(store: &Bench, id: InstallationId) -> usize {
    let of = |table| store.shared.view.scan(&keys::prefix(table, Some(id)), None, 100).unwrap().len();
    PREFIXED.iter().map(|table| of(*table)).sum()
}

#[test]
fn nothing_of_it_is_left_and_its_name_is_free() {
    for kill in [false, true] {
        let mut store = Bench::new(|_| ());
        let (id, [letter, retried, first, second]) = busy(&store);
        let others = store.installation(&"others".parse().unwrap()).unwrap().id;
        let (of_others, attempt) = (store.counts(others), store.attempt(id, store.first(id)));
        let outcome = run(store.uninstall(ask(None))).unwrap();
        let removed = &outcome.removed;
        assert_eq!([removed.events, removed.dead_letters, removed.timers, removed.state_keys], [3, 1, 1, 2]);
        assert_eq!([removed.requests, removed.held, removed.perhaps_sent], [2, 0, 1]);
        assert_eq!(removed.first_perhaps_sent[0].key, "sent");
        if kill {
            store.kill();
        } else {
            // What ran meanwhile has no effect.
            let effects = writes(&[("k1", Some(b"late"))]);
            let late = run(store.commit(attempt, store.snapshot(), effects, Trace::default())).unwrap();
            assert_eq!(late, Verdict::Fenced);
        }
        run(store.checkpoint()).unwrap();
        assert_eq!(rows(&store, id), 0);
        assert!(store.installation(&"leads".parse().unwrap()).is_none());
        assert_eq!(run(store.fire_timers(Timestamp(2_000))).unwrap(), None);
        assert!(store.due_requests(Timestamp(2_000), 10, |_, _| false).unwrap().0.is_empty());
        assert_eq!(store.counts(others), of_others);

        let ended = &store.uninstalled()[0];
        assert_eq!((ended.installation.id, ended.by.to_string().as_str()), (id, "ann"));
        assert_eq!(store.generations(id).unwrap().len(), 2);
        for position in [letter, retried, first, second] {
            let own = store.standings(position).unwrap().into_iter().find(|route| route.installation == id);
            assert_eq!(own.unwrap().standing, Standing::Uninstalled);
        }
        let requests = store.outbox(id, None, 10).unwrap();
        assert!(requests.iter().all(|request| matches!(request.state, OutboxState::Discarded { .. })), "{requests:?}");
        let last = store.audit(0, 100).unwrap().pop().unwrap();
        assert_eq!((last.action.as_str(), last.subject.as_str()), ("uninstall", "leads"));
        let detail: Value = serde_json::from_str(&last.detail_json).unwrap();
        assert_eq!((&detail["removed"]["stateKeys"], &detail["reason"]), (&2.into(), &"replaced".into()));

        let new = store.install("leads", &["lead"]).id;
        assert!(new > id);
        assert_eq!((store.state_get(new, "k1").unwrap(), store.ready_positions(new)), (None, vec![]));
        assert!(matches!(store.append_one(event("first", Some("k"))), Appended::Duplicate { .. }));
        let next = store.add("next", Some("k"));
        assert_eq!(store.ready_positions(new), [next.0]);
        let again = Effects { outbox: vec![request("sent")], ..Effects::default() };
        store.commit_first(new, again);
        assert_eq!(store.counts(new).outbox_pending, 1, "it does not know the requests of the earlier one");
    }
}

#[test]
fn rows_that_a_dead_process_left_behind_are_removed_at_the_next_start() {
    let mut store = Bench::new(|_| ());
    let id = busy(&store).0;
    run(store.uninstall(ask(None))).unwrap();
    // As if the process had died before it had written the batch's last frames.
    let key = keys::state(id, "k1");
    store.shared.view.write(false, |sink| crate::apply::Sink::put(sink, key, b"left behind".to_vec()));
    run(store.checkpoint()).unwrap();
    assert_eq!(rows(&store, id), 1);
    store.close();
    store.reopen().unwrap();
    run(store.checkpoint()).unwrap();
    assert_eq!(rows(&store, id), 0);
}

#[test]
fn a_power_cut_during_an_uninstall_leaves_all_or_nothing_of_it() {
    let dir = folder();
    let (watch, mut disk) = Watch::new(dir.path()).unwrap();
    let mut store = Bench::open_in(dir, small).unwrap();
    let id = busy(&store).0;
    let (begun, rows_before) = (watch.moment(), rows(&store, id));
    run(store.uninstall(ask(None))).unwrap();
    let acknowledged = watch.moment();
    run(store.checkpoint()).unwrap();
    store.close();
    let mut outcomes = [0; 2];
    for (cut, change) in watch.ops().iter().enumerate() {
        for keep in Keep::EVERY.into_iter().filter(|keep| *keep == Keep::All || disk.has_pending()) {
            if cut < begun {
                break;
            }
            let mut choices = Choices(u64::try_from(cut).unwrap());
            let store = Bench::open_in(image(&disk, keep, &mut choices), small).unwrap();
            run(store.checkpoint()).unwrap();
            let is_there = store.installation(&"leads".parse().unwrap()).is_some();
            assert!(!is_there || cut < acknowledged, "cut at {cut}, {keep:?}: it was acknowledged at {acknowledged}");
            assert_eq!(rows(&store, id), if is_there { rows_before } else { 0 }, "cut at {cut}, {keep:?}");
            outcomes[usize::from(is_there)] += 1;
        }
        disk.apply(change);
    }
    assert!(outcomes.iter().all(|count| *count > 0), "cuts before and after it: {outcomes:?}");
}

#[test]
fn an_export_has_everything_and_only_its_owner_may_read_it() {
    let store = Bench::new(|options| options.inline_body_bytes = 4);
    busy(&store);
    let outside = tempfile::tempdir().unwrap();
    let missing = outside.path().join("missing/export");
    let refused = run(store.uninstall(ask(Some(&missing)))).unwrap_err();
    assert!(matches!(refused, StoreError::NotExported { .. }), "{refused}");
    assert!(store.installation(&"leads".parse().unwrap()).is_some(), "nothing was removed");

    let folder = outside.path().join("export");
    let exported = run(store.uninstall(ask(Some(&folder)))).unwrap().exported.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&folder.join("state.jsonl"))), (0o700, 0o600));
    let lines = |name: &str| -> Vec<Value> {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let counts: Vec<_> = exported.files.iter().map(|(name, count)| (lines(name).len(), *count)).collect();
    assert_eq!(counts, [(1, 1), (2, 2), (3, 3), (1, 1), (2, 2), (1, 1)]);
    let state = lines("state.jsonl");
    assert_eq!((&state[0]["value"], &state[1]["valueBase64"]), (&"two".into(), &"/wA=".into()), "{state:?}");
    let events = lines("events.jsonl");
    let ids: Vec<_> = events.iter().map(|line| line["event"]["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["retried", "first", "second"]);
    assert_eq!(events[0]["event"]["data_base64"], "ZGF0YSBvZiByZXRyaWVk", "{events:?}");
    assert_eq!(lines("dead-letters.jsonl")[0]["event"]["id"], "letter");
    let requests = lines("requests.jsonl");
    assert_eq!((&requests[0]["body"], &requests[0]["mayHaveBeenSent"]), (&"sent".into(), &true.into()));
    assert_eq!(lines("timers.jsonl")[0]["event"]["id"], "of-a-timer");
}
