//! Turns the changes of a frame into index writes. Reads nothing: the same frame always gives the same writes.

mod requests;
mod rollback;

use handoff_model::names::{InstallationId, Position};
use handoff_model::time::Timestamp;

use super::changes::{
    AddedGeneration, AfterFailure, Change, Committed, Entry, Failed, Forgotten, Frame, LoggedEvent, Withdrawn,
    WithdrawnEntry,
};
use super::journal::Location;
use super::rows::{DetailsRow, EventRow, HeadRow, QueueRow, TimerRow, encode};
use super::{audit, keys};

/// Receives the writes.
pub(super) trait Sink {
    /// Inserts a key that no layer holds yet.
    fn insert(&mut self, key: keys::Key, value: Vec<u8>);
    /// Writes a key that may exist.
    fn put(&mut self, key: keys::Key, value: Vec<u8>);
    /// Deletes a key.
    fn delete(&mut self, key: keys::Key);
}

/// Applies the writes of a frame at `at`. The frame holds everything that a write needs: nothing is read.
pub(super) fn apply(frame: &Frame, at: Location, sink: &mut impl Sink) {
    let mut from = Indexes { at, event: 0, request: 0 };
    for change in &frame.changes {
        apply_change(change, from, sink);
        from.event = from.event.saturating_add(count(change.events().len()));
        from.request = from.request.saturating_add(count(change.request_count()));
    }
}

