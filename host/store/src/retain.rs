//! Retention: drops whole segments of the journal, oldest first, and carries forward what is still needed. Sets no
//! limits itself.
//!
//! The index is exported before a segment is dropped, because the journal alone can then no longer rebuild it.

use handoff_model::names::{InstallationId, Position};
use handoff_model::time::Timestamp;

use super::changes::{CarriedRequest, Change, Forgotten, Frame, LoggedEvent, LoggedRequest};
use super::committer::Committer;
use super::journal::{Location, Segment, try_visit};
use super::keys::{self, table};
use super::rows::{OutboxRow, OutboxState, decode};
use super::{Reply, Retained, Shared, StoreError, bodies, export};

/// Bytes of an old segment that are read before the needed part of them is written.
const CHUNK_BYTES: usize = 4 << 20;
/// Bytes of segments that one call drops: bounds how long commits wait. The limit is in bytes, not segments: a call
/// ends with an export of the index, which costs the same for a few small segments as for many.
const SEGMENT_BYTES_MAX: u64 = 256 << 20;

/// Drops segments. Commits wait while needed data is written again; the rest runs in parallel, and the answer is sent
/// at the end.
pub(super) fn retain(committer: &mut Committer, older_than: Timestamp, bytes_max: u64, reply: Reply<Retained>) {
    // Nothing else may be writing to the index when the segments' checkpoint starts.
    let carried = carry_all(committer, older_than, bytes_max)
        .and_then(|carried| committer.sync_now().and_then(|()| committer.checkpoints.join()).map(|()| carried));
    match carried {
        Ok((done, Some(last))) => {
            // The index on disk and its export must cover the dropped segments.
            let (shared, stands_for) = (committer.shared.clone(), committer.end());
            committer.start_checkpoint(move |written| {
                let let_go = written.and_then(|()| let_go(&shared, stands_for, last));
                let done = let_go.map(|dropped| if dropped { done } else { Retained { segments: 0, ..done } });
                // The caller may have stopped waiting: the requested work is done all the same.
                drop(reply.send(done));
            });
        }
        done => committer.answer(reply, done.map(|(done, _)| done)),
    }
}

fn carry_all(
    committer: &mut Committer,
    older_than: Timestamp,
    bytes_max: u64,
) -> Result<(Retained, Option<u64>), StoreError> {
    let mut done = Retained::default();
    let (mut last, mut bytes_carried) = (None, 0);
    for Segment { number, bytes, .. } in candidates(committer, older_than, bytes_max)? {
        carry(committer, number, &mut done)?;
        last = Some(number);
        done.segments += 1;
        bytes_carried += bytes;
        if bytes_carried >= SEGMENT_BYTES_MAX {
            break;
        }
    }
    Ok((done, last))
}

/// Drops the segments up to `last`, once a checkpoint covers them. False if a backup is copying them: they are dropped
/// the next time, and checkpoints do not wait for the copy.
fn let_go(shared: &Shared, stands_for: Location, last: u64) -> Result<bool, StoreError> {
    let Some(_no_backup) = shared.retention.try_lock() else { return Ok(false) };
    let index = shared.view.index();
    shared.journal.retire(stands_for, last.saturating_add(1), &mut |out| export::write(&index, out))?;
    sweep_bodies(shared)?;
    Ok(true)
}

/// The oldest segments that exceed a limit. Never the newest one.
fn candidates(committer: &Committer, older_than: Timestamp, bytes_max: u64) -> Result<Vec<Segment>, StoreError> {
    let mut segments = committer.shared.journal.segments()?;
    segments.retain(|segment| segment.number < committer.end().segment);
    let mut total: u64 = segments.iter().map(|segment| segment.bytes).sum();
    let mut over = Vec::new();
    for segment in segments {
        // A segment with an unknown closing time counts as recent.
        let is_old = segment.closed_at.is_some_and(|closed_at| closed_at < older_than);
        if !is_old && total <= bytes_max {
            break;
        }
        total = total.saturating_sub(segment.bytes);
        over.push(segment);
    }
    Ok(over)
}

/// Writes the needed contents of a segment again, and deletes the rest.
fn carry(committer: &mut Committer, number: u64, done: &mut Retained) -> Result<(), StoreError> {
    let mut chunk = Chunk::default();
    let journal = committer.shared.journal.clone();
    let visit = |at, payload: &[u8]| {
        let frame = Frame::decode(payload, at)?;
        for logged in frame.events() {
            if !is_current(committer, logged.position, at)? {
                continue; // Carried forward or deleted before.
            }
            if is_waiting(committer, logged)? {
                chunk.events.push(logged.clone());
            } else {
                chunk.forget.push(forgotten(committer, logged)?);
            }
        }
        for (id, request) in frame.changes.iter().flat_map(requests_of) {
            match present(committer, id, request, at)? {
                Present::Needed(carried) => chunk.requests.push(*carried),
                Present::Answered => chunk.forget.push(answered(id, request.position)),
                Present::Other => {}
            }
        }
        chunk.bytes += payload.len();
        if chunk.bytes >= CHUNK_BYTES { std::mem::take(&mut chunk).write(committer, done) } else { Ok(()) }
    };
    // A damaged segment is kept: data after the damage may still be needed.
    let segment = Location { segment: number, offset: 0 }..Location { segment: number.saturating_add(1), offset: 0 };
    try_visit(visit, |visit| journal.scan(segment, visit))?;
    chunk.write(committer, done)
}

