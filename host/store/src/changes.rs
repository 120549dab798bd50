//! Everything that may change in the store. One list, so that whoever applies, counts or announces changes decides about
//! each of them: every match on [`Change`] is exhaustive.
//!
//! A change is made once, by the committer, which reads the index to decide. Applying it reads nothing (see `apply`), so that
//! replaying any suffix of the journal over any later index gives the same index.

mod deliveries;
mod frame;
mod requests;
mod rollback;

use serde::{Deserialize, Serialize};

use handoff_model::installation::{GenerationDetails, GenerationRecord, Installation};
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::time::Timestamp;

use super::audit::AuditEntry;
use super::host_records::HostRecord;
use super::rollback_job::Marker;
use super::rows::{TimerRow, UndoEnd};
use super::state_values;

pub(super) use deliveries::{
    AfterFailure, Committed, Entry, Failed, Forgotten, LoggedEvent, Recording, Repeated, Route, Tick,
};
pub use deliveries::{CauseRef, RepeatedEvent};
pub(super) use frame::{Frame, FrameKind};
pub(super) use requests::{CarriedRequest, LoggedRequest, MovedRequest, OutboxFacts, OutboxTried, StateBefore};
pub(super) use rollback::{Again, Requeued, SteppedBack, Undo};

/// Keys with their new values, or none for a removal.
pub(super) type StateWrites = Vec<(String, Option<Vec<u8>>)>;

/// One change of the store. What becomes true together is a list of changes in one [`Frame`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Change {
    /// Events came in from outside.
    EventsAppended { events: Vec<LoggedEvent>, tick: Option<Tick> },
    /// A delivery succeeded.
    DeliveryCommitted(Box<Committed>),
    /// A delivery failed.
    DeliveryFailed(Box<Failed>),
    /// An outbox request was tried.
    RequestTried(Box<OutboxTried>),
    /// Requests change their state, by a person or by a rollback.
    RequestsMoved(Vec<MovedRequest>),
    /// Timers became due and turned into events.
    TimersFired { timers: Vec<(InstallationId, String, Timestamp)>, events: Vec<LoggedEvent> },
    /// Timers are restored: those to be set with the time that they were due at instead, those to be removed with theirs.
    TimersRestored {
        installation: InstallationId,
        set: Vec<(String, TimerRow, Option<Timestamp>)>,
        removed: Vec<(String, Timestamp)>,
    },
    /// State is written by a migration or restored.
    StateWritten {
        installation: InstallationId,
        #[serde(with = "state_values")]
        writes: StateWrites,
    },
    /// An installation is new or changed.
    InstallationPut(Box<Installation>),
    /// A generation was made.
    GenerationAdded(Box<AddedGeneration>),
    /// The state of a generation follows another schema than that of its version.
    StateSchemaSet { installation: InstallationId, generation: Generation, schema: u32 },
    /// Dead letters are delivered again, as new entries.
    DeadLettersRedriven {
        letters: Vec<(InstallationId, Position)>,
        events: Vec<LoggedEvent>,
        by: String,
        reason: String,
    },
    /// Dead letters are given up.
    DeadLettersDiscarded { letters: Vec<(InstallationId, Position)>, by: String, reason: String },
    /// Events of a segment that is to be dropped, which are still needed.
    EventsCarried(Vec<LoggedEvent>),
    /// Requests of a segment that is to be dropped, which are still needed.
    RequestsCarried(Vec<CarriedRequest>),
    /// What a segment that is to be dropped holds and nothing needs any more.
    EventsForgotten(Vec<Forgotten>),
    /// From here on undo of a generation is kept.
    UndoBegun { installation: InstallationId, generation: Generation, at: Timestamp },
    /// Values as they were before a change of state or timers.
    UndoAdded(Box<Undo>),
    /// Undo of a generation is kept no more: what is there of it is of no use.
    UndoClosed { installation: InstallationId, generation: Generation },
    /// Undo rows are dropped. `end` is none once all of a generation's are gone.
    UndoDropped { installation: InstallationId, generation: Generation, numbers: Vec<u64>, end: Option<UndoEnd> },
    /// A rollback job began or made progress.
    RollbackMoved(Box<Marker>),
    /// The rollback job of an installation is of no interest any more.
    RollbackForgotten { installation: InstallationId },
    /// Events that were handled wait again.
    EventsRequeued(Box<Requeued>),
    /// An entry of the audit chain.
    AuditAppended(Box<AuditEntry>),
    /// A record of the host itself is set or removed.
    HostRecordSet(Box<HostRecord>),
}

