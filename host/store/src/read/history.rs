//! History for people: events, the attempts to deliver them, dead letters, requests. Changes nothing.

use crate::changes::{AfterFailure, CauseRef, Change, Committed, Failed, LoggedEvent, Recording, RepeatedEvent};
use crate::journal::Location;
use crate::keys;
use crate::keys::table;
use crate::rows::{DeadLetterRow, OutboxRow, OutboxState, Sent, TimerRow, decode};
use crate::{Shared, Store, StoreError, bodies};
use handoff_model::effects::{LogLine, OutboxRequest};
use handoff_model::event::Event;
use handoff_model::failure::Failure;
use handoff_model::http::Exchange;
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;

/// An event of the log.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    /// Its position.
    pub position: Position,
    /// The scope that it belongs to.
    pub scope: Scope,
    /// The event; in lists without data that is in a separate file.
    pub event: Event,
    /// The size of its data in bytes, wherever it is stored.
    pub data_bytes: u64,
    /// When the host received it.
    pub received_at: Timestamp,
    /// The delivery that emitted it.
    pub cause: Option<CauseRef>,
    /// The dead letter that it redrives.
    pub redrive_of: Option<Position>,
    /// The installations that it was routed to.
    pub routed_to: Vec<InstallationId>,
}

/// A filter for events.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Only of this type, or with this prefix if it ends in `*`.
    pub type_name: Option<String>,
    /// Only of this source, or with this prefix if it ends in `*`.
    pub source: Option<String>,
    /// Only those of this scope.
    pub scope: Option<Scope>,
    /// Only those routed to this installation.
    pub installation: Option<InstallationId>,
}

/// One attempt to deliver an event, with its outcome.
#[derive(Clone, Debug)]
pub struct AttemptRecord {
    /// The installation.
    pub installation: InstallationId,
    /// The generation that ran.
    pub generation: Generation,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// When it started.
    pub time: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// How long the connector ran, in microseconds.
    pub duration_us: u64,
    /// Log lines of the connector.
    pub logs: Vec<LogLine>,
    /// Its look-ups.
    pub exchanges: Vec<Exchange>,
    /// Why it failed; none if it committed.
    pub failure: Option<Failure>,
    /// The time of the next attempt; none if there is none.
    pub retry_at: Option<Timestamp>,
    /// Keys of written state, with the size of their new value in bytes; none if the key was removed.
    pub state_keys: Vec<(String, Option<usize>)>,
    /// Events that it added to the log.
    pub emitted: Vec<EmittedRef>,
    /// Emitted events that were already in the log.
    pub repeated: Vec<RepeatedEvent>,
    /// Timers set.
    pub timers_set: Vec<TimerRef>,
    /// Timers cancelled.
    pub timers_cancelled: Vec<String>,
    /// Requests written, by position.
    pub requests: Vec<Position>,
    /// Keys of requests that were sent before and were therefore dropped.
    pub requests_repeated: Vec<String>,
}

/// An event that a delivery emitted.
#[derive(Clone, Debug)]
pub struct EmittedRef {
    /// Its position.
    pub position: Position,
    /// Its type.
    pub type_name: String,
}

/// A timer that a delivery set.
#[derive(Clone, Debug)]
pub struct TimerRef {
    /// Its key.
    pub key: String,
    /// When it is due.
    pub due: Timestamp,
    /// The type of the event that it creates.
    pub type_name: String,
    /// That event's source.
    pub source: String,
    /// That event's id.
    pub id: String,
    /// That event's scope.
    pub scope: Scope,
}

/// A delivery that failed for good.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// The installation.
    pub installation: InstallationId,
    /// The entry.
    pub position: Position,
    /// The generation that failed.
    pub generation: Generation,
    /// The number of attempts.
    pub attempts: u32,
    /// When it was queued.
    pub first_at: Timestamp,
    /// When it failed for good.
    pub at: Timestamp,
    /// The last failure.
    pub failure: Failure,
}

/// An outbox request.
#[derive(Clone, Debug)]
pub struct OutboxEntry {
    /// The installation that sends it.
    pub installation: InstallationId,
    /// Its position.
    pub position: Position,
    /// Its key.
    pub key: String,
    /// The generation that wrote it.
    pub generation: Generation,
    /// The entry that was being handled when it was written.
    pub cause: Position,
    /// The scope in which it was being handled.
    pub scope: Scope,
    /// Method and URL.
    pub target: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// Attempts that began.
    pub attempts: u32,
    /// An attempt began and did not prove that nothing reached the target.
    pub may_have_been_sent: bool,
    /// Whether a rollback undid the state of the delivery that wrote it: its answer is recorded and not delivered.
    pub state_undone: bool,
    /// Its current state.
    pub state: OutboxState,
}

