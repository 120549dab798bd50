//! Turns a record into writes of the index. Reads nothing: the same record always makes the same writes.

mod more;

use handoff_model::installation::{GenerationRecord, Installation};
use handoff_model::names::{InstallationId, Position};
use handoff_model::time::Timestamp;

use super::journal::Location;
use super::keys;
use super::records::{
    AfterFailure, Committed, Entry, Failed, Forgotten, LoggedEvent, LoggedRequest, More, OutboxTried, Record,
};
use super::rows::{EventRow, HeadRow, OutboxRow, OutboxState, QueueRow, TimerRow, encode};

/// Where the writes go.
pub(super) trait Sink {
    /// A key that no layer holds yet.
    fn insert(&mut self, key: keys::Key, value: Vec<u8>);
    /// A key that may exist.
    fn put(&mut self, key: keys::Key, value: Vec<u8>);
    /// A key that goes.
    fn delete(&mut self, key: keys::Key);
}

/// Makes the writes of `record`, whose frame is at `at`, and of what goes with it.
pub(super) fn apply(record: &Record, more: &[More], at: Location, sink: &mut impl Sink) {
    apply_record(record, at, sink);
    more.iter().for_each(|more| more::apply(more, record, at, sink));
}

fn apply_record(record: &Record, at: Location, sink: &mut impl Sink) {
    match record {
        Record::Appended { events, tick } => {
            log_events(events, at, sink);
            if let Some(tick) = tick {
                sink.put(keys::tick(tick.installation, &tick.schedule), encode(&tick.at));
            }
        }
        Record::Committed(committed) => apply_committed(committed, at, sink),
        Record::Failed(failed) => apply_failed(failed, at, sink),
        Record::OutboxTried(tried) => apply_tried(tried, at, sink),
        Record::TimersFired { timers, events } => {
            for (installation, key, due) in timers {
                sink.delete(keys::timer(*installation, key));
                sink.delete(keys::timer_due(*due, *installation, key));
            }
            log_events(events, at, sink);
        }
        Record::InstallationPut { installation, generation } => {
            put_installation(installation, generation.as_deref(), sink);
        }
        Record::Redriven { letters, events, .. } => {
            remove_letters(letters, at, sink);
            log_events(events, at, sink);
        }
        Record::Discarded { letters, .. } => remove_letters(letters, at, sink),
        Record::Carried { events, requests, forget } => apply_carried(events, requests, forget, at, sink),
        Record::Noted => {}
    }
}

fn log_events(events: &[LoggedEvent], at: Location, sink: &mut impl Sink) {
    for (index, logged) in (0..).zip(events) {
        sink.insert(keys::event(logged.position), encode(&EventRow { at, index }));
        if let Some(digest) = &logged.dedupe {
            sink.insert(keys::dedupe(digest), encode(&logged.position));
        }
        for route in &logged.routes {
            let row = QueueRow { enqueued_at: logged.received_at, attempts: 0, due: None };
            sink.insert(keys::queue(route.installation, route.lane, logged.position), encode(&row));
            if route.head {
                let head = HeadRow { lane: route.lane, queued: Some(row) };
                sink.insert(keys::head(route.installation, logged.position), head.encode());
            }
        }
    }
}

fn apply_committed(committed: &Committed, at: Location, sink: &mut impl Sink) {
    let Committed { entry, next_head, recording, .. } = committed;
    let id = entry.installation;
    remove_entry(entry, *next_head, sink);
    sink.put(keys::recording(entry.position, id, recording.attempt), encode(&at));
    write_state(id, &committed.state_writes, sink);
    log_events(&committed.emitted, at, sink);
    write_timers(id, &committed.timers_set, &committed.timers_cancelled, sink);
    for (index, request) in (0..).zip(&committed.outbox) {
        // It may take the place of a held one.
        sink.put(keys::outbox_key(id, &request.row.key), encode(&request.position));
        put_pending(id, request, at, index, sink);
    }
    for (figure, row) in &committed.metrics {
        sink.put(keys::metric(id, figure), encode(row));
    }
}

fn write_state(id: InstallationId, writes: &[(String, Option<Vec<u8>>)], sink: &mut impl Sink) {
    for (key, value) in writes {
        match value {
            Some(value) => sink.put(keys::state(id, key), value.clone()),
            None => sink.delete(keys::state(id, key)),
        }
    }
}

fn write_timers(
    id: InstallationId,
    set: &[(String, TimerRow, Option<Timestamp>)],
    removed: &[(String, Timestamp)],
    sink: &mut impl Sink,
) {
    for (key, due) in removed {
        sink.delete(keys::timer(id, key));
        sink.delete(keys::timer_due(*due, id, key));
    }
    for (key, row, replaced) in set {
        if let Some(due) = replaced {
            sink.delete(keys::timer_due(*due, id, key));
        }
        sink.put(keys::timer(id, key), encode(row));
        sink.put(keys::timer_due(row.due, id, key), key.as_bytes().to_vec());
    }
}

