//! A journal with every kind of record, written by the store itself; its frames are the seeds for records.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::future::Future;

use handoff_model::actor::Actor;
use handoff_model::effects::{
    Effects, LogLevel, LogLine, MetricChange, MetricUpdate, OutboxRequest, TimerRequest, Trace,
};
use handoff_model::event::{Event, PARTITION_KEY};
use handoff_model::failure::Failure;
use handoff_model::grants::Grants;
use handoff_model::http::{Exchange, HttpError, Request};
use handoff_model::installation::{GenerationContent, GenerationReason, Installation, NewDetails};
use handoff_model::names::Position;
use handoff_model::time::Timestamp;
use handoff_store::fuzzing;
use handoff_store::{
    Attempt, DeadLetterIds, FailureAction, NewEvent, NewGeneration, Recipients, RequestOutcome, Store, StoreOptions,
};

use crate::Seeds;

pub(crate) fn write(seeds: &Seeds) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(StoreOptions::new(folder.path())).expect("a store");
    live(&store);
    store.close();
    let dir = folder.path().join("journal");
    let found = fuzzing::replay(&dir).expect("sound");
    assert!(found.frames.len() >= 12, "a frame for each operation");
    for (index, (_, _, payload)) in found.frames.iter().enumerate() {
        seeds.add("record", &format!("frame-{index:02}"), payload);
    }
    let whole = fs::read(fuzzing::path(&dir, 1)).expect("a segment");
    let (_, third, _) = found.frames.get(3).expect("three frames and more");
    let cut = usize::try_from(*third).expect("small");
    seeds.add("segment", "three-frames", &whole[..cut]);
    seeds.add("segment", "torn", &whole[..cut - 5]);
    seeds.add("segment", "created", &fuzzing::header(1));
    // A second segment's header, and the first one's frames behind it.
    let header = fuzzing::header(2);
    let second = [&header[..], &whole[header.len()..cut]].concat();
    seeds.add("segment", "two-segments", &[&whole[..cut], b"\xffnext", &second].concat());
}

/// Runs every operation that writes to the journal.
fn live(store: &Store) {
    let installed = run(store.put_generation(generation())).expect("installed");
    for (id, key) in [("a", Some("k")), ("b", Some("k")), ("c", None), ("d", None), ("e", None)] {
        let new =
            vec![NewEvent { event: event(id, key), to: Recipients::Rooftop("main-street".parse().expect("a name")) }];
        run(store.append(new, Timestamp(1), None)).expect("appended");
    }
    let (attempt, snapshot) = (attempt(store, &installed), store.snapshot());
    run(store.commit(attempt, snapshot, effects(), trace())).expect("committed");
    for then in [FailureAction::Retry { due: Timestamp(50) }, FailureAction::DeadLetter, FailureAction::DeadLetter] {
        let (attempt, snapshot) = (self::attempt(store, &installed), store.snapshot());
        run(store.fail(attempt, snapshot, Failure::retry("no", "not now"), then, trace())).expect("failed");
    }
    let letters: Vec<_> = (1..=20).map(|position| (installed.id, Position(position))).collect();
    for letter in letters {
        let one = DeadLetterIds(vec![letter]);
        // Most places hold no dead letter; the first that does is delivered again, the next one given up.
        if run(store.redrive(one, Actor::user("ann"), "mended".to_owned(), Timestamp(60)))
            .is_ok_and(|new| !new.is_empty())
        {
            break;
        }
    }
    run(store.fire_timers(Timestamp(1_000))).expect("fired");
    for position in 1..=20 {
        let (id, position) = (installed.id, Position(position));
        let error = "unreachable".to_owned();
        let retry = RequestOutcome::Retry { due: Timestamp(90), error, may_have_arrived: false };
        drop(run(store.start_send(id, position)));
        drop(run(store.finish_send(id, position, Timestamp(80), retry)));
        let answered = RequestOutcome::Answered { status: 201, answer: Some(event("answer", None)) };
        drop(run(store.start_send(id, position)));
        drop(run(store.finish_send(id, position, Timestamp(90), answered)));
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

/// An attempt at the first ready event.
fn attempt(store: &Store, installed: &Installation) -> Attempt {
    let entry = *store.ready(installed.id, None, 1).expect("readable").first().expect("something is ready");
    Attempt {
        installation: installed.id,
        position: entry.position,
        queue_key: entry.queue_key,
        scope: "main-street".parse().expect("a name"),
        generation: installed.active.generation,
        input: Default::default(),
        number: 1,
        time: Timestamp(20),
        finished_at: Timestamp(21),
    }
}

fn generation() -> NewGeneration {
    NewGeneration {
        name: "leads".parse().expect("a name"),
        scope: "main-street".parse().expect("a name"),
        content: GenerationContent {
            package: "acme/leads".to_owned(),
            version: "1.0.0".parse().expect("a version"),
            digest: "sha256:00".to_owned(),
            state_schema: 1,
            config_json: "{}".to_owned(),
            grants: Grants { accepts: BTreeSet::from(["lead".to_owned()]), ..Grants::default() },
            ingress_json: "{}".to_owned(),
        },
        by: Actor::user("ann"),
        reason: GenerationReason::Install,
        note: Some("first".to_owned()),
        at: Timestamp(1),
        expected: None,
        details: NewDetails::default(),
        migration: None,
        changes_json: None,
        leave: None,
    }
}

fn event(id: &str, key: Option<&str>) -> Event {
    Event {
        id: id.to_owned(),
        source: "/outside".to_owned(),
        type_name: "lead".to_owned(),
        subject: Some("s".to_owned()),
        time: Some(Timestamp(1)),
        data_content_type: Some("text/plain".to_owned()),
        data_schema: None,
        extensions: key.map(|key| (PARTITION_KEY.to_owned(), key.to_owned())).into_iter().collect(),
        data: b"data".to_vec(),
    }
}

fn request() -> Request {
    Request {
        method: "POST".to_owned(),
        url: "https://crm.example/leads".to_owned(),
        headers: vec![("accept".to_owned(), "*/*".to_owned())],
        body: Some(b"{}".to_vec()),
        auth: Some("crm".to_owned()),
        timeout_ms: Some(100),
    }
}

fn effects() -> Effects {
    Effects {
        state_writes: BTreeMap::from([("a".to_owned(), Some(vec![1])), ("b".to_owned(), None)]),
        emitted: vec![event("emitted", None)],
        timers_set: BTreeMap::from([("t".to_owned(), TimerRequest { at: Timestamp(99), event: event("timer", None) })]),
        timers_cancelled: Vec::new(),
        outbox: vec![OutboxRequest { key: "o".to_owned(), request: request(), answer: true, partition_key: None }],
        metrics: vec![MetricUpdate {
            name: "m".to_owned(),
            labels: BTreeMap::new(),
            change: MetricChange::Record(0.5),
        }],
    }
}

fn trace() -> Trace {
    let result = Err(HttpError::Timeout("late".to_owned()));
    Trace {
        exchanges: vec![Exchange { request: request(), result, duration_ms: 3 }],
        logs: vec![LogLine {
            level: LogLevel::Warn,
            message: "hm".to_owned(),
            fields: vec![("a".to_owned(), "b".to_owned())],
        }],
        ..Trace::default()
    }
}