impl Store {
    /// An event with its data.
    pub fn event(&self, position: Position) -> Result<Option<StoredEvent>, StoreError> {
        let Some(logged) = self.shared.logged_event(position)? else { return Ok(None) };
        let blob = logged.blob;
        let mut stored = self.shared.stored(logged);
        stored.event = self.shared.with_body(stored.event, blob)?;
        Ok(Some(stored))
    }

    /// An event; without data that is in a separate file.
    pub fn event_head(&self, position: Position) -> Result<Option<StoredEvent>, StoreError> {
        Ok(self.shared.logged_event(position)?.map(|logged| self.shared.stored(logged)))
    }

    /// Events before a position, newest first. Reads at most 100,000 positions.
    pub fn events(
        &self,
        before: Option<Position>,
        limit: usize,
        filter: &EventFilter,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        const CHUNK: u64 = 500;
        let next = self.shared.next_position.load(std::sync::atomic::Ordering::Relaxed);
        let mut end = before.map_or(next, |before| before.0.min(next));
        let stop = end.saturating_sub(100_000);
        let mut found = Vec::new();
        // Reads no more than requested, unless the filter requires it.
        let mut chunk = u64::try_from(limit).unwrap_or(CHUNK).clamp(1, CHUNK);
        while end > stop && end > 0 && found.len() < limit {
            let start = end.saturating_sub(chunk);
            chunk = chunk.saturating_mul(2).min(CHUNK);
            let after = keys::event(Position(start.saturating_sub(1)));
            let after = (start > 0).then_some(after);
            let size = usize::try_from(end - start).unwrap_or(0);
            let rows = self.shared.view.scan(&[table::EVENT], after.as_deref(), size)?;
            for (key, _) in rows.iter().rev() {
                if found.len() == limit {
                    return Ok(found);
                }
                let Some(position) = keys::last_number(key).filter(|position| *position < end) else { continue };
                if let Some(logged) = self.shared.logged_event(Position(position))?
                    && matches(&logged, filter)
                {
                    found.push(self.shared.stored(logged));
                }
            }
            end = start;
        }
        Ok(found)
    }

    /// All recorded attempts to deliver an event, by installation and attempt.
    pub fn attempts(&self, position: Position) -> Result<Vec<AttemptRecord>, StoreError> {
        let prefix = keys::KeyBuilder::new(table::RECORDING).number(position.0).done();
        let rows = self.shared.view.scan(&prefix, None, 10_000)?;
        let mut attempts = Vec::with_capacity(rows.len());
        for (key, row) in &rows {
            let at: Location = decode(key, row)?;
            // An attempt's record is dropped with its segment, even if the event itself was carried forward.
            let Ok(frame) = self.shared.frame(at) else { continue };
            attempts.extend(frame.changes.iter().find_map(|change| match change {
                Change::DeliveryCommitted(committed) => Some(of_commit(committed)),
                Change::DeliveryFailed(failed) => Some(of_failure(failed)),
                _ => None,
            }));
        }
        Ok(attempts)
    }

    /// Dead letters after a position, by installation and age.
    pub fn dead_letters(
        &self,
        installation: Option<InstallationId>,
        after: Option<(InstallationId, Position)>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let after = after.map(|(id, position)| keys::dead_letter(id, position));
        let rows = self.shared.view.scan(&keys::prefix(table::DEAD_LETTER, installation), after.as_deref(), limit)?;
        rows.iter().map(|(key, row)| dead_letter(key, row)).collect()
    }

    /// Requests of an installation after a position, by age.
    pub fn outbox(
        &self,
        installation: InstallationId,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<OutboxEntry>, StoreError> {
        let after = after.map(|position| keys::outbox(installation, position));
        let prefix = keys::prefix(table::OUTBOX, Some(installation));
        let rows = self.shared.view.scan(&prefix, after.as_deref(), limit)?;
        rows.iter().map(|(key, row)| self.shared.outbox_entry(installation, key, row)).collect()
    }

    /// One request.
    pub fn outbox_entry(
        &self,
        installation: InstallationId,
        position: Position,
    ) -> Result<Option<OutboxEntry>, StoreError> {
        self.shared.outbox_entry_at(installation, position)
    }
}

impl Store {
    /// The content of a request. None once it was dropped with its segment.
    pub fn outbox_request(
        &self,
        installation: InstallationId,
        position: Position,
    ) -> Result<Option<OutboxRequest>, StoreError> {
        let key = keys::outbox(installation, position);
        let Some(row) = self.shared.view.get(&key)? else { return Ok(None) };
        let row: OutboxRow = decode(&key, &row)?;
        Ok(self.shared.logged_request(&row).ok().flatten().map(|logged| logged.request))
    }
}

impl Shared {
    fn stored(&self, logged: LoggedEvent) -> StoredEvent {
        let inline = u64::try_from(logged.event.data.len()).unwrap_or(u64::MAX);
        let data_bytes = logged.blob.map_or(inline, |digest| bodies::size(self.journal.as_ref(), &digest));
        StoredEvent {
            position: logged.position,
            scope: logged.scope,
            received_at: logged.received_at,
            cause: logged.cause,
            redrive_of: logged.redrive_of,
            routed_to: logged.routes.iter().map(|route| route.installation).collect(),
            event: logged.event,
            data_bytes,
        }
    }

