//! Reads the store: state for deliveries, queues for the dispatcher, the outbox for the sender. Writes nothing.
//!
//! Queries for people are in `read/history.rs` (events, traces), `read/logs.rs` and `read/states.rs`; reads for replays
//! are in `read/recorded.rs`.

mod cache;
mod handled;
mod history;
mod logs;
mod recorded;
mod state;
mod states;
mod timers;

use std::sync::Arc;

use handoff_model::effects::OutboxRequest;
use handoff_model::event::Event;
use handoff_model::installation::{GenerationDetails, GenerationRecord, Installation};
use handoff_model::names::{Generation, InstallationId, InstallationName, Position};
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;

pub(super) use cache::Cache;
pub(super) use handled::{Handled, Window};
pub use history::{AttemptRecord, DeadLetter, EmittedRef, EventFilter, OutboxEntry, StoredEvent, TimerRef};
pub use logs::{LogPage, LoggedLine};
pub use recorded::{Moment, RecordedChanges, RecordedDelivery, RecordedEffects, RecordingPlace};
pub(super) use state::Restoring;
pub use states::{RouteState, Standing};
pub use timers::StoredTimer;

use super::changes::{CauseRef, Change, Frame, LoggedEvent, LoggedRequest};
use super::journal::Location;
use super::keys::{self, QueueKey, table};
use super::rows::{DetailsRow, EventRow, HeadRow, MetricRow, OutboxRow, OutboxState, QueueRow, RepeatedEvents, decode};
use super::{InstallationCounts, Shared, Snapshot, Store, StoreError, Wakeups, bodies};

/// An entry that may be delivered now: the first of its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The entry.
    pub position: Position,
    /// Its queue.
    pub queue_key: QueueKey,
}

/// An entry with everything that its delivery needs.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The event.
    pub event: Event,
    /// Failed attempts so far.
    pub attempts: u32,
    /// When it was queued.
    pub enqueued_at: Timestamp,
    /// The delivery that emitted it.
    pub cause: Option<CauseRef>,
    /// The scope of the event.
    pub scope: Scope,
}

/// The generations that a rollback rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftBy {
    /// The first of them.
    pub first: Generation,
    /// State and timers were restored to what they were before that generation.
    pub restored: bool,
}

/// A request that is due.
#[derive(Clone, Debug)]
pub struct DueRequest {
    /// The installation that sends it.
    pub installation: InstallationId,
    /// Its position.
    pub position: Position,
    /// The generation that wrote it.
    pub generation: Generation,
    /// The request to send.
    pub request: OutboxRequest,
    /// Attempts so far.
    pub attempts: u32,
    /// When it was written.
    pub created_at: Timestamp,
}

impl Store {
    /// All installations, by number.
    #[must_use]
    pub fn installations(&self) -> Vec<Arc<Installation>> {
        self.shared.installations.read().values().cloned().collect()
    }

    /// An installation by name.
    #[must_use]
    pub fn installation(&self, name: &InstallationName) -> Option<Arc<Installation>> {
        self.shared.installations.read().values().find(|installation| installation.name == *name).cloned()
    }

    /// An installation by number.
    #[must_use]
    pub fn installation_by_id(&self, id: InstallationId) -> Option<Arc<Installation>> {
        self.shared.installations.read().get(&id).cloned()
    }

    /// An installation by number, or as it was last if it was uninstalled. For people who read what happened.
    #[must_use]
    pub fn last_known(&self, id: InstallationId) -> Option<Arc<Installation>> {
        let ended = || Some(Arc::new(self.shared.uninstalled.read().get(&id)?.installation.clone()));
        self.installation_by_id(id).or_else(ended)
    }

    /// All generations of an installation, ascending.
    pub fn generations(&self, id: InstallationId) -> Result<Vec<GenerationRecord>, StoreError> {
        self.shared.generations(id)
    }

    /// The details stored beside a generation's record. None if there is no such generation.
    pub fn generation_details(
        &self,
        id: InstallationId,
        generation: Generation,
    ) -> Result<Option<GenerationDetails>, StoreError> {
        Ok(self.shared.details(id, generation)?.map(|row| row.details))
    }

    /// The counts of an installation.
    #[must_use]
    pub fn counts(&self, id: InstallationId) -> InstallationCounts {
        self.shared.counts.read().of(id)
    }

    /// What a rollback rolled back, according to its record. None if the record's segment was dropped, or if the
    /// generation was not made by a rollback.
    pub fn left_by(&self, id: InstallationId, generation: Generation) -> Result<Option<LeftBy>, StoreError> {
        let Some(row) = self.shared.details(id, generation)? else { return Ok(None) };
        let Ok(frame) = self.shared.frame(row.at) else { return Ok(None) };
        Ok(frame.changes.iter().find_map(|change| match change {
            Change::RollbackMoved(marker) if marker.generation == generation => {
                Some(LeftBy { first: marker.done.left.0, restored: marker.restore })
            }
            _ => None,
        }))
    }

    /// Wakes the tasks that wait for the store.
    #[must_use]
    pub fn wakeups(&self) -> &Wakeups {
        &self.shared.wakeups
    }

