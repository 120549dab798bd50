//! What happened, for people: events, the attempts to deliver them, dead letters, requests, log lines.

use crate::model::effects::{LogLevel, LogLine};
use crate::model::event::Event;
use crate::model::failure::Failure;
use crate::model::http::Exchange;
use crate::model::names::{Generation, InstallationId, Position};
use crate::model::time::Timestamp;
use crate::store::journal::{self, Location};
use crate::store::keys::{self, table};
use crate::store::records::{AfterFailure, CauseRef, Committed, Failed, LoggedEvent, Record, Recording};
use crate::store::rows::{DeadLetterRow, OutboxRow, OutboxState, decode};
use crate::store::{Shared, Store, StoreError, open};

/// An event of the log.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    /// Its place.
    pub position: Position,
    /// The event; in lists without data that lives in a file of its own.
    pub event: Event,
    /// When the host took it.
    pub received_at: Timestamp,
    /// The delivery that emitted it.
    pub cause: Option<CauseRef>,
    /// The dead letter that it repeats.
    pub redrive_of: Option<Position>,
    /// Who got it.
    pub routed_to: Vec<InstallationId>,
}

/// Which events to list.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Only of this type.
    pub type_name: Option<String>,
    /// Only of this source.
    pub source: Option<String>,
    /// Only those routed to this installation.
    pub installation: Option<InstallationId>,
}

/// One attempt to deliver an event, with what came of it.
#[derive(Clone, Debug)]
pub struct AttemptRecord {
    /// Who.
    pub installation: InstallationId,
    /// Under which generation.
    pub generation: Generation,
    /// Which attempt.
    pub attempt: u32,
    /// When it began.
    pub time: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// How long the connector worked.
    pub duration_us: u64,
    /// What it said.
    pub logs: Vec<LogLine>,
    /// Its look-ups.
    pub exchanges: Vec<Exchange>,
    /// Why it failed; none if it committed.
    pub failure: Option<Failure>,
    /// The next attempt after a failure; none if there is none.
    pub retry_at: Option<Timestamp>,
    /// State keys written, and those removed.
    pub state_keys: Vec<(String, bool)>,
    /// Events emitted.
    pub emitted: Vec<EmittedRef>,
    /// Timers set, with their times.
    pub timers_set: Vec<(String, Timestamp)>,
    /// Timers cancelled.
    pub timers_cancelled: Vec<String>,
    /// Requests written, by place.
    pub requests: Vec<Position>,
    /// Requests that were sent before and therefore dropped, by key.
    pub requests_repeated: Vec<String>,
}

/// An event that a delivery emitted.
#[derive(Clone, Debug)]
pub struct EmittedRef {
    /// Its place.
    pub position: Position,
    /// Its type.
    pub type_name: String,
}

/// A delivery that failed for good.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// Whose.
    pub installation: InstallationId,
    /// Which entry.
    pub position: Position,
    /// The generation that failed.
    pub generation: Generation,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was queued.
    pub first_at: Timestamp,
    /// When it was given up.
    pub at: Timestamp,
    /// Why.
    pub failure: Failure,
}

/// A request of the outbox.
#[derive(Clone, Debug)]
pub struct OutboxEntry {
    /// Whose.
    pub installation: InstallationId,
    /// Its place.
    pub position: Position,
    /// Its key.
    pub key: String,
    /// The generation that wrote it.
    pub generation: Generation,
    /// The entry that was handled then.
    pub cause: Position,
    /// Method and URL.
    pub target: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// Attempts so far.
    pub attempts: u32,
    /// How far it is.
    pub state: OutboxState,
}

/// A line of the log, with the place to go on reading from.
#[derive(Clone, Debug)]
pub struct LoggedLine {
    /// Read on after this.
    pub cursor: (u64, u32),
    /// When.
    pub at: Timestamp,
    /// Who.
    pub installation: InstallationId,
    /// While handling which entry.
    pub position: Position,
    /// Under which generation.
    pub generation: Generation,
    /// The line.
    pub line: LogLine,
}

