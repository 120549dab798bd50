//! Messages between the store and its callers: what is to be made durable, and the answers. Plain data.

use handoff_model::event::Event;
use handoff_model::installation::Pause;
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::time::Timestamp;

use super::keys::QueueKey;
use super::read::Ready;

/// An event on its way into the log.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The event, checked.
    pub event: Event,
    /// Who gets it.
    pub to: Recipients,
}

/// Who gets an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipients {
    /// Every installation that accepts its type.
    Subscribers,
    /// One installation.
    Installation(InstallationId),
}

/// What became of an appended event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is in the log, for so many installations.
    Accepted {
        /// Its position.
        position: Position,
        /// How many queues it entered.
        routes: u32,
    },
    /// Its source and id are in the log already.
    Duplicate {
        /// The position of the first.
        position: Position,
    },
}

/// A schedule's tick, made durable together with its event.
#[derive(Clone, Debug)]
pub struct ScheduleTick {
    /// Whose schedule.
    pub installation: InstallationId,
    /// Its name.
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
    /// The generation that ran.
    pub generation: Generation,
    /// 1 for the first.
    pub number: u32,
    /// The delivery's clock.
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
    /// Its generation is not active any more: nothing took effect, deliver again.
    Fenced,
    /// Something that it read was written meanwhile: nothing took effect, deliver again.
    Conflict,
    /// The entry is not in the queue any more: nothing took effect.
    Gone,
}

/// What to do with a failed delivery.
#[derive(Clone, Debug)]
pub enum FailureAction {
    /// Try again at a time.
    Retry {
        /// Not before.
        due: Timestamp,
    },
    /// Keep it aside.
    DeadLetter,
    /// Stop the installation; the event waits.
    Pause(Pause),
}

/// The outcome of an attempt to send a request.
#[derive(Clone, Debug)]
pub enum RequestOutcome {
    /// The target answered.
    Answered {
        /// With which status code.
        status: u16,
        /// The answer as an event, if it is wanted.
        answer: Option<Event>,
    },
    /// It was cut off on the wire: nobody knows whether the target has it. It is held.
    Unknown {
        /// Why.
        error: String,
    },
    /// Try again at a time.
    Retry {
        /// Not before.
        due: Timestamp,
        /// Why.
        error: String,
    },
    /// Nothing was sent: wait, without counting an attempt.
    NotNow {
        /// Not before.
        due: Timestamp,
    },
    /// Give up.
    Failed {
        /// Why.
        error: String,
        /// The failure as an event, if it is wanted.
        answer: Option<Event>,
    },
}

/// Which dead letters.
#[derive(Clone, Debug)]
pub struct DeadLetterIds(pub Vec<(InstallationId, Position)>);

/// What retention did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// Segments dropped.
    pub segments: u32,
    /// Events forgotten.
    pub forgotten: u64,
    /// Events and requests carried forward.
    pub carried: u64,
}
