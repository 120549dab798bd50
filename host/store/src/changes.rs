//! Every kind of change of the store. The list is closed: every match on [`Change`] is exhaustive, so code that
//! applies, counts or announces changes must handle each kind.
//!
//! The committer creates a change once and reads the index to decide. Applying a change reads nothing (see `apply`), so
//! replaying any suffix of the journal over any later index gives the same index.

mod deliveries;
mod frame;
mod requests;
mod rollback;

use serde::{Deserialize, Serialize};

use handoff_model::actor::Actor;
use handoff_model::installation::{GenerationDetails, GenerationRecord, Installation};
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::time::Timestamp;

use super::audit::AuditEntry;
use super::host_records::HostRecord;
use super::keys::Undone;
use super::rollback_job::Marker;
use super::rows::TimerRow;
use super::state_values;
use super::uninstall::Uninstalled;

pub(super) use deliveries::{
    AfterFailure, Committed, Entry, Failed, Forgotten, LoggedEvent, Recording, Repeated, Route, Tick,
};
pub use deliveries::{CauseRef, RepeatedEvent};
pub(super) use frame::{Frame, FrameKind};
pub(super) use requests::{
    CarriedRequest, LoggedRequest, MovedRequest, OutboxFacts, SendFinished, SendStarted, StateBefore,
};
pub(super) use rollback::{Again, MovedRetry, Requeued, SteppedBack, Undo, Withdrawn, WithdrawnEntry};

/// Keys with their new values, or none for a removal.
pub(super) type StateWrites = Vec<(String, Option<Vec<u8>>)>;

/// One change of the store. Changes that take effect together form a list in one [`Frame`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Change {
    /// Events arrived from outside.
    EventsAppended { events: Vec<LoggedEvent>, tick: Option<Tick> },
    /// A delivery succeeded.
    DeliveryCommitted(Box<Committed>),
    /// A delivery failed.
    DeliveryFailed(Box<Failed>),
    /// An attempt to send an outbox request begins: nothing is sent before this is durable.
    SendStarted(Box<SendStarted>),
    /// An attempt to send an outbox request has ended.
    SendFinished(Box<SendFinished>),
    /// Requests changed their state, through a person or a rollback.
    RequestsMoved(Vec<MovedRequest>),
    /// Timers became due and turned into events.
    TimersFired { timers: Vec<(InstallationId, String, Timestamp)>, events: Vec<LoggedEvent> },
    /// Timers are restored. Timers to set carry their restored due time; timers to remove carry their current one.
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
    /// A generation was created.
    GenerationAdded(Box<AddedGeneration>),
    /// The state of a generation follows a different schema than that of its version.
    StateSchemaSet { installation: InstallationId, generation: Generation, schema: u32 },
    /// Dead letters are redriven, as new entries.
    DeadLettersRedriven {
        letters: Vec<(InstallationId, Position)>,
        events: Vec<LoggedEvent>,
        by: Actor,
        reason: String,
    },
    /// Dead letters are discarded.
    DeadLettersDiscarded { letters: Vec<(InstallationId, Position)>, by: Actor, reason: String },
    /// Events that are still needed, copied from a segment before it is dropped.
    EventsCarried(Vec<LoggedEvent>),
    /// Requests that are still needed, copied from a segment before it is dropped.
    RequestsCarried(Vec<CarriedRequest>),
    /// Contents of a segment to be dropped that nothing needs.
    EventsForgotten(Vec<Forgotten>),
    /// Undo of a generation is recorded from here on.
    UndoBegun { installation: InstallationId, generation: Generation, at: Timestamp },
    /// Values from before a change of state or timers.
    UndoAdded(Box<Undo>),
    /// Undo of a generation is no longer recorded, and the existing undo rows are useless.
    UndoClosed { installation: InstallationId, generation: Generation },
    /// Undo rows are dropped. `is_all` is true once no more rows of the generation are left.
    UndoDropped { installation: InstallationId, generation: Generation, rows: Vec<Undone>, is_all: bool },
    /// A rollback job started or made progress.
    RollbackMoved(Box<Marker>),
    /// The rollback job of an installation is no longer needed.
    RollbackForgotten { installation: InstallationId },
    /// Handled events are queued again.
    EventsRequeued(Box<Requeued>),
    /// Waiting events are withdrawn: a rolled-back generation emitted them, a person set one aside, or their installation
    /// ends.
    EventsWithdrawn(Box<Withdrawn>),
    /// Deliveries that wait for a retry become due at another time.
    RetriesMoved { installation: InstallationId, due: Timestamp, moved: Vec<MovedRetry> },
    /// An entry of the audit chain is added.
    AuditAppended(Box<AuditEntry>),
    /// A host record is set or removed.
    HostRecordSet(Box<HostRecord>),
    /// An installation has ended. Other changes of the frame remove its pending work.
    Uninstalled(Box<Uninstalled>),
    /// Rows that an installation left behind are dropped.
    RowsDropped { installation: InstallationId, keys: Vec<Vec<u8>> },
}

/// A new generation and the details stored beside its record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct AddedGeneration {
    pub(super) installation: InstallationId,
    pub(super) record: GenerationRecord,
    pub(super) details: GenerationDetails,
    /// Deliveries of the installation that were committed before this generation.
    pub(super) committed: u64,
}

/// The events and requests of a change that are found by their index in the frame.
#[derive(Clone, Copy, Default)]
struct Contents<'a> {
    events: &'a [LoggedEvent],
    /// The events are already queued and are only written again.
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
            Self::SendFinished(finished) => Contents { events: finished.answer.as_slice(), ..none },
            Self::RequestsCarried(carried) => Contents { carried, ..none },
            Self::DeliveryFailed(_)
            | Self::SendStarted(_)
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
            | Self::EventsWithdrawn(_)
            | Self::RetriesMoved { .. }
            | Self::AuditAppended(_)
            | Self::HostRecordSet(_)
            | Self::Uninstalled(_)
            | Self::RowsDropped { .. } => none,
        }
    }

    /// The events that the change adds to the log, in index order.
    pub(super) fn events(&self) -> &[LoggedEvent] {
        self.contents().events
    }

    /// Events that enter queues: all except carried events, which are already queued.
    pub(super) fn queued_events(&self) -> &[LoggedEvent] {
        let Contents { events, is_carried, .. } = self.contents();
        if is_carried { &[] } else { events }
    }

    /// The number of requests.
    pub(super) fn request_count(&self) -> usize {
        let Contents { requests, carried, .. } = self.contents();
        requests.len() + carried.len()
    }

    /// One of the requests.
    pub(super) fn request(&self, index: usize) -> Option<&LoggedRequest> {
        let Contents { requests, carried, .. } = self.contents();
        requests.get(index).or_else(|| carried.get(index).map(|carried| &carried.request))
    }

    /// The highest position that the change assigns to an event or a request; 0 if it assigns none. Carried events and
    /// requests already have their positions.
    pub(super) fn highest_position(&self) -> u64 {
        let events = self.queued_events().iter().map(|event| event.position.0);
        let requests = self.contents().requests.iter().map(|request| request.position.0);
        events.chain(requests).max().unwrap_or(0)
    }
}
