//! Changes of the log and of its deliveries, as plain data: events with their routes, successes, failures. Makes no
//! decisions.

use serde::{Deserialize, Serialize};

use handoff_model::effects::LogLine;
use handoff_model::event::Event;
use handoff_model::failure::Failure;
use handoff_model::http::Exchange;
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;
use handoff_model::track_record::InputId;

use crate::keys::QueueKey;
use crate::rows::{DeadLetterRow, MetricRow, RepeatedEvents, TimerRow};
use crate::state_values;

use super::StateWrites;
use super::requests::LoggedRequest;

/// An event in the log, with the queues that it enters.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LoggedEvent {
    pub(crate) position: Position,
    /// The scope that it belongs to. The host sets it; see `routing` for who receives the event.
    pub(crate) scope: Scope,
    /// Without data if that is in a separate file.
    pub(crate) event: Event,
    /// The sha256 of the data, if that is in a separate file.
    pub(crate) blob: Option<[u8; 32]>,
    pub(crate) received_at: Timestamp,
    /// The delivery that emitted it.
    pub(crate) cause: Option<CauseRef>,
    /// The dead letter that it redrives.
    pub(crate) redrive_of: Option<Position>,
    pub(crate) routes: Vec<Route>,
    /// The digest of scope, source and id; none if the event may repeat.
    pub(crate) dedupe: Option<[u8; 16]>,
}

/// The delivery that led to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseRef {
    /// The installation that emitted it.
    pub installation: InstallationId,
    /// The entry that it was handling.
    pub position: Position,
}

/// One queue that an event enters.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Route {
    pub(crate) installation: InstallationId,
    pub(crate) queue_key: QueueKey,
    /// Whether no earlier entry waits in the queue.
    pub(crate) head: bool,
}

/// A schedule ticked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Tick {
    pub(crate) installation: InstallationId,
    pub(crate) schedule: String,
    pub(crate) at: Timestamp,
}

/// The queue entry of a delivery, and the next entry of its queue.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) installation: InstallationId,
    pub(crate) position: Position,
    pub(crate) queue_key: QueueKey,
    /// The retry time that it waited for, if any.
    pub(crate) waited_for: Option<Timestamp>,
    pub(crate) enqueued_at: Timestamp,
}

/// A delivery's success with all of its effects.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Committed {
    pub(crate) entry: Entry,
    pub(crate) next_head: Option<Position>,
    pub(crate) recording: Recording,
    #[serde(with = "state_values")]
    pub(crate) state_writes: StateWrites,
    pub(crate) emitted: Vec<LoggedEvent>,
    /// Emitted events that were already in the log, if any.
    pub(crate) repeated: Option<Box<Repeated>>,
    pub(crate) timers_set: Vec<(String, TimerRow, Option<Timestamp>)>,
    pub(crate) timers_cancelled: Vec<(String, Timestamp)>,
    pub(crate) outbox: Vec<LoggedRequest>,
    /// Keys of requests that were sent before and were therefore dropped.
    pub(crate) outbox_repeated: Vec<String>,
    /// Metrics with their new values.
    pub(crate) metrics: Vec<(Vec<u8>, MetricRow)>,
    /// Look-ups, for replay.
    pub(crate) exchanges: Vec<Exchange>,
}

/// The recording of one attempt, kept for people and for replay.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Recording {
    pub(crate) generation: Generation,
    pub(crate) attempt: u32,
    /// The time that the delivery sees.
    pub(crate) time: Timestamp,
    pub(crate) finished_at: Timestamp,
    pub(crate) duration_us: u64,
    /// The type of the event.
    pub(crate) input: InputId,
    pub(crate) logs: Vec<LogLine>,
}

impl Committed {
    /// Emitted events that were already in the log, by their index among all emitted events.
    pub(crate) fn repeated_events(&self) -> &[RepeatedEvent] {
        self.repeated.as_ref().map_or(&[], |repeated| repeated.events.as_slice())
    }
}

/// A delivery's failure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Failed {
    pub(crate) entry: Entry,
    pub(crate) recording: Recording,
    pub(crate) failure: Failure,
    pub(crate) then: AfterFailure,
    pub(crate) exchanges: Vec<Exchange>,
}

/// The consequence of a failed delivery.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum AfterFailure {
    /// It waits for a retry.
    Retry { due: Timestamp, attempts: u32 },
    /// It becomes a dead letter; its queue continues.
    DeadLetter { letter: DeadLetterRow, next_head: Option<Position> },
    /// The installation is paused by another change of the frame; the entry stays in its queue.
    Paused,
}

/// Emitted events that were already in the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Repeated {
    /// By position, ascending.
    pub(crate) events: Vec<RepeatedEvent>,
    /// The totals of the generation, including these.
    pub(crate) so_far: RepeatedEvents,
}

/// An emitted event without recipients, because an event with its source and id is already in the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RepeatedEvent {
    /// Its index among all events that the delivery emitted, from 0.
    pub place: u32,
    /// The position of the logged event.
    pub position: Position,
    /// Whether the two events differ.
    pub differs: bool,
    /// The event that the delivery emitted.
    pub event: Event,
}

/// An event that is no longer needed and whose segment is dropped.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Forgotten {
    pub(crate) position: Position,
    pub(crate) dedupe: Option<[u8; 16]>,
    /// Recordings: installation and attempt.
    pub(crate) recordings: Vec<(InstallationId, u32)>,
}