    /// Takes a snapshot to read state for a delivery.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshots.take()
    }

    /// Entries of an installation that may be delivered now, after a position, ascending.
    pub fn ready(&self, id: InstallationId, after: Option<Position>, limit: usize) -> Result<Vec<Ready>, StoreError> {
        // Read before the rows: everything that a rollback has requeued up to here is visible below.
        let last = self.shared.delivers_up_to(id);
        let after = after.map(|position| keys::head(id, position));
        let rows = self.shared.view.scan(&keys::prefix(table::HEAD, Some(id)), after.as_deref(), limit)?;
        let mut found = Vec::with_capacity(rows.len());
        for (key, row) in &rows {
            let ready = ready(key, HeadRow::decode(key, row)?.queue_key);
            if ready.position > last {
                break;
            }
            found.push(ready);
        }
        Ok(found)
    }

    /// Entries whose retry is due, and the due time of the next one after them.
    pub fn due_retries(
        &self,
        id: InstallationId,
        now: Timestamp,
        limit: usize,
    ) -> Result<(Vec<Ready>, Option<Timestamp>), StoreError> {
        let last = self.shared.delivers_up_to(id);
        let rows = self.shared.view.scan(&keys::prefix(table::WAITING, Some(id)), None, limit)?;
        let mut due = Vec::new();
        for (key, row) in &rows {
            let at = Timestamp(keys::number_at(key, 5).unwrap_or(0));
            if at > now {
                return Ok((due, Some(at)));
            }
            due.extend(Some(ready(key, decode(key, row)?)).filter(|ready| ready.position <= last));
        }
        Ok((due, None))
    }

    /// An entry with its event. None if it is no longer in the queue.
    pub fn claim(&self, id: InstallationId, entry: Ready) -> Result<Option<Claim>, StoreError> {
        let Some(row) = self.shared.queued(id, entry)? else { return Ok(None) };
        let logged = self.shared.logged_event(entry.position)?.ok_or(StoreError::NoEvent(entry.position.0))?;
        let event = self.shared.with_body(logged.event, logged.blob)?;
        let (cause, scope) = (logged.cause, logged.scope);
        Ok(Some(Claim { event, attempts: row.attempts, enqueued_at: row.enqueued_at, cause, scope }))
    }

    /// Whether an event of a scope reaches an installation only because it is shared.
    #[must_use]
    pub fn is_shared(&self, installation: &Installation, event: &Scope) -> bool {
        !installation.scope.covers(event, &self.shared.options.groups)
    }

    /// The scope in which an installation handles an event of a scope: what the committer gives to its effects, and
    /// what the connector sees.
    #[must_use]
    pub fn handled_scope(&self, installation: &Installation, event: &Scope) -> Scope {
        installation.scope.handles_in(event, &self.shared.options.groups)
    }

    /// Failed attempts at an entry so far. None if it is no longer in the queue. Does not read its event.
    pub fn failed_attempts(&self, id: InstallationId, entry: Ready) -> Result<Option<u32>, StoreError> {
        Ok(self.shared.queued(id, entry)?.map(|row| row.attempts))
    }

    /// Requests that are due, and the due time of the next one after them. Returns only durable requests: nothing is
    /// sent before. Fails once the store has stopped: another process may then lead, and this one must not send.
    pub fn due_requests(
        &self,
        now: Timestamp,
        limit: usize,
        skip: impl Fn(InstallationId, Position) -> bool,
    ) -> Result<(Vec<DueRequest>, Option<Timestamp>), StoreError> {
        self.shared.check_running()?;
        let durable = *self.shared.durable.lock();
        let mut due = Vec::new();
        let mut after = None;
        loop {
            let rows = self.shared.view.scan(&[table::OUTBOX_DUE], after.as_deref(), 256)?;
            let is_last = rows.len() < 256;
            for (key, _) in &rows {
                let at = Timestamp(keys::number_at(key, 1).unwrap_or(0));
                if at > now {
                    return Ok((due, Some(at)));
                }
                let (Some(id), Some(position)) = (keys::installation_at(key, 9), keys::last_number(key)) else {
                    continue;
                };
                let position = Position(position);
                if skip(id, position) {
                    continue;
                }
                match self.shared.due_request(id, position, durable) {
                    Ok(request) => due.extend(request),
                    // A request that cannot be read must not block all others.
                    Err(error) => {
                        tracing::error!(installation = id.0, position = position.0, %error, "a request cannot be read")
                    }
                }
                if due.len() == limit {
                    return Ok((due, Some(now)));
                }
            }
            if is_last {
                return Ok((due, None));
            }
            after = rows.into_iter().next_back().map(|(key, _)| key);
        }
    }

    /// The repeated events of the last generation of an installation that emitted any. None if no generation did.
    pub fn repeated_events(&self, id: InstallationId) -> Result<Option<RepeatedEvents>, StoreError> {
        let key = keys::repeated(id);
        self.shared.view.get(&key)?.map(|row| decode(&key, &row)).transpose()
    }

    /// The metrics of an installation.
    pub fn metrics(&self, id: InstallationId) -> Result<Vec<MetricRow>, StoreError> {
        let rows = self.shared.view.scan(&keys::prefix(table::METRIC, Some(id)), None, 10_000)?;
        rows.iter().map(|(key, row)| decode(key, row)).collect()
    }

    /// The last tick of a schedule in the log.
    pub fn last_tick(&self, id: InstallationId, schedule: &str) -> Result<Option<Timestamp>, StoreError> {
        let key = keys::tick(id, schedule);
        self.shared.view.get(&key)?.map(|row| decode(&key, &row)).transpose()
    }
}