/// A new generation with what is kept beside its record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct AddedGeneration {
    pub(super) installation: InstallationId,
    pub(super) record: GenerationRecord,
    pub(super) details: GenerationDetails,
    /// Deliveries of the installation that were committed before it.
    pub(super) committed: u64,
}

/// What a change puts into the journal for others to find by index.
#[derive(Clone, Copy, Default)]
struct Contents<'a> {
    events: &'a [LoggedEvent],
    /// The events wait already and are only written again.
    is_carried: bool,
    requests: &'a [LoggedRequest],
    carried: &'a [CarriedRequest],
}

impl Change {
    fn contents(&self) -> Contents<'_> {
        let none = Contents::default();
        match self {
            Self::EventsAppended { events, .. }
            | Self::TimersFired { events, .. }
            | Self::DeadLettersRedriven { events, .. } => Contents { events, ..none },
            Self::EventsCarried(events) => Contents { events, is_carried: true, ..none },
            Self::DeliveryCommitted(committed) => {
                Contents { events: &committed.emitted, requests: &committed.outbox, ..none }
            }
            Self::RequestTried(tried) => Contents { events: tried.answer.as_slice(), ..none },
            Self::RequestsCarried(carried) => Contents { carried, ..none },
            Self::DeliveryFailed(_)
            | Self::RequestsMoved(_)
            | Self::TimersRestored { .. }
            | Self::StateWritten { .. }
            | Self::InstallationPut(_)
            | Self::GenerationAdded(_)
            | Self::StateSchemaSet { .. }
            | Self::DeadLettersDiscarded { .. }
            | Self::EventsForgotten(_)
            | Self::UndoBegun { .. }
            | Self::UndoAdded(_)
            | Self::UndoClosed { .. }
            | Self::UndoDropped { .. }
            | Self::RollbackMoved(_)
            | Self::RollbackForgotten { .. }
            | Self::EventsRequeued(_)
            | Self::AuditAppended(_)
            | Self::HostRecordSet(_) => none,
        }
    }

    /// The events that it puts into the log, in the order of their indexes.
    pub(super) fn events(&self) -> &[LoggedEvent] {
        self.contents().events
    }

    /// Events that enter queues: all but those that wait already and are only written again.
    pub(super) fn queued_events(&self) -> &[LoggedEvent] {
        let Contents { events, is_carried, .. } = self.contents();
        if is_carried { &[] } else { events }
    }

    /// How many requests it holds.
    pub(super) fn request_count(&self) -> usize {
        let Contents { requests, carried, .. } = self.contents();
        requests.len() + carried.len()
    }

    /// One of its requests.
    pub(super) fn request(&self, index: usize) -> Option<&LoggedRequest> {
        let Contents { requests, carried, .. } = self.contents();
        requests.get(index).or_else(|| carried.get(index).map(|carried| &carried.request))
    }

    /// The highest position that it gives to an event or a request; 0 if it gives none. What is carried forward has its
    /// position already.
    pub(super) fn highest_position(&self) -> u64 {
        let events = self.queued_events().iter().map(|event| event.position.0);
        let requests = self.contents().requests.iter().map(|request| request.position.0);
        events.chain(requests).max().unwrap_or(0)
    }
}