    pub(crate) fn outbox_entry_at(
        &self,
        installation: InstallationId,
        position: Position,
    ) -> Result<Option<OutboxEntry>, StoreError> {
        let key = keys::outbox(installation, position);
        self.view.get(&key)?.map(|row| self.outbox_entry(installation, &key, &row)).transpose()
    }

    fn outbox_entry(&self, installation: InstallationId, key: &[u8], row: &[u8]) -> Result<OutboxEntry, StoreError> {
        let row: OutboxRow = decode(key, row)?;
        let request = self.logged_request(&row).ok().flatten();
        // An answered request is dropped with its segment.
        let target = request.map_or_else(String::new, |logged| {
            format!("{} {}", logged.request.request.method, logged.request.request.url)
        });
        Ok(OutboxEntry {
            installation,
            position: Position(keys::last_number(key).unwrap_or(0)),
            key: row.key,
            generation: row.generation,
            cause: row.cause,
            scope: row.scope,
            target,
            created_at: row.created_at,
            attempts: row.attempts,
            may_have_been_sent: row.sent != Sent::No,
            state_undone: row.state_undone,
            state: row.state,
        })
    }
}

fn matches(logged: &LoggedEvent, filter: &EventFilter) -> bool {
    let fits = |wanted: &Option<String>, text: &str| {
        wanted.as_ref().is_none_or(|wanted| match wanted.strip_suffix('*') {
            Some(prefix) => text.starts_with(prefix),
            None => text == wanted,
        })
    };
    fits(&filter.type_name, &logged.event.type_name)
        && fits(&filter.source, &logged.event.source)
        && filter.scope.as_ref().is_none_or(|wanted| logged.scope == *wanted)
        && filter.installation.is_none_or(|wanted| logged.routes.iter().any(|route| route.installation == wanted))
}

fn timer(key: &str, row: &TimerRow) -> TimerRef {
    let event = &row.event;
    TimerRef {
        key: key.to_owned(),
        due: row.due,
        type_name: event.type_name.clone(),
        source: event.source.clone(),
        id: event.id.clone(),
        scope: row.scope.clone(),
    }
}

fn dead_letter(key: &[u8], row: &[u8]) -> Result<DeadLetter, StoreError> {
    let row: DeadLetterRow = decode(key, row)?;
    Ok(DeadLetter {
        installation: keys::installation_at(key, 1).unwrap_or(InstallationId(0)),
        position: Position(keys::last_number(key).unwrap_or(0)),
        generation: row.generation,
        attempts: row.attempts,
        first_at: row.first_at,
        at: row.at,
        failure: row.failure,
    })
}

fn attempt(installation: InstallationId, recording: &Recording, exchanges: &[Exchange]) -> AttemptRecord {
    AttemptRecord {
        installation,
        generation: recording.generation,
        attempt: recording.attempt,
        time: recording.time,
        finished_at: recording.finished_at,
        duration_us: recording.duration_us,
        logs: recording.logs.clone(),
        exchanges: exchanges.to_vec(),
        failure: None,
        retry_at: None,
        state_keys: Vec::new(),
        emitted: Vec::new(),
        repeated: Vec::new(),
        timers_set: Vec::new(),
        timers_cancelled: Vec::new(),
        requests: Vec::new(),
        requests_repeated: Vec::new(),
    }
}

fn of_commit(committed: &Committed) -> AttemptRecord {
    let emitted =
        |event: &LoggedEvent| EmittedRef { position: event.position, type_name: event.event.type_name.clone() };
    AttemptRecord {
        state_keys: committed
            .state_writes
            .iter()
            .map(|(key, value)| (key.clone(), value.as_ref().map(Vec::len)))
            .collect(),
        emitted: committed.emitted.iter().map(emitted).collect(),
        repeated: committed.repeated_events().to_vec(),
        timers_set: committed.timers_set.iter().map(|(key, row, _)| timer(key, row)).collect(),
        timers_cancelled: committed.timers_cancelled.iter().map(|(key, _)| key.clone()).collect(),
        requests: committed.outbox.iter().map(|request| request.position).collect(),
        requests_repeated: committed.outbox_repeated.clone(),
        ..attempt(committed.entry.installation, &committed.recording, &committed.exchanges)
    }
}

fn of_failure(failed: &Failed) -> AttemptRecord {
    let retry_at = match failed.then {
        AfterFailure::Retry { due, .. } => Some(due),
        AfterFailure::DeadLetter { .. } | AfterFailure::Paused => None,
    };
    AttemptRecord {
        failure: Some(failed.failure.clone()),
        retry_at,
        ..attempt(failed.entry.installation, &failed.recording, &failed.exchanges)
    }
}
