//! Messages between the store and its callers: requests to make data durable, and the answers. Plain data, no logic.

use handoff_model::event::Event;
use handoff_model::installation::Pause;
use handoff_model::names::{Generation, InstallationId, Position, RooftopName};
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;
use handoff_model::track_record::InputId;

use super::keys::QueueKey;
use super::read::Ready;

/// An event to append to the log.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The event, already validated.
    pub event: Event,
    /// Its recipients.
    pub to: Recipients,
}

/// The recipients of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipients {
    /// Every installation that accepts its type, of a rooftop and of the groups that the rooftop belongs to.
    Rooftop(RooftopName),
    /// One installation. The event belongs to its scope.
    Installation(InstallationId),
}

/// The result of appending an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is in the log, and in the queues of its recipients.
    Accepted {
        /// Its position.
        position: Position,
        /// The number of queues it entered.
        routes: u32,
    },
    /// An event with its source and id is already in the log.
    Duplicate {
        /// The position of that event.
        position: Position,
    },
}

/// A schedule's tick, made durable together with its event.
#[derive(Clone, Debug)]
pub struct ScheduleTick {
    /// The installation that owns the schedule.
    pub installation: InstallationId,
    /// The name of the schedule.
    pub schedule: String,
    /// The scheduled instant.
    pub at: Timestamp,
}

/// Identifies a delivery to the committer.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The installation.
    pub installation: InstallationId,
    /// The queue entry.
    pub position: Position,
    /// Its queue.
    pub queue_key: QueueKey,
    /// The scope of its event.
    pub scope: Scope,
    /// The generation that ran.
    pub generation: Generation,
    /// The type of the event.
    pub input: InputId,
    /// The attempt's number, from 1.
    pub number: u32,
    /// The time that the delivery sees.
    pub time: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
}

/// The committer's answer to a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It took effect and is durable.
    Done {
        /// The entry of the same queue that may be delivered now.
        next: Option<Ready>,
    },
    /// Its generation is no longer active: it had no effect, deliver again.
    Fenced,
    /// A value that it read was written in the meantime: it had no effect, deliver again.
    Conflict,
    /// The entry is no longer in the queue: the delivery had no effect.
    Gone,
}

/// What to do with a failed delivery.
#[derive(Clone, Debug)]
pub enum FailureAction {
    /// Try again at a time.
    Retry {
        /// The earliest time.
        due: Timestamp,
    },
    /// Make it a dead letter.
    DeadLetter,
    /// Pause the installation; the event waits.
    Pause(Pause),
}

/// The outcome of an attempt to send a request.
#[derive(Clone, Debug)]
pub enum RequestOutcome {
    /// The target answered.
    Answered {
        /// The status code.
        status: u16,
        /// The answer as an event, if the connector asked for it.
        answer: Option<Event>,
    },
    /// The connection broke while it was sent: the target may have received it. The request is held.
    Unknown {
        /// The error.
        error: String,
    },
    /// Try again at a time.
    Retry {
        /// The earliest time.
        due: Timestamp,
        /// The error.
        error: String,
        /// Whether the target may have received it.
        may_have_arrived: bool,
    },
    /// Nothing was sent: wait, without counting an attempt.
    NotNow {
        /// The earliest time.
        due: Timestamp,
    },
    /// Give up.
    Failed {
        /// The error.
        error: String,
        /// Whether the target may have received it.
        may_have_arrived: bool,
        /// The failure as an event, if the connector asked for it.
        answer: Option<Event>,
    },
}

impl RequestOutcome {
    /// Whether the target may have received the request.
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        match self {
            Self::Answered { .. } | Self::Unknown { .. } => true,
            Self::Retry { may_have_arrived, .. } | Self::Failed { may_have_arrived, .. } => *may_have_arrived,
            Self::NotNow { .. } => false,
        }
    }
}

/// A selection of dead letters.
#[derive(Clone, Debug)]
pub struct DeadLetterIds(pub Vec<(InstallationId, Position)>);

/// The result of a retention run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// Segments dropped.
    pub segments: u32,
    /// Events deleted.
    pub forgotten: u64,
    /// Events and requests carried forward.
    pub carried: u64,
}