fn put_pending(id: InstallationId, request: &LoggedRequest, at: Location, index: u32, sink: &mut impl Sink) {
    let state = OutboxState::Pending { due: request.row.due, last_error: None };
    put_request(id, request, at, index, state, sink);
}

fn put_request(
    id: InstallationId,
    request: &LoggedRequest,
    at: Location,
    index: u32,
    state: OutboxState,
    sink: &mut impl Sink,
) {
    let facts = &request.row;
    let row = OutboxRow {
        at,
        index,
        key: facts.key.clone(),
        generation: facts.generation,
        created_at: facts.created_at,
        cause: facts.cause,
        attempts: facts.attempts,
        state,
    };
    sink.put(keys::outbox(id, request.position), encode(&row));
    match row.state {
        OutboxState::Pending { due, .. } => sink.put(keys::outbox_due(due, id, request.position), Vec::new()),
        // As every carried request it was put as pending first.
        _ => sink.delete(keys::outbox_due(facts.due, id, request.position)),
    }
}

fn apply_failed(failed: &Failed, at: Location, sink: &mut impl Sink) {
    let entry = &failed.entry;
    let id = entry.installation;
    sink.put(keys::recording(entry.position, id, failed.recording.attempt), encode(&at));
    match &failed.then {
        AfterFailure::Retry { due, attempts } => {
            remove_head(entry, sink);
            let row = QueueRow { enqueued_at: entry.enqueued_at, attempts: *attempts, due: Some(*due) };
            sink.put(keys::queue(id, entry.lane, entry.position), encode(&row));
            sink.put(keys::waiting(id, *due, entry.position), encode(&entry.lane));
        }
        AfterFailure::DeadLetter { letter, next_head } => {
            remove_entry(entry, *next_head, sink);
            sink.put(keys::dead_letter(id, entry.position), encode(letter));
        }
        AfterFailure::Paused { installation } => put_installation(installation, None, sink),
    }
}

fn apply_tried(tried: &OutboxTried, at: Location, sink: &mut impl Sink) {
    let (id, position) = (tried.installation, tried.position);
    sink.delete(keys::outbox_due(tried.was_due, id, position));
    if let OutboxState::Pending { due, .. } = tried.row.state {
        sink.put(keys::outbox_due(due, id, position), Vec::new());
    }
    if matches!(tried.row.state, OutboxState::Held { .. }) {
        sink.put(keys::held(id, position), Vec::new());
    }
    sink.put(keys::outbox(id, position), encode(&tried.row));
    if tried.answer.is_some() {
        sink.put(keys::recording(position, id, keys::SETTLED), encode(&at));
    }
    log_events(tried.answer.as_slice(), at, sink);
}

fn apply_carried(
    events: &[LoggedEvent],
    requests: &[(InstallationId, LoggedRequest)],
    forget: &[Forgotten],
    at: Location,
    sink: &mut impl Sink,
) {
    for (index, logged) in (0..).zip(events) {
        sink.put(keys::event(logged.position), encode(&EventRow { at, index }));
        // It stood in the segment that goes, and an index made again knows only segments that are there.
        if let Some(digest) = &logged.dedupe {
            sink.put(keys::dedupe(digest), encode(&logged.position));
        }
    }
    for (index, (id, request)) in (0..).zip(requests) {
        put_pending(*id, request, at, index, sink);
    }
    for forgotten in forget {
        sink.delete(keys::event(forgotten.position));
        if let Some(digest) = &forgotten.dedupe {
            sink.delete(keys::dedupe(digest));
        }
        for (id, attempt) in &forgotten.recordings {
            sink.delete(keys::recording(forgotten.position, *id, *attempt));
            if *attempt == keys::SETTLED {
                // Of a request; a dead letter has no such row. The request's key stays: it names it for ever.
                sink.delete(keys::outbox(*id, forgotten.position));
            }
        }
    }
}

fn put_installation(installation: &Installation, generation: Option<&GenerationRecord>, sink: &mut impl Sink) {
    sink.put(keys::installation(installation.id), encode(installation));
    if let Some(record) = generation {
        sink.put(keys::generation(installation.id, record.generation), encode(record));
    }
}

fn remove_letters(letters: &[(InstallationId, Position)], at: Location, sink: &mut impl Sink) {
    for (id, position) in letters {
        sink.delete(keys::dead_letter(*id, *position));
        sink.put(keys::recording(*position, *id, keys::SETTLED), encode(&at));
    }
}

/// Takes an entry out of its queue; the next of its lane becomes a head.
fn remove_entry(entry: &Entry, next_head: Option<Position>, sink: &mut impl Sink) {
    remove_head(entry, sink);
    sink.delete(keys::queue(entry.installation, entry.lane, entry.position));
    if let Some(next) = next_head {
        let head = HeadRow { lane: entry.lane, queued: None };
        sink.put(keys::head(entry.installation, next), head.encode());
    }
}

fn remove_head(entry: &Entry, sink: &mut impl Sink) {
    match entry.waited_for {
        Some(due) => sink.delete(keys::waiting(entry.installation, due, entry.position)),
        None => sink.delete(keys::head(entry.installation, entry.position)),
    }
}
