//! What goes with a record in the same frame: an audit entry, undo, a moved marker. Holds facts only, like records.
//!
//! A frame's payload is a record and, if anything goes with it, a list behind it. So records stay as they were written
//! by older versions, and any of them can take more with it. An older version refuses what it finds behind a record.

use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::aftermath::Marker;
use crate::audit::AuditEntry;
use crate::facts::FactKind;
use crate::journal::Location;
use crate::keys::Lane;
use crate::rows::{OutboxRow, OutboxState, RepeatedEvents, TimerRow, UndoEnd, UndoRow, encode, encode_after};
use crate::state_values;
use handoff_model::event::Event;
use handoff_model::installation::GenerationDetails;
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::time::Timestamp;

use super::{Record, StateWrites};

/// Something that goes with a record. Variants are only ever appended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum More {
    /// An entry of the audit chain.
    Audit(Box<AuditEntry>),
    /// A generation's details, and how many deliveries were committed before it.
    Details { installation: InstallationId, generation: Generation, details: Box<GenerationDetails>, committed: u64 },
    /// A fact of the host, or its end.
    Fact {
        kind: FactKind,
        key: String,
        #[serde(with = "serde_bytes")]
        value: Option<Vec<u8>>,
    },
    /// From here on undo of a generation is kept.
    Epoch { installation: InstallationId, generation: Generation, at: Timestamp },
    /// Values as they were before the record, under numbers from `first` on.
    Undo(Box<Undo>),
    /// Undo of a generation is kept no more: what is there of it is of no use.
    UndoClosed { installation: InstallationId, generation: Generation },
    /// Undo rows go. `end` is none once all of a generation's are gone.
    UndoDropped { installation: InstallationId, generation: Generation, numbers: Vec<u64>, end: Option<UndoEnd> },
    /// State is written by a migration or put back.
    State {
        installation: InstallationId,
        #[serde(with = "state_values")]
        writes: StateWrites,
    },
    /// Timers are put back: those to be set with the time that they were due at instead, those to be removed with theirs.
    Timers {
        installation: InstallationId,
        set: Vec<(String, TimerRow, Option<Timestamp>)>,
        removed: Vec<(String, Timestamp)>,
    },
    /// How far what follows from a rollback is.
    Marker(Box<Marker>),
    /// What followed from a rollback is of no interest any more.
    MarkerGone { installation: InstallationId },
    /// Requests change their state by hand or by a rollback.
    Moved(Vec<Moved>),
    /// The request of the record (which was tried) was held before.
    WasHeld { installation: InstallationId, position: Position, still: bool },
    /// Of the record's requests (which are carried) those that are not pending, by their place in it.
    StillHeld(Vec<(u32, OutboxState)>),
    /// Events that were handled wait again.
    Requeued(Box<Requeued>),
    /// Events that the delivery emitted and that were in the log already.
    Repeated(Box<Repeated>),
}

/// See [`More::Undo`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Undo {
    pub(crate) installation: InstallationId,
    pub(crate) generation: Generation,
    pub(crate) first: u64,
    pub(crate) rows: Vec<UndoRow>,
    /// The end after them.
    pub(crate) end: UndoEnd,
}

/// A request's new state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Moved {
    pub(crate) installation: InstallationId,
    pub(crate) position: Position,
    /// When it was due, if it was pending; else it was held.
    pub(crate) was_due: Option<Timestamp>,
    pub(crate) row: OutboxRow,
}

/// See [`More::Requeued`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Requeued {
    pub(crate) installation: InstallationId,
    pub(crate) at: Timestamp,
    pub(crate) entries: Vec<Again>,
    /// Entries that were the first of their lane and are not any more.
    pub(crate) back: Vec<SteppedBack>,
}

/// See [`More::Repeated`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Repeated {
    pub(crate) installation: InstallationId,
    /// By place, ascending.
    pub(crate) events: Vec<RepeatedEvent>,
    /// All of the generation, with these.
    pub(crate) so_far: RepeatedEvents,
}

/// An event that a delivery emitted and that nobody gets: the log has one with its source and id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RepeatedEvent {
    /// Its place among all that the delivery emitted, from 0.
    pub place: u32,
    /// The place in the log of the one that is there.
    pub position: Position,
    /// They are not the same.
    pub differs: bool,
    /// What the delivery emitted.
    pub event: Event,
}

/// An entry that waits again.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Again {
    pub(crate) position: Position,
    pub(crate) lane: Lane,
    /// Attempts so far, so that the records of earlier ones stay.
    pub(crate) attempts: u32,
    /// Nothing of the lane waits before it.
    pub(crate) head: bool,
}

/// An entry that has to wait for an older one again.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct SteppedBack {
    pub(crate) position: Position,
    pub(crate) lane: Lane,
    /// The retry time that it waited for, if it did.
    pub(crate) waited_for: Option<Timestamp>,
    pub(crate) enqueued_at: Timestamp,
    pub(crate) attempts: u32,
}

/// A frame's content.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) record: Record,
    pub(crate) more: Vec<More>,
}

impl Written {
    /// Events that the delivery of the record emitted and that were in the log already, by their place.
    pub(crate) fn repeated(&self) -> &[RepeatedEvent] {
        let repeated = self.more.iter().find_map(|more| match more {
            More::Repeated(repeated) => Some(repeated.events.as_slice()),
            _ => None,
        });
        repeated.unwrap_or_default()
    }

    /// The payload of a record's frame.
    pub(crate) fn encode(record: &Record, more: &[More]) -> Vec<u8> {
        let payload = encode(record);
        if more.is_empty() { payload } else { encode_after(payload, &more) }
    }

    /// Reads the payload of the frame at `at`. Bytes left over are refused: another version wrote what this one would lose.
    pub(crate) fn read(payload: &[u8], at: Location) -> Result<Self, StoreError> {
        let bad = |source| StoreError::BadRecord { segment: at.segment, offset: at.offset, source };
        let (record, rest) = postcard::take_from_bytes::<Record>(payload).map_err(bad)?;
        // What a repair put in place of damage fills all of its bytes.
        if rest.is_empty() || is_bridge(&record) && rest.iter().all(|byte| *byte == 0) {
            return Ok(Self { record, more: Vec::new() });
        }
        match postcard::take_from_bytes::<Vec<More>>(rest).map_err(bad)? {
            (more, []) if !more.is_empty() => Ok(Self { record, more }),
            _ => Err(bad(postcard::Error::DeserializeBadEncoding)),
        }
    }
}

fn is_bridge(record: &Record) -> bool {
    matches!(record, Record::Carried { events, requests, forget } if events.is_empty() && requests.is_empty() && forget.is_empty())
}