fn ready(key: &[u8], queue_key: QueueKey) -> Ready {
    Ready { position: Position(keys::last_number(key).unwrap_or(0)), queue_key }
}

impl Shared {
    /// Fails once the store has stopped.
    fn check_running(&self) -> Result<(), StoreError> {
        self.stopped.lock().as_ref().map_or(Ok(()), |why| Err(StoreError::Stopped(why.clone())))
    }

    pub(super) fn generations(&self, id: InstallationId) -> Result<Vec<GenerationRecord>, StoreError> {
        let rows = self.view.scan(&keys::prefix(table::GENERATION, Some(id)), None, usize::MAX >> 1)?;
        rows.iter().map(|(key, row)| decode(key, row)).collect()
    }

    pub(super) fn details(&self, id: InstallationId, generation: Generation) -> Result<Option<DetailsRow>, StoreError> {
        let key = keys::details(id, generation);
        self.view.get(&key)?.map(|row| decode(&key, &row)).transpose()
    }

    /// The queue's row of an entry. None if it is no longer in the queue. Most delivered entries have always been the
    /// first of their queue. Such an entry is found by position, next to the entries that are delivered next. A look-up
    /// by queue would read from a random location.
    pub(super) fn queued(&self, id: InstallationId, entry: Ready) -> Result<Option<QueueRow>, StoreError> {
        let key = keys::head(id, entry.position);
        let head = self.view.get(&key)?.map(|row| HeadRow::decode(&key, &row)).transpose()?;
        if let Some(HeadRow { queue_key, queued: Some(row) }) = head
            && queue_key == entry.queue_key
        {
            return Ok(Some(row));
        }
        self.queue_row(id, entry.queue_key, entry.position)
    }

    /// The row of an entry, by its queue. None if it is no longer there.
    pub(super) fn queue_row(
        &self,
        id: InstallationId,
        queue_key: QueueKey,
        position: Position,
    ) -> Result<Option<QueueRow>, StoreError> {
        let key = keys::queue(id, queue_key, position);
        self.view.get(&key)?.map(|row| decode(&key, &row)).transpose()
    }

    /// The frame at a location: from memory if it is recent, else from the journal.
    pub(super) fn frame(&self, at: Location) -> Result<Arc<Frame>, StoreError> {
        if let Some(frame) = self.cache.get(at) {
            return Ok(frame);
        }
        let payload = self.journal.read(at)?;
        let frame = Arc::new(Frame::decode(&payload, at)?);
        self.cache.keep(at, frame.clone(), payload.len());
        // Readers must not let the cache grow while nothing is written.
        self.cache.trim(*self.durable.lock());
        Ok(frame)
    }

    /// An event of the log, without a large body.
    pub(super) fn logged_event(&self, position: Position) -> Result<Option<LoggedEvent>, StoreError> {
        let key = keys::event(position);
        let Some(raw) = self.view.get(&key)? else { return Ok(None) };
        let row: EventRow = decode(&key, &raw)?;
        let frame = match self.frame(row.at) {
            // The event was carried forward in the meantime, and its old segment was dropped.
            Err(_) if self.view.get(&key)?.is_none_or(|now| now != raw) => return self.logged_event(position),
            other => other?,
        };
        Ok(frame.event(row.index).cloned())
    }

    pub(super) fn with_body(&self, mut event: Event, blob: Option<[u8; 32]>) -> Result<Event, StoreError> {
        if let Some(digest) = blob {
            event.data = bodies::load(self.journal.as_ref(), &digest)?;
        }
        Ok(event)
    }

    pub(super) fn logged_request(&self, row: &OutboxRow) -> Result<Option<LoggedRequest>, StoreError> {
        Ok(self.frame(row.at)?.request(row.index).cloned())
    }

    fn due_request(
        &self,
        id: InstallationId,
        position: Position,
        durable: Location,
    ) -> Result<Option<DueRequest>, StoreError> {
        let key = keys::outbox(id, position);
        let Some(row) = self.view.get(&key)? else { return Ok(None) };
        let row: OutboxRow = decode(&key, &row)?;
        let may_be_sent = matches!(row.state, OutboxState::Pending { .. }) && !self.is_being_left(id, row.generation);
        if row.at >= durable || !may_be_sent {
            return Ok(None);
        }
        let logged = self.logged_request(&row)?;
        Ok(logged.map(|logged| DueRequest {
            installation: id,
            position,
            generation: row.generation,
            request: logged.request,
            attempts: row.attempts,
            created_at: row.created_at,
        }))
    }
}
