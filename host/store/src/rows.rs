//! The values that the index holds under each key. Plain data with one encoding; applying records is in `apply`.

mod undo;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use handoff_model::actor::Actor;
use handoff_model::event::Event;
use handoff_model::failure::Failure;
use handoff_model::installation::GenerationDetails;
use handoff_model::names::{Generation, Position};
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;

use super::StoreError;
use super::journal::Location;
use super::keys::QueueKey;
pub(super) use undo::{TimerBefore, UndoSize, ValueBefore};

/// Encodes a row. Rows are plain data, so this does not fail.
pub(super) fn encode<T: Serialize>(row: &T) -> Vec<u8> {
    postcard::to_stdvec(row).unwrap_or_default()
}

/// Encodes a row after existing bytes, so that a value of up to a megabyte is not copied again.
pub(super) fn encode_after<T: Serialize>(bytes: Vec<u8>, row: &T) -> Vec<u8> {
    postcard::to_extend(row, bytes).unwrap_or_default()
}

/// Decodes a row. The error names its key.
pub(super) fn decode<T: DeserializeOwned>(key: &[u8], bytes: &[u8]) -> Result<T, StoreError> {
    postcard::from_bytes(bytes).map_err(|source| StoreError::BadRow { key: hex(key), source })
}

fn hex(bytes: &[u8]) -> String {
    hex::encode(bytes.get(..64).unwrap_or(bytes))
}

/// The location of an event: its frame, and its index among the frame's events.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct EventRow {
    pub(super) at: Location,
    pub(super) index: u32,
}

/// A waiting delivery.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct QueueRow {
    pub(super) enqueued_at: Timestamp,
    /// Failed attempts so far.
    pub(super) attempts: u32,
    /// When a retry is due.
    pub(super) due: Option<Timestamp>,
}

/// The first entry of a queue that does not wait for a retry. Holds a copy of the queue row, so that a delivery finds
/// it next to those of the neighbouring entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeadRow {
    pub(super) queue_key: QueueKey,
    /// Its queue row, if that was known when this row was written. Older versions did not write it.
    pub(super) queued: Option<QueueRow>,
}

impl HeadRow {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut row = encode(&self.queue_key);
        if let Some(queued) = &self.queued {
            row.extend_from_slice(&encode(queued));
        }
        row
    }

    pub(super) fn decode(key: &[u8], bytes: &[u8]) -> Result<Self, StoreError> {
        let bad = |source| StoreError::BadRow { key: hex(key), source };
        let (queue_key, rest) = postcard::take_from_bytes(bytes).map_err(bad)?;
        let queued = (!rest.is_empty()).then(|| decode(key, rest)).transpose()?;
        Ok(Self { queue_key, queued })
    }
}

/// The details stored beside a generation's record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct DetailsRow {
    pub(super) details: GenerationDetails,
    /// Deliveries of the installation that were committed before this generation.
    pub(super) committed: u64,
    /// The frame of its swap.
    pub(super) at: Location,
}

/// A delivery that failed for good.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct DeadLetterRow {
    pub(super) generation: Generation,
    pub(super) attempts: u32,
    pub(super) first_at: Timestamp,
    pub(super) at: Timestamp,
    pub(super) failure: Failure,
}

/// A timer that is set.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct TimerRow {
    pub(super) due: Timestamp,
    pub(super) event: Event,
    pub(super) set_by: Position,
    /// The scope of the delivery that set it. Its event has it.
    pub(super) scope: Scope,
}

/// The location and state of an outbox request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OutboxRow {
    /// The frame that holds the request.
    pub(super) at: Location,
    pub(super) index: u32,
    pub(super) key: String,
    /// Host and port.
    pub(super) target: String,
    pub(super) generation: Generation,
    pub(super) created_at: Timestamp,
    /// The entry that was being handled when the request was written.
    pub(super) cause: Position,
    /// The scope in which it was being handled. The answer has it.
    pub(super) scope: Scope,
    /// Attempts that began.
    pub(super) attempts: u32,
    pub(super) sent: Sent,
    /// A rollback undid the state of the delivery that wrote it: its answer has no state to find and is not delivered.
    pub(super) state_undone: bool,
    pub(super) state: OutboxState,
}

/// What is known about whether a request reached its target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Sent {
    /// Nothing of it was sent.
    #[default]
    No,
    /// The first attempt began and has not ended.
    Started,
    /// An attempt ended, or was interrupted, without proof that nothing was sent.
    Perhaps,
}

impl Sent {
    /// An attempt begins.
    pub(super) fn started(self) -> Self {
        match self {
            Self::No => Self::Started,
            Self::Started | Self::Perhaps => Self::Perhaps,
        }
    }

    /// The attempt that began last has ended.
    pub(super) fn ended(self, may_have_arrived: bool) -> Self {
        match self {
            Self::No | Self::Started if !may_have_arrived => Self::No,
            Self::No | Self::Started | Self::Perhaps => Self::Perhaps,
        }
    }
}

/// The state of an outbox request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutboxState {
    /// To be sent at a time.
    Pending {
        /// The earliest time.
        due: Timestamp,
        /// The error of the last attempt.
        last_error: Option<String>,
    },
    /// The target answered.
    Answered {
        /// When it answered.
        at: Timestamp,
        /// The status code.
        status: u16,
    },
    /// Given up.
    Failed {
        /// When it failed.
        at: Timestamp,
        /// The error.
        error: String,
    },
    /// Written by a generation that was rolled back, and only sent if a person releases it.
    Held {
        /// When it was held.
        at: Timestamp,
    },
    /// Discarded by a person, or replaced by a request with the same key.
    Discarded {
        /// When it was discarded.
        at: Timestamp,
        /// Who discarded it; none if another request replaced it.
        by: Option<Actor>,
    },
}

/// Repeated events: events that the active generation emitted although they were already in the log, because a
/// rolled-back generation had emitted them for the same deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepeatedEvents {
    /// The generation.
    pub generation: Generation,
    /// Those that are equal to the logged event.
    pub same: u64,
    /// Those that differ from the logged event.
    pub differing: u64,
    /// The events whose deliveries emitted the first differing ones, oldest first.
    pub first_differing: Vec<Position>,
}

/// A metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricRow {
    /// The name.
    pub name: String,
    /// Labels by name.
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub value: MetricValue,
}

/// The value of a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum MetricValue {
    /// Only grows.
    Counter(u64),
    /// Goes up and down.
    Gauge(f64),
    /// Cumulative buckets.
    Histogram {
        /// Counts per bucket of [`HISTOGRAM_BOUNDS`], the last one unbounded.
        buckets: Vec<u64>,
        /// Sum of all values.
        sum: f64,
    },
}

/// Upper bounds of histogram buckets, for `-seconds`: from a millisecond to ten days. They work for other units, too.
pub const HISTOGRAM_BOUNDS: [f64; 16] = [
    0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0, 259_200.0,
    864_000.0,
];
