//! Retention: whole segments of the journal go, oldest first; what they hold and is still needed is carried forward.
//!
//! Before a segment goes, the index is exported, because the journal alone can then not make it again.

use std::fs;

use handoff_model::names::{InstallationId, Position};
use handoff_model::time::Timestamp;

use super::changes::{CarriedRequest, Change, Forgotten, Frame, LoggedEvent, LoggedRequest};
use super::committer::Committer;
use super::journal::{self, SegmentNumber, list_segments, remove_segment, scan_segment};
use super::keys::{self, table};
use super::rows::{OutboxRow, OutboxState, decode};
use super::{Reply, Retained, Shared, StoreError, bodies, export, open};

/// Bytes of an old segment that are looked at before what is needed of them is written.
const CHUNK_BYTES: usize = 4 << 20;
/// Bytes of segments dropped by one call: bounds how long commits wait. Bytes, not segments: a call ends with an export
/// of the index, whose cost is the same for few small segments and for many.
const SEGMENT_BYTES_MAX: u64 = 256 << 20;

/// Lets segments go. Commits wait while what is still needed is written again; the rest is done beside them, and answered then.
pub(super) fn retain(committer: &mut Committer, older_than: Timestamp, bytes_max: u64, reply: Reply<Retained>) {
    // Nothing else is being written to the index when the segments' checkpoint starts.
    let carried = carry_all(committer, older_than, bytes_max)
        .and_then(|carried| committer.sync_now().and_then(|()| committer.checkpoints.join()).map(|()| carried));
    match carried {
        Ok((done, segments)) if !segments.is_empty() => {
            // The index must stand after the segments that go, on disk and in its export.
            let shared = committer.shared.clone();
            committer.start_checkpoint(move |written| {
                let done = written.and_then(|()| let_go(&shared, &segments)).map(|()| done);
                // The caller may have gone away: what it asked for is done all the same.
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
) -> Result<(Retained, Vec<SegmentNumber>), StoreError> {
    let mut done = Retained::default();
    let (mut segments, mut bytes_carried) = (Vec::new(), 0);
    for (number, bytes) in candidates(committer, older_than, bytes_max)? {
        carry(committer, number, &mut done)?;
        segments.push(number);
        done.segments += 1;
        bytes_carried += bytes;
        if bytes_carried >= SEGMENT_BYTES_MAX {
            break;
        }
    }
    Ok((done, segments))
}

/// Once a checkpoint stands after them.
fn let_go(shared: &Shared, segments: &[SegmentNumber]) -> Result<(), StoreError> {
    export::write(&shared.options, &shared.view.index())?;
    let dir = open::journal_dir(&shared.options);
    for number in segments {
        remove_segment(&dir, *number)?;
        shared.frames.forget(*number);
    }
    sweep_bodies(shared)
}

/// The oldest segments that are over a bound, with their sizes. Never the newest one.
fn candidates(
    committer: &Committer,
    older_than: Timestamp,
    bytes_max: u64,
) -> Result<Vec<(SegmentNumber, u64)>, StoreError> {
    let dir = open::journal_dir(&committer.shared.options);
    let mut segments = list_segments(&dir)?;
    segments.retain(|number| *number < committer.writer.end().segment);
    let mut sizes = Vec::new();
    for number in segments {
        let path = journal::segment_path(&dir, number);
        let facts = fs::metadata(&path).map_err(|source| StoreError::Io { action: "inspect", path, source })?;
        let written = facts.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let written = written.map_or(u64::MAX, |age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        sizes.push((number, facts.len(), Timestamp(written)));
    }
    let mut total: u64 = sizes.iter().map(|(_, bytes, _)| bytes).sum();
    let mut over = Vec::new();
    for (number, bytes, written) in sizes {
        if written >= older_than && total <= bytes_max {
            break;
        }
        total = total.saturating_sub(bytes);
        over.push((number, bytes));
    }
    Ok(over)
}

/// Writes what a segment holds and is still needed again, and forgets the rest.
fn carry(committer: &mut Committer, number: SegmentNumber, done: &mut Retained) -> Result<(), StoreError> {
    let mut chunk = Chunk::default();
    let dir = open::journal_dir(&committer.shared.options);
    let (_, damage) = scan_segment(&dir, number, 0, |at, payload| {
        let frame = Frame::decode(payload, at)?;
        for logged in frame.events() {
            if !is_current(committer, logged.position, at)? {
                continue; // Carried forward or forgotten before.
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
    })?;
    // What stands after the damage may still be needed: the segment stays.
    if let Some(damage) = damage {
        return Err(damage.error(&dir, number).into());
    }
    chunk.write(committer, done)
}

/// What becomes one frame: a segment in which nearly everything still waits does not fit into one.
#[derive(Default)]
struct Chunk {
    events: Vec<LoggedEvent>,
    requests: Vec<CarriedRequest>,
    forget: Vec<Forgotten>,
    /// Bytes of the frames that it comes from.
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

fn is_current(committer: &Committer, position: Position, at: journal::Location) -> Result<bool, StoreError> {
    let key = keys::event(position);
    let row = committer.shared.view.get(&key)?;
    let row: Option<super::rows::EventRow> = row.map(|row| decode(&key, &row)).transpose()?;
    Ok(row.is_some_and(|row| row.at == at))
}

/// True while the event is in a queue or is a dead letter.
fn is_waiting(committer: &Committer, logged: &LoggedEvent) -> Result<bool, StoreError> {
    for route in &logged.routes {
        let queue = keys::queue(route.installation, route.lane, logged.position);
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
    Ok(Forgotten { position: logged.position, dedupe: logged.dedupe, recordings })
}

/// What a request whose frame is looked at has become.
enum Present {
    /// To be sent, or waiting for a person.
    Needed(Box<CarriedRequest>),
    /// Done with: only its key is kept, for ever, so that it is not sent again.
    Answered,
    /// It lives elsewhere, or it failed: people look for what failed.
    Other,
}

fn present(
    committer: &Committer,
    id: InstallationId,
    request: &LoggedRequest,
    at: journal::Location,
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
            request.row.attempts = row.attempts;
            if let OutboxState::Pending { due, .. } = row.state {
                request.row.due = due;
            }
            Present::Needed(Box::new(CarriedRequest { installation: id, request, state: row.state }))
        }
        OutboxState::Answered { .. } | OutboxState::Discarded { .. } => Present::Answered,
        OutboxState::Failed { .. } => Present::Other,
    })
}

/// An answered request goes like an event, by its place.
fn answered(id: InstallationId, position: Position) -> Forgotten {
    Forgotten { position, dedupe: None, recordings: vec![(id, keys::SETTLED)] }
}

/// Deletes body files that no event names any more.
fn sweep_bodies(shared: &Shared) -> Result<(), StoreError> {
    let mut unnamed = bodies::old(&shared.options)?;
    if unnamed.is_empty() {
        return Ok(()); // The whole journal would be read for nothing, and commits wait meanwhile.
    }
    let dir = open::journal_dir(&shared.options);
    for number in list_segments(&dir)? {
        let (_, damage) = scan_segment(&dir, number, 0, |at, payload| {
            let frame = Frame::decode(payload, at)?;
            for digest in frame.events().filter_map(|event| event.blob) {
                unnamed.remove(&digest);
            }
            Ok::<(), StoreError>(())
        })?;
        // It may have named bodies.
        if let Some(damage) = damage {
            return Err(damage.error(&dir, number).into());
        }
    }
    bodies::remove(&shared.options, &unnamed)
}
