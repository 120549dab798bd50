//! Changes of the log and of its deliveries, as plain data: events with their routes, successes, failures. Decides nothing.

use serde::{Deserialize, Serialize};

use handoff_model::effects::LogLine;
use handoff_model::event::Event;
use handoff_model::failure::Failure;
use handoff_model::http::Exchange;
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::time::Timestamp;

use crate::keys::QueueKey;
use crate::rows::{DeadLetterRow, MetricRow, RepeatedEvents, TimerRow};
use crate::state_values;

use super::StateWrites;
use super::requests::LoggedRequest;

/// An event in the log, with its way to the installations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LoggedEvent {
    pub(crate) position: Position,
    /// Without data if that lives in a file of its own.
    pub(crate) event: Event,
    /// sha256 of the data, if it lives in a file of its own.
    pub(crate) blob: Option<[u8; 32]>,
    pub(crate) received_at: Timestamp,
    /// The delivery that emitted it.
    pub(crate) cause: Option<CauseRef>,
    /// The dead letter that it repeats.
    pub(crate) redrive_of: Option<Position>,
    pub(crate) routes: Vec<Route>,
    /// Digest of source and id, unless it may repeat.
    pub(crate) dedupe: Option<[u8; 16]>,
}

/// The delivery that led to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseRef {
    /// Who emitted it.
    pub installation: InstallationId,
    /// While handling which entry.
    pub position: Position,
}

/// One queue that an event enters.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Route {
    pub(crate) installation: InstallationId,
    pub(crate) queue_key: QueueKey,
    /// Nothing of the queue waits before it.
    pub(crate) head: bool,
}

/// A schedule ticked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Tick {
    pub(crate) installation: InstallationId,
    pub(crate) schedule: String,
    pub(crate) at: Timestamp,
}

/// Which queue entry a delivery was about, and what its queue does next.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) installation: InstallationId,
    pub(crate) position: Position,
    pub(crate) queue_key: QueueKey,
    /// The retry time that it waited for, if it did.
    pub(crate) waited_for: Option<Timestamp>,
    pub(crate) enqueued_at: Timestamp,
}

/// A delivery's success and all that comes of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Committed {
    pub(crate) entry: Entry,
    pub(crate) next_head: Option<Position>,
    pub(crate) recording: Recording,
    #[serde(with = "state_values")]
    pub(crate) state_writes: StateWrites,
    pub(crate) emitted: Vec<LoggedEvent>,
    /// Events that it emitted and that were in the log already, if there are any.
    pub(crate) repeated: Option<Box<Repeated>>,
    pub(crate) timers_set: Vec<(String, TimerRow, Option<Timestamp>)>,
    pub(crate) timers_cancelled: Vec<(String, Timestamp)>,
    pub(crate) outbox: Vec<LoggedRequest>,
    /// Keys of requests that were sent before and therefore dropped.
    pub(crate) outbox_repeated: Vec<String>,
    /// Metrics with their new values.
    pub(crate) metrics: Vec<(Vec<u8>, MetricRow)>,
    /// Look-ups, for replay.
    pub(crate) exchanges: Vec<Exchange>,
}

/// The facts of one attempt, kept for people and for replay.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Recording {
    pub(crate) generation: Generation,
    pub(crate) attempt: u32,
    /// The delivery's clock.
    pub(crate) time: Timestamp,
    pub(crate) finished_at: Timestamp,
    pub(crate) duration_us: u64,
    pub(crate) logs: Vec<LogLine>,
}

impl Committed {
    /// Events that it emitted and that were in the log already, by their index among all that it emitted.
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

/// What happens to a failed delivery.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum AfterFailure {
    /// It waits and is tried again.
    Retry { due: Timestamp, attempts: u32 },
    /// It is kept aside; its queue goes on.
    DeadLetter { letter: DeadLetterRow, next_head: Option<Position> },
    /// The installation is paused by another change of the frame; the entry stays where it is.
    Paused,
}

/// Events that a delivery emitted and that were in the log already.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Repeated {
    /// By position, ascending.
    pub(crate) events: Vec<RepeatedEvent>,
    /// All of the generation, with these.
    pub(crate) so_far: RepeatedEvents,
}

/// An event that a delivery emitted and that nobody gets: the log has one with its source and id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RepeatedEvent {
    /// Its place among all that the delivery emitted, from 0.
    pub place: u32,
    /// The position in the log of the one that is there.
    pub position: Position,
    /// They are not the same.
    pub differs: bool,
    /// What the delivery emitted.
    pub event: Event,
}

/// An event whose segment is dropped and which nothing needs any more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Forgotten {
    pub(crate) position: Position,
    pub(crate) dedupe: Option<[u8; 16]>,
    /// Recordings: installation and attempt.
    pub(crate) recordings: Vec<(InstallationId, u32)>,
}