impl Store {
    /// An event with its data.
    pub fn event(&self, position: Position) -> Result<Option<StoredEvent>, StoreError> {
        let Some(logged) = self.shared.logged_event(position)? else { return Ok(None) };
        let blob = logged.blob;
        let mut stored = stored(logged);
        stored.event = self.shared.with_body(stored.event, blob)?;
        Ok(Some(stored))
    }

    /// Events before a place, newest first. Looks at no more than 100,000 places.
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
        while end > stop && end > 0 && found.len() < limit {
            let start = end.saturating_sub(CHUNK);
            let after = keys::event(Position(start.saturating_sub(1)));
            let after = (start > 0).then_some(after);
            let size = usize::try_from(end - start).unwrap_or(0);
            let rows = self.shared.view.scan(&[table::EVENT], after.as_deref(), size)?;
            for (key, _) in rows.iter().rev() {
                let Some(position) = keys::last_number(key).filter(|position| *position < end) else { continue };
                if let Some(logged) = self.shared.logged_event(Position(position))?
                    && matches(&logged, filter)
                    && found.len() < limit
                {
                    found.push(stored(logged));
                }
            }
            end = start;
        }
        Ok(found)
    }

    /// All attempts to deliver an event, by installation and attempt.
    pub fn attempts(&self, position: Position) -> Result<Vec<AttemptRecord>, StoreError> {
        let prefix = keys::KeyBuilder::new(table::RECORDING).number(position.0).done();
        let rows = self.shared.view.scan(&prefix, None, 10_000)?;
        let mut attempts = Vec::with_capacity(rows.len());
        for (key, row) in &rows {
            let at: Location = decode(key, row)?;
            match self.shared.record(at)?.as_ref() {
                Record::Committed(committed) => attempts.push(of_commit(committed)),
                Record::Failed(failed) => attempts.push(of_failure(failed)),
                _ => {}
            }
        }
        Ok(attempts)
    }

    /// Dead letters after a place, by installation and age.
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

    /// Requests of an installation after a place, by age.
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
        let key = keys::outbox(installation, position);
        let row = self.shared.view.get(&key)?;
        row.map(|row| self.shared.outbox_entry(installation, &key, &row)).transpose()
    }

    /// Log lines after a cursor, oldest first; without a cursor the last ones.
    pub fn logs(
        &self,
        after: Option<(u64, u32)>,
        installation: Option<InstallationId>,
        least: LogLevel,
        limit: usize,
    ) -> Result<Vec<LoggedLine>, StoreError> {
        let dir = open::journal_dir(&self.shared.options);
        let durable = *self.shared.durable.lock();
        let mut segments = journal::list_segments(&dir)?;
        segments.retain(|number| *number <= durable.segment);
        let mut found: Vec<LoggedLine> = Vec::new();
        if let Some((segment, offset)) = after {
            for number in segments.into_iter().filter(|number| *number >= segment) {
                let from = if number == segment { offset } else { 0 };
                let mut lines = self.shared.lines(number, from, durable, installation, least)?;
                lines.retain(|line| Some(line.cursor) > after);
                found.append(&mut lines);
                if found.len() >= limit {
                    break;
                }
            }
            found.truncate(limit);
            return Ok(found);
        }
        for number in segments.into_iter().rev() {
            let mut lines = self.shared.lines(number, 0, durable, installation, least)?;
            lines.append(&mut found);
            found = lines;
            if found.len() >= limit {
                break;
            }
        }
        found.drain(..found.len().saturating_sub(limit));
        Ok(found)
    }
}

impl Shared {
    fn outbox_entry(&self, installation: InstallationId, key: &[u8], row: &[u8]) -> Result<OutboxEntry, StoreError> {
        let row: OutboxRow = decode(key, row)?;
        let request = self.logged_request(&row).ok().flatten();
        // The request itself goes with its segment once it was answered.
        let target = request.map_or_else(String::new, |logged| {
            format!("{} {}", logged.request.request.method, logged.request.request.url)
        });
        Ok(OutboxEntry {
            installation,
            position: Position(keys::last_number(key).unwrap_or(0)),
            key: row.key,
            generation: row.generation,
            cause: row.cause,
            target,
            created_at: row.created_at,
            attempts: row.attempts,
            state: row.state,
        })
    }