/// The contents of one frame: a segment that is nearly all still needed does not fit into one frame.
#[derive(Default)]
struct Chunk {
    events: Vec<LoggedEvent>,
    requests: Vec<CarriedRequest>,
    forget: Vec<Forgotten>,
    /// The size of the frames that they come from, in bytes.
    bytes: usize,
}

impl Chunk {
    fn write(self, committer: &mut Committer, done: &mut Retained) -> Result<(), StoreError> {
        let Self { events, requests, forget, .. } = self;
        if events.is_empty() && requests.is_empty() && forget.is_empty() {
            return Ok(());
        }
        done.carried += u64::try_from(events.len() + requests.len()).unwrap_or(0);
        done.forgotten += u64::try_from(forget.len()).unwrap_or(0);
        let changes = [
            (!events.is_empty()).then_some(Change::EventsCarried(events)),
            (!requests.is_empty()).then_some(Change::RequestsCarried(requests)),
            (!forget.is_empty()).then_some(Change::EventsForgotten(forget)),
        ];
        committer.write(changes.into_iter().flatten().collect())?;
        committer.sync_now()
    }
}

fn requests_of(change: &Change) -> Vec<(InstallationId, &LoggedRequest)> {
    match change {
        Change::DeliveryCommitted(committed) => {
            committed.outbox.iter().map(|request| (committed.entry.installation, request)).collect()
        }
        Change::RequestsCarried(carried) => {
            carried.iter().map(|carried| (carried.installation, &carried.request)).collect()
        }
        _ => Vec::new(),
    }
}

fn is_current(committer: &Committer, position: Position, at: Location) -> Result<bool, StoreError> {
    let key = keys::event(position);
    let row = committer.shared.view.get(&key)?;
    let row: Option<super::rows::EventRow> = row.map(|row| decode(&key, &row)).transpose()?;
    Ok(row.is_some_and(|row| row.at == at))
}

/// True while the event is in a queue or is a dead letter.
fn is_waiting(committer: &Committer, logged: &LoggedEvent) -> Result<bool, StoreError> {
    for route in &logged.routes {
        let queue = keys::queue(route.installation, route.queue_key, logged.position);
        let letter = keys::dead_letter(route.installation, logged.position);
        if committer.shared.view.get(&queue)?.is_some() || committer.shared.view.get(&letter)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn forgotten(committer: &Committer, logged: &LoggedEvent) -> Result<Forgotten, StoreError> {
    let prefix = keys::KeyBuilder::new(table::RECORDING).number(logged.position.0).done();
    let rows = committer.shared.view.scan(&prefix, None, 10_000)?;
    let recordings = rows
        .iter()
        .filter_map(|(key, _)| {
            let attempt = key.last_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes))?;
            Some((keys::installation_at(key, 9)?, attempt))
        })
        .collect();
    // A withdrawn event may have been emitted again.
    let dedupe = match logged.dedupe {
        Some(digest) => {
            let key = keys::dedupe(&digest);
            let row: Option<Position> = committer.shared.view.get(&key)?.map(|row| decode(&key, &row)).transpose()?;
            row.filter(|known| *known == logged.position).map(|_| digest)
        }
        None => None,
    };
    Ok(Forgotten { position: logged.position, dedupe, recordings })
}

/// The state of a request whose frame is being read.
enum Present {
    /// To be sent, or waiting for a person.
    Needed(Box<CarriedRequest>),
    /// Answered: only its key is kept, forever, so that it is not sent again.
    Answered,
    /// It is in another frame, or it failed: failed requests are kept for people.
    Other,
}

fn present(
    committer: &Committer,
    id: InstallationId,
    request: &LoggedRequest,
    at: Location,
) -> Result<Present, StoreError> {
    let key = keys::outbox(id, request.position);
    let Some(row) = committer.shared.view.get(&key)? else { return Ok(Present::Other) };
    let row: OutboxRow = decode(&key, &row)?;
    if row.at != at {
        return Ok(Present::Other);
    }
    Ok(match row.state {
        OutboxState::Pending { .. } | OutboxState::Held { .. } => {
            let mut request = request.clone();
            (request.row.attempts, request.row.sent) = (row.attempts, row.sent);
            request.row.state_undone = row.state_undone;
            if let OutboxState::Pending { due, .. } = row.state {
                request.row.due = due;
            }
            Present::Needed(Box::new(CarriedRequest { installation: id, request, state: row.state }))
        }
        OutboxState::Answered { .. } | OutboxState::Discarded { .. } => Present::Answered,
        OutboxState::Failed { .. } => Present::Other,
    })
}

/// An answered request is deleted like an event, by its position.
fn answered(id: InstallationId, position: Position) -> Forgotten {
    Forgotten { position, dedupe: None, recordings: vec![(id, keys::SETTLED)] }
}

/// Deletes body files that no event refers to.
fn sweep_bodies(shared: &Shared) -> Result<(), StoreError> {
    let journal = shared.journal.as_ref();
    let mut unnamed = bodies::old(journal)?;
    if unnamed.is_empty() {
        return Ok(()); // Nothing to delete, so the journal need not be read.
    }
    let visit = |at, payload: &[u8]| {
        for digest in Frame::decode(payload, at)?.events().filter_map(|event| event.blob) {
            unnamed.remove(&digest);
        }
        Ok::<(), StoreError>(())
    };
    let durable = *shared.durable.lock();
    try_visit(visit, |visit| journal.scan(Location::default()..durable, visit))?;
    Ok(bodies::remove(journal, &unnamed)?)
}