/// The frame, and the indexes in it of the change's first event and first request.
#[derive(Clone, Copy)]
struct Indexes {
    at: Location,
    event: u32,
    request: u32,
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn apply_change(change: &Change, from: Indexes, sink: &mut impl Sink) {
    let at = from.at;
    match change {
        Change::EventsAppended { events, tick } => {
            log_events(events, from, sink);
            if let Some(tick) = tick {
                sink.put(keys::tick(tick.installation, &tick.schedule), encode(&tick.at));
            }
        }
        Change::DeliveryCommitted(committed) => apply_committed(committed, from, sink),
        Change::DeliveryFailed(failed) => apply_failed(failed, at, sink),
        Change::SendStarted(started) => requests::apply_started(started, sink),
        Change::SendFinished(finished) => requests::apply_finished(finished, from, sink),
        Change::RequestsMoved(moved) => moved.iter().for_each(|moved| requests::apply_moved(moved, sink)),
        Change::TimersFired { timers, events } => {
            for (installation, key, due) in timers {
                sink.delete(keys::timer(*installation, key));
                sink.delete(keys::timer_due(*due, *installation, key));
            }
            log_events(events, from, sink);
        }
        Change::TimersRestored { installation, set, removed } => write_timers(*installation, set, removed, sink),
        Change::StateWritten { installation, writes } => write_state(*installation, writes, sink),
        Change::InstallationPut(installation) => {
            sink.put(keys::installation(installation.id), encode(installation));
        }
        Change::GenerationAdded(added) => {
            let AddedGeneration { installation, record, details, committed } = added.as_ref();
            sink.put(keys::generation(*installation, record.generation), encode(record));
            let row = DetailsRow { details: details.clone(), committed: *committed, at };
            sink.put(keys::details(*installation, record.generation), encode(&row));
        }
        Change::StateSchemaSet { installation, generation, schema } => {
            sink.put(keys::state_schema(*installation, *generation), encode(schema));
        }
        Change::DeadLettersRedriven { letters, events, .. } => {
            remove_dead_letters(letters, at, sink);
            log_events(events, from, sink);
        }
        Change::DeadLettersDiscarded { letters, .. } => remove_dead_letters(letters, at, sink),
        Change::EventsCarried(events) => apply_carried(events, from, sink),
        Change::RequestsCarried(carried) => requests::apply_carried(carried, from, sink),
        Change::EventsForgotten(forgotten) => forgotten.iter().for_each(|forgotten| forget(forgotten, sink)),
        Change::UndoBegun { installation, generation, at } => {
            sink.put(keys::undo_since(*installation, *generation), encode(at));
        }
        Change::UndoAdded(undo) => rollback::add_undo(undo, sink),
        Change::UndoClosed { installation, generation } => sink.delete(keys::undo_since(*installation, *generation)),
        Change::UndoDropped { installation, generation, rows, is_all } => {
            rollback::drop_undo(*installation, *generation, rows, *is_all, sink);
        }
        Change::RollbackMoved(marker) => sink.put(keys::rollback_job(marker.installation), encode(marker)),
        Change::RollbackForgotten { installation } => sink.delete(keys::rollback_job(*installation)),
        Change::EventsRequeued(requeued) => rollback::apply_requeued(requeued, sink),
        Change::EventsWithdrawn(withdrawn) => apply_withdrawn(withdrawn, at, sink),
        Change::RetriesMoved { installation, due, moved } => {
            rollback::move_retries(*installation, *due, moved, sink);
        }
        Change::AuditAppended(entry) => {
            sink.put(keys::audit(entry.number), encode(entry));
            sink.put(keys::meta(audit::HEAD), encode(&(entry.number, entry.hash)));
        }
        Change::HostRecordSet(record) => record.apply(sink),
        Change::Uninstalled(uninstalled) => {
            let id = uninstalled.installation.id;
            sink.delete(keys::installation(id));
            sink.put(keys::uninstalled(id), encode(uninstalled));
        }
        Change::RowsDropped { keys, .. } => keys.iter().for_each(|key| sink.delete(keys::Key::from_slice(key))),
    }
}

fn log_events(events: &[LoggedEvent], from: Indexes, sink: &mut impl Sink) {
    for (index, logged) in (from.event..).zip(events) {
        sink.insert(keys::event(logged.position), encode(&EventRow { at: from.at, index }));
        if let Some(digest) = &logged.dedupe {
            sink.insert(keys::dedupe(digest), encode(&logged.position));
        }
        for route in &logged.routes {
            let row = QueueRow { enqueued_at: logged.received_at, attempts: 0, due: None };
            sink.insert(keys::queue(route.installation, route.queue_key, logged.position), encode(&row));
            if route.head {
                let head = HeadRow { queue_key: route.queue_key, queued: Some(row) };
                sink.insert(keys::head(route.installation, logged.position), head.encode());
            }
        }
    }
}

fn apply_committed(committed: &Committed, from: Indexes, sink: &mut impl Sink) {
    let Committed { entry, next_head, recording, .. } = committed;
    let id = entry.installation;
    remove_entry(entry, *next_head, sink);
    sink.put(keys::recording(entry.position, id, recording.attempt), encode(&from.at));
    write_state(id, &committed.state_writes, sink);
    log_events(&committed.emitted, from, sink);
    if let Some(repeated) = &committed.repeated {
        sink.put(keys::repeated(id), encode(&repeated.so_far));
    }
    write_timers(id, &committed.timers_set, &committed.timers_cancelled, sink);
    requests::apply_written(id, &committed.outbox, from, sink);
    for (metric, row) in &committed.metrics {
        sink.put(keys::metric(id, metric), encode(row));
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

fn apply_failed(failed: &Failed, at: Location, sink: &mut impl Sink) {
    let entry = &failed.entry;
    let id = entry.installation;
    sink.put(keys::recording(entry.position, id, failed.recording.attempt), encode(&at));
    match &failed.then {
        AfterFailure::Retry { due, attempts } => {
            remove_head(entry, sink);
            let row = QueueRow { enqueued_at: entry.enqueued_at, attempts: *attempts, due: Some(*due) };
            sink.put(keys::queue(id, entry.queue_key, entry.position), encode(&row));
            sink.put(keys::waiting(id, *due, entry.position), encode(&entry.queue_key));
        }
        AfterFailure::DeadLetter { letter, next_head } => {
            remove_entry(entry, *next_head, sink);
            sink.put(keys::dead_letter(id, entry.position), encode(letter));
        }
        AfterFailure::Paused => {}
    }
}

fn apply_carried(events: &[LoggedEvent], from: Indexes, sink: &mut impl Sink) {
    for (index, logged) in (from.event..).zip(events) {
        sink.put(keys::event(logged.position), encode(&EventRow { at: from.at, index }));
        // The event was in the dropped segment, and a rebuilt index knows only segments that still exist.
        if let Some(digest) = &logged.dedupe {
            sink.put(keys::dedupe(digest), encode(&logged.position));
        }
    }
}

fn forget(forgotten: &Forgotten, sink: &mut impl Sink) {
    sink.delete(keys::event(forgotten.position));
    if let Some(digest) = &forgotten.dedupe {
        sink.delete(keys::dedupe(digest));
    }
    for (id, attempt) in &forgotten.recordings {
        sink.delete(keys::recording(forgotten.position, *id, *attempt));
        if *attempt == keys::SETTLED {
            // For a request; a dead letter has no such row. The row of the request's key stays forever.
            sink.delete(keys::outbox(*id, forgotten.position));
        }
    }
}

fn remove_dead_letters(letters: &[(InstallationId, Position)], at: Location, sink: &mut impl Sink) {
    for (id, position) in letters {
        sink.delete(keys::dead_letter(*id, *position));
        sink.put(keys::recording(*position, *id, keys::SETTLED), encode(&at));
    }
}

fn apply_withdrawn(withdrawn: &Withdrawn, at: Location, sink: &mut impl Sink) {
    for WithdrawnEntry { entry, letter } in &withdrawn.entries {
        remove_entry(entry, None, sink);
        match letter {
            Some(letter) => sink.put(keys::dead_letter(entry.installation, entry.position), encode(letter)),
            None => sink.put(keys::recording(entry.position, entry.installation, keys::SETTLED), encode(&at)),
        }
    }
    for (id, queue_key, position) in &withdrawn.heads {
        sink.put(keys::head(*id, *position), HeadRow { queue_key: *queue_key, queued: None }.encode());
    }
    withdrawn.forgotten.iter().for_each(|digest| sink.delete(keys::dedupe(digest)));
}

/// Removes an entry from its queue; the next entry of that queue becomes a head.
fn remove_entry(entry: &Entry, next_head: Option<Position>, sink: &mut impl Sink) {
    remove_head(entry, sink);
    sink.delete(keys::queue(entry.installation, entry.queue_key, entry.position));
    if let Some(next) = next_head {
        let head = HeadRow { queue_key: entry.queue_key, queued: None };
        sink.put(keys::head(entry.installation, next), head.encode());
    }
}

fn remove_head(entry: &Entry, sink: &mut impl Sink) {
    match entry.waited_for {
        Some(due) => sink.delete(keys::waiting(entry.installation, due, entry.position)),
        None => sink.delete(keys::head(entry.installation, entry.position)),
    }
}