    /// The log lines of one segment.
    fn lines(
        &self,
        number: u64,
        from: u32,
        durable: Location,
        installation: Option<InstallationId>,
        least: LogLevel,
    ) -> Result<Vec<LoggedLine>, StoreError> {
        let mut found = Vec::new();
        let dir = open::journal_dir(&self.options);
        journal::scan_segment(&dir, number, from, |at, payload| {
            // Other kinds of records hold no lines; their first byte is the variant's number.
            if at >= durable || !matches!(payload.first(), Some(1 | 2)) {
                return Ok(());
            }
            let record = postcard::from_bytes(payload)
                .map_err(|source| StoreError::BadRecord { segment: at.segment, offset: at.offset, source })?;
            let (entry, recording, failure) = match record {
                Record::Committed(committed) => (committed.entry, committed.recording, None),
                Record::Failed(failed) => (failed.entry, failed.recording, Some(failed.failure)),
                _ => return Ok(()),
            };
            if installation.is_none_or(|wanted| wanted == entry.installation) {
                let lines = lines_of(&recording, failure);
                found.extend(lines.filter(|line| line.level >= least).map(|line| LoggedLine {
                    cursor: (at.segment, at.offset),
                    at: recording.finished_at,
                    installation: entry.installation,
                    position: entry.position,
                    generation: recording.generation,
                    line,
                }));
            }
            Ok::<(), StoreError>(())
        })?;
        Ok(found)
    }
}

/// What the connector said, and at the end why the delivery failed.
fn lines_of(recording: &Recording, failure: Option<Failure>) -> impl Iterator<Item = LogLine> + use<> {
    let attempt = recording.attempt.to_string();
    let last = failure.map(|failure| LogLine {
        level: LogLevel::Error,
        message: format!("delivery failed: {}", failure.message),
        fields: vec![("code".to_owned(), failure.code), ("attempt".to_owned(), attempt)],
    });
    recording.logs.clone().into_iter().chain(last)
}

fn matches(logged: &LoggedEvent, filter: &EventFilter) -> bool {
    filter.type_name.as_ref().is_none_or(|wanted| *wanted == logged.event.type_name)
        && filter.source.as_ref().is_none_or(|wanted| *wanted == logged.event.source)
        && filter.installation.is_none_or(|wanted| logged.routes.iter().any(|route| route.installation == wanted))
}

fn stored(logged: LoggedEvent) -> StoredEvent {
    StoredEvent {
        position: logged.position,
        received_at: logged.received_at,
        cause: logged.cause,
        redrive_of: logged.redrive_of,
        routed_to: logged.routes.iter().map(|route| route.installation).collect(),
        event: logged.event,
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
        timers_set: Vec::new(),
        timers_cancelled: Vec::new(),
        requests: Vec::new(),
        requests_repeated: Vec::new(),
    }
}

fn of_commit(committed: &Committed) -> AttemptRecord {
    let emitted = |event: &LoggedEvent| EmittedRef {
        position: event.position,
        type_name: event.event.type_name.clone(),
    };
    AttemptRecord {
        state_keys: committed.state_writes.iter().map(|(key, value)| (key.clone(), value.is_none())).collect(),
        emitted: committed.emitted.iter().map(emitted).collect(),
        timers_set: committed.timers_set.iter().map(|(key, row, _)| (key.clone(), row.due)).collect(),
        timers_cancelled: committed.timers_cancelled.iter().map(|(key, _)| key.clone()).collect(),
        requests: committed.outbox.iter().map(|request| request.position).collect(),
        requests_repeated: committed.outbox_repeated.clone(),
        ..attempt(committed.entry.installation, &committed.recording, &committed.exchanges)
    }
}

fn of_failure(failed: &Failed) -> AttemptRecord {
    let retry_at = match failed.then {
        AfterFailure::Retry { due, .. } => Some(due),
        AfterFailure::DeadLetter { .. } | AfterFailure::Paused { .. } => None,
    };
    AttemptRecord {
        failure: Some(failed.failure.clone()),
        retry_at,
        ..attempt(failed.entry.installation, &failed.recording, &failed.exchanges)
    }
}
