//! Index writes for outbox requests. Reads nothing.

use handoff_model::names::{InstallationId, Position};
use handoff_model::track_record::target_of;

use crate::changes::{
    CarriedRequest, LoggedRequest, MovedRequest, OutboxFacts, SendFinished, SendStarted, StateBefore,
};
use crate::keys;
use crate::rows::{OutboxRow, OutboxState, encode};

use super::{Indexes, Sink, log_events};

/// New requests of a delivery.
pub(super) fn apply_written(id: InstallationId, written: &[LoggedRequest], from: Indexes, sink: &mut impl Sink) {
    for (index, request) in (from.request..).zip(written) {
        // It may replace the row of a held request.
        sink.put(keys::outbox_key(id, &request.row.key), encode(&request.position));
        let state = OutboxState::Pending { due: request.row.due, last_error: None };
        put(id, request, state, index, from, sink);
    }
}

/// Requests that are written again before their segment is dropped.
pub(super) fn apply_carried(carried: &[CarriedRequest], from: Indexes, sink: &mut impl Sink) {
    for (index, CarriedRequest { installation, request, state }) in (from.request..).zip(carried) {
        put(*installation, request, state.clone(), index, from, sink);
    }
}

fn put(
    id: InstallationId,
    request: &LoggedRequest,
    state: OutboxState,
    index: u32,
    from: Indexes,
    sink: &mut impl Sink,
) {
    let OutboxFacts { key, generation, created_at, cause, scope, attempts, sent, state_undone, due: _ } =
        request.row.clone();
    let target = target_of(&request.request.request.url).to_owned();
    let row = OutboxRow {
        at: from.at,
        index,
        key,
        target,
        generation,
        created_at,
        cause,
        scope,
        attempts,
        sent,
        state_undone,
        state,
    };
    put_row(id, request.position, &row, sink);
}

pub(super) fn apply_started(started: &SendStarted, sink: &mut impl Sink) {
    sink.put(keys::outbox(started.installation, started.position), encode(&started.row));
}

pub(super) fn apply_finished(finished: &SendFinished, from: Indexes, sink: &mut impl Sink) {
    let (id, position) = (finished.installation, finished.position);
    delete_before(id, position, finished.before, sink);
    put_row(id, position, &finished.row, sink);
    if finished.answer.is_some() {
        sink.put(keys::recording(position, id, keys::SETTLED), encode(&from.at));
    }
    log_events(finished.answer.as_slice(), from, sink);
}

pub(super) fn apply_moved(moved: &MovedRequest, sink: &mut impl Sink) {
    delete_before(moved.installation, moved.position, moved.before, sink);
    put_row(moved.installation, moved.position, &moved.row, sink);
}

/// Deletes the rows that index a request by its previous state.
fn delete_before(id: InstallationId, position: Position, before: StateBefore, sink: &mut impl Sink) {
    match before {
        StateBefore::Pending { due } => sink.delete(keys::outbox_due(due, id, position)),
        StateBefore::Held => sink.delete(keys::held(id, position)),
    }
}

/// Writes a request, and the row that indexes it by its state.
fn put_row(id: InstallationId, position: Position, row: &OutboxRow, sink: &mut impl Sink) {
    sink.put(keys::outbox(id, position), encode(row));
    match row.state {
        OutboxState::Pending { due, .. } => sink.put(keys::outbox_due(due, id, position), Vec::new()),
        OutboxState::Held { .. } => sink.put(keys::held(id, position), Vec::new()),
        OutboxState::Answered { .. } | OutboxState::Failed { .. } | OutboxState::Discarded { .. } => {}
    }
}
