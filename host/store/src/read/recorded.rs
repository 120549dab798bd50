//! Complete recorded deliveries for replay and shadow runs, and the state of the store at that time. Changes nothing,
//! and caches nothing: a run reads far more than the cache holds for running deliveries.

use crate::changes::{Change, Committed, Failed, Frame, LoggedEvent, Recording, RepeatedEvent};
use crate::journal::Location;
use crate::keys;
use crate::keys::table;
use crate::rows::{OutboxRow, TimerRow, decode};
use crate::{Shared, Store, StoreError};
use handoff_model::effects::{LogLine, OutboxRequest, TimerRequest};
use handoff_model::event::Event;
use handoff_model::failure::Failure;
use handoff_model::http::Exchange;
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::time::Timestamp;

/// Positions that one call reads.
const CHUNK: u64 = 2_000;
/// Rows read at once.
const PAGE: usize = 1_000;

/// When a delivery ended, in journal order: earlier ends are less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Location);

/// The location of one attempt's recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordingPlace {
    /// The event's position.
    pub position: Position,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// When it ended.
    pub at: Moment,
}

/// One attempt with everything that a replay needs besides the event and the state.
#[derive(Clone, Debug)]
pub struct RecordedDelivery {
    /// The event's position.
    pub position: Position,
    /// The generation that ran.
    pub generation: Generation,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// The time that the delivery saw.
    pub time: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// How long the connector ran, in microseconds.
    pub duration_us: u64,
    /// Log lines of the connector.
    pub logs: Vec<LogLine>,
    /// Its look-ups.
    pub exchanges: Vec<Exchange>,
    /// The outcome.
    pub outcome: Result<RecordedEffects, Failure>,
}

/// The recorded effects of a commit. Metrics are recorded only as new values, so they are missing here.
#[derive(Clone, Debug, Default)]
pub struct RecordedEffects {
    /// Key → new value, or none for a removal.
    pub state_writes: Vec<(String, Option<Vec<u8>>)>,
    /// Emitted events, in their order, including those without recipients because an event with their source and id was
    /// already in the log.
    pub emitted: Vec<Event>,
    /// Timers that it set.
    pub timers_set: Vec<(String, TimerRequest)>,
    /// Timers that it cancelled and that had been set.
    pub timers_cancelled: Vec<String>,
    /// Requests that it wrote.
    pub requests: Vec<OutboxRequest>,
    /// Keys of requests that were sent before and were therefore dropped.
    pub requests_repeated: Vec<String>,
}

/// The effects of a delivery that later deliveries find in the store.
#[derive(Clone, Debug, Default)]
pub struct RecordedChanges {
    /// The generation that ran.
    pub generation: Generation,
    /// When it ended.
    pub finished_at: Timestamp,
    /// False for an attempt that failed: it changed nothing.
    pub committed: bool,
    /// Key → new value, or none for a removal.
    pub state_writes: Vec<(String, Option<Vec<u8>>)>,
    /// Timers that it set, with their due times; cancelled timers have none.
    pub timers: Vec<(String, Option<Timestamp>)>,
    /// Keys of requests written.
    pub requests: Vec<String>,
}

impl Store {
    /// Recordings of an installation's deliveries of events before a position, by position and attempt, and the
    /// position to continue before; none at the start of the log. Reads a few thousand positions, so the result may be
    /// empty.
    pub fn recordings(
        &self,
        id: InstallationId,
        before: Option<Position>,
    ) -> Result<(Vec<RecordingPlace>, Option<Position>), StoreError> {
        let next = self.shared.next_position.load(std::sync::atomic::Ordering::Relaxed);
        let end = before.map_or(next, |before| before.0.min(next));
        let start = end.saturating_sub(CHUNK);
        let mut after =
            (start > 0).then(|| keys::KeyBuilder::new(table::RECORDING).number(start - 1).bytes(&[u8::MAX; 8]).done());
        let mut found = Vec::new();
        loop {
            let rows = self.shared.view.scan(&[table::RECORDING], after.as_deref(), PAGE)?;
            let is_last = rows.len() < PAGE;
            for (key, row) in &rows {
                let Some((position, installation, attempt)) = parts(key) else { continue };
                if position >= end {
                    return Ok((found, (start > 0).then_some(Position(start))));
                }
                if installation == id && attempt != keys::SETTLED {
                    let at = Moment(decode(key, row)?);
                    found.push(RecordingPlace { position: Position(position), attempt, at });
                }
            }
            if is_last {
                return Ok((found, (start > 0).then_some(Position(start))));
            }
            after = rows.into_iter().next_back().map(|(key, _)| key);
        }
    }

    /// Recordings of an installation's deliveries of one event, by attempt.
    pub fn recordings_of(&self, id: InstallationId, position: Position) -> Result<Vec<RecordingPlace>, StoreError> {
        let prefix = keys::KeyBuilder::new(table::RECORDING).number(position.0).installation(id).done();
        let rows = self.shared.view.scan(&prefix, None, PAGE)?;
        let mut found = Vec::new();
        for (key, row) in &rows {
            if let Some((_, _, attempt)) = parts(key).filter(|(_, _, attempt)| *attempt != keys::SETTLED) {
                found.push(RecordingPlace { position, attempt, at: Moment(decode(key, row)?) });
            }
        }
        Ok(found)
    }

