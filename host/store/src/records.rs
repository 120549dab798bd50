//! The journal's records: what happened, with every fact that applying it needs.
//!
//! A record is made once, by the committer, which reads the index to decide. Applying it reads nothing (see `rows`), so
//! that replaying any suffix of the journal over any later index gives the same index. Fields are only ever added in a
//! new variant, together with a new schema version.

mod more;

use serde::{Deserialize, Serialize};

use handoff_model::effects::{LogLine, OutboxRequest};
use handoff_model::event::Event;
use handoff_model::failure::Failure;
use handoff_model::http::Exchange;
use handoff_model::installation::{GenerationRecord, Installation};
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::time::Timestamp;

use super::keys::Lane;
use super::rows::{DeadLetterRow, MetricRow, TimerRow};
use super::state_values;
pub use more::RepeatedEvent;
pub(super) use more::{Again, More, Moved, Repeated, Requeued, SteppedBack, Undo, Written};

/// Keys with their new values, or none for a removal.
pub(super) type StateWrites = Vec<(String, Option<Vec<u8>>)>;

/// One atomic change of the store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Record {
    /// Events came in from outside.
    Appended { events: Vec<LoggedEvent>, tick: Option<Tick> },
    /// A delivery succeeded.
    Committed(Box<Committed>),
    /// A delivery failed.
    Failed(Box<Failed>),
    /// An outbox request was tried.
    OutboxTried(Box<OutboxTried>),
    /// Timers became due and turned into events.
    TimersFired { timers: Vec<(InstallationId, String, Timestamp)>, events: Vec<LoggedEvent> },
    /// An installation is new or changed; with it, perhaps, a generation.
    InstallationPut { installation: Box<Installation>, generation: Option<Box<GenerationRecord>> },
    /// Dead letters are delivered again, as new entries.
    Redriven { letters: Vec<(InstallationId, Position)>, events: Vec<LoggedEvent>, by: String, reason: String },
    /// Dead letters are given up.
    Discarded { letters: Vec<(InstallationId, Position)>, by: String, reason: String },
    /// What an old segment held and is still needed, before the segment goes.
    Carried { events: Vec<LoggedEvent>, requests: Vec<(InstallationId, LoggedRequest)>, forget: Vec<Forgotten> },
    /// Nothing but what goes with it (see [`More`]).
    Noted,
}

impl Record {
    /// The events that it puts into the log, in the order of their places in the frame.
    pub(super) fn events(&self) -> &[LoggedEvent] {
        match self {
            Self::Appended { events, .. }
            | Self::TimersFired { events, .. }
            | Self::Redriven { events, .. }
            | Self::Carried { events, .. } => events,
            Self::Committed(committed) => &committed.emitted,
            Self::OutboxTried(tried) => tried.answer.as_slice(),
            Self::Failed(_) | Self::InstallationPut { .. } | Self::Discarded { .. } | Self::Noted => &[],
        }
    }
}

/// An event in the log, with its way to the installations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LoggedEvent {
    pub(super) position: Position,
    /// Without data if that lives in a file of its own.
    pub(super) event: Event,
    /// sha256 of the data, if it lives in a file of its own.
    pub(super) blob: Option<[u8; 32]>,
    pub(super) received_at: Timestamp,
    /// The delivery that emitted it.
    pub(super) cause: Option<CauseRef>,
    /// The dead letter that it repeats.
    pub(super) redrive_of: Option<Position>,
    pub(super) routes: Vec<Route>,
    /// Digest of source and id, unless it may repeat.
    pub(super) dedupe: Option<[u8; 16]>,
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
pub(super) struct Route {
    pub(super) installation: InstallationId,
    pub(super) lane: Lane,
    /// Nothing of the lane waits before it.
    pub(super) head: bool,
}

/// A schedule ticked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Tick {
    pub(super) installation: InstallationId,
    pub(super) schedule: String,
    pub(super) at: Timestamp,
}

/// Which queue entry a delivery was about, and what its lane does next.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) installation: InstallationId,
    pub(super) position: Position,
    pub(super) lane: Lane,
    /// The retry time that it waited for, if it did.
    pub(super) waited_for: Option<Timestamp>,
    pub(super) enqueued_at: Timestamp,
}

/// A delivery's success and all that comes of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Committed {
    pub(super) entry: Entry,
    pub(super) next_head: Option<Position>,
    pub(super) recording: Recording,
    #[serde(with = "state_values")]
    pub(super) state_writes: StateWrites,
    pub(super) emitted: Vec<LoggedEvent>,
    pub(super) timers_set: Vec<(String, TimerRow, Option<Timestamp>)>,
    pub(super) timers_cancelled: Vec<(String, Timestamp)>,
    pub(super) outbox: Vec<LoggedRequest>,
    /// Keys of requests that were sent before and therefore dropped.
    pub(super) outbox_repeated: Vec<String>,
    /// Figures with their new values.
    pub(super) metrics: Vec<(Vec<u8>, MetricRow)>,
    /// Look-ups, for replay.
    pub(super) exchanges: Vec<Exchange>,
}

/// A durable request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LoggedRequest {
    pub(super) position: Position,
    pub(super) request: OutboxRequest,
    pub(super) row: OutboxFacts,
}

/// What the index keeps of a request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OutboxFacts {
    pub(super) key: String,
    pub(super) generation: Generation,
    pub(super) created_at: Timestamp,
    /// The entry that was handled when it was sent.
    pub(super) cause: Position,
    pub(super) attempts: u32,
    pub(super) due: Timestamp,
}

/// The facts of one attempt, kept for people and for replay.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Recording {
    pub(super) generation: Generation,
    pub(super) attempt: u32,
    /// The delivery's clock.
    pub(super) time: Timestamp,
    pub(super) finished_at: Timestamp,
    pub(super) duration_us: u64,
    pub(super) logs: Vec<LogLine>,
}

/// A delivery's failure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Failed {
    pub(super) entry: Entry,
    pub(super) recording: Recording,
    pub(super) failure: Failure,
    pub(super) then: AfterFailure,
    pub(super) exchanges: Vec<Exchange>,
}

/// What happens to a failed delivery.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum AfterFailure {
    /// It waits and is tried again.
    Retry { due: Timestamp, attempts: u32 },
    /// It is kept aside; its lane goes on.
    DeadLetter { letter: DeadLetterRow, next_head: Option<Position> },
    /// The installation is paused; the entry stays where it is.
    Paused { installation: Box<Installation> },
}

/// One attempt to send an outbox request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OutboxTried {
    pub(super) installation: InstallationId,
    pub(super) position: Position,
    pub(super) was_due: Timestamp,
    pub(super) row: super::rows::OutboxRow,
    /// The outcome as an event, if the connector asked for it.
    pub(super) answer: Option<LoggedEvent>,
}

/// An event whose segment goes and which nobody needs any more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Forgotten {
    pub(super) position: Position,
    pub(super) dedupe: Option<[u8; 16]>,
    /// Recordings: installation and attempt.
    pub(super) recordings: Vec<(InstallationId, u32)>,
}