    /// A complete recorded delivery. None if its record was dropped with its segment.
    pub fn recorded(&self, place: RecordingPlace) -> Result<Option<RecordedDelivery>, StoreError> {
        match self.shared.recorded(place.at.0) {
            Some(Recorded::Committed(committed)) => {
                let Committed { recording, exchanges, .. } = committed.as_ref().clone();
                let effects = self.shared.effects(*committed)?;
                Ok(Some(delivery(place.position, recording, exchanges, Ok(effects))))
            }
            Some(Recorded::Failed(failed)) => {
                Ok(Some(delivery(place.position, failed.recording, failed.exchanges, Err(failed.failure))))
            }
            None => Ok(None),
        }
    }

    /// The effects of a recorded delivery on the store. None if its record was dropped with its segment.
    pub fn recorded_changes(&self, place: RecordingPlace) -> Result<Option<RecordedChanges>, StoreError> {
        Ok(match self.shared.recorded(place.at.0) {
            Some(Recorded::Committed(committed)) => {
                let set = committed.timers_set.into_iter().map(|(key, row, _)| (key, Some(row.due)));
                let cancelled = committed.timers_cancelled.into_iter().map(|(key, _)| (key, None));
                Some(RecordedChanges {
                    generation: committed.recording.generation,
                    finished_at: committed.recording.finished_at,
                    committed: true,
                    state_writes: committed.state_writes,
                    timers: set.chain(cancelled).collect(),
                    requests: committed.outbox.into_iter().map(|request| request.request.key).collect(),
                })
            }
            Some(Recorded::Failed(failed)) => Some(RecordedChanges {
                generation: failed.recording.generation,
                finished_at: failed.recording.finished_at,
                ..RecordedChanges::default()
            }),
            None => None,
        })
    }

    /// When an installation wrote the request with a key, if it ever did.
    pub fn request_written_at(&self, id: InstallationId, key: &str) -> Result<Option<Timestamp>, StoreError> {
        let row_key = keys::outbox_key(id, key);
        let Some(row) = self.shared.view.get(&row_key)? else { return Ok(None) };
        let position: Position = decode(&row_key, &row)?;
        let row_key = keys::outbox(id, position);
        let row: Option<OutboxRow> = self.shared.view.get(&row_key)?.map(|row| decode(&row_key, &row)).transpose()?;
        // Its row may be deleted; its key never is.
        Ok(Some(row.map_or(Timestamp(0), |row| row.created_at)))
    }

    /// The due time of a timer that is currently set, and the event whose delivery set it.
    pub fn timer_set(&self, id: InstallationId, key: &str) -> Result<Option<(Timestamp, Position)>, StoreError> {
        let row_key = keys::timer(id, key);
        let row: Option<TimerRow> = self.shared.view.get(&row_key)?.map(|row| decode(&row_key, &row)).transpose()?;
        Ok(row.map(|row| (row.due, row.set_by)))
    }
}

/// A delivery as recorded in a frame.
enum Recorded {
    Committed(Box<Committed>),
    Failed(Box<Failed>),
}

impl Shared {
    /// The delivery that a frame records. The frame is not cached: a run over thousands of frames would evict those
    /// that deliveries need.
    fn recorded(&self, at: Location) -> Option<Recorded> {
        let changes = match self.cache.get(at) {
            Some(frame) => frame.changes.clone(),
            None => {
                // A frame is dropped with its segment, even if the event itself was carried forward.
                let payload = self.journal.read(at).ok()?;
                Frame::decode(&payload, at).ok()?.changes
            }
        };
        changes.into_iter().find_map(|change| match change {
            Change::DeliveryCommitted(committed) => Some(Recorded::Committed(committed)),
            Change::DeliveryFailed(failed) => Some(Recorded::Failed(failed)),
            _ => None,
        })
    }

    fn effects(&self, committed: Committed) -> Result<RecordedEffects, StoreError> {
        let whole = |logged: LoggedEvent| self.with_body(logged.event, logged.blob);
        let timer = |(key, row, _): (String, TimerRow, _)| (key, TimerRequest { at: row.due, event: row.event });
        let mut emitted = committed.emitted.into_iter().map(whole).collect::<Result<Vec<_>, _>>()?;
        // They are ascending: all events before each one are already inserted.
        let repeated = committed.repeated.map(|repeated| repeated.events).unwrap_or_default();
        for RepeatedEvent { place, event, .. } in repeated {
            emitted.insert(usize::try_from(place).unwrap_or(usize::MAX).min(emitted.len()), event);
        }
        Ok(RecordedEffects {
            state_writes: committed.state_writes,
            emitted,
            timers_set: committed.timers_set.into_iter().map(timer).collect(),
            timers_cancelled: committed.timers_cancelled.into_iter().map(|(key, _)| key).collect(),
            requests: committed.outbox.into_iter().map(|logged| logged.request).collect(),
            requests_repeated: committed.outbox_repeated,
        })
    }
}

/// Position, installation and attempt, from a recording's key.
fn parts(key: &[u8]) -> Option<(u64, InstallationId, u32)> {
    let attempt = key.last_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes))?;
    Some((keys::number_at(key, 1)?, keys::installation_at(key, 9)?, attempt))
}

fn delivery(
    position: Position,
    recording: Recording,
    exchanges: Vec<Exchange>,
    outcome: Result<RecordedEffects, Failure>,
) -> RecordedDelivery {
    let Recording { generation, attempt, time, finished_at, duration_us, input: _, logs } = recording;
    RecordedDelivery { position, generation, attempt, time, finished_at, duration_us, logs, exchanges, outcome }
}
