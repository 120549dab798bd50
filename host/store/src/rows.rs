//! What the index holds under each key. Plain data with one encoding; applying records is in `apply`.

mod undo;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use handoff_model::event::Event;
use handoff_model::failure::Failure;
use handoff_model::installation::GenerationDetails;
use handoff_model::names::{Generation, Position};
use handoff_model::time::Timestamp;

use super::StoreError;
use super::journal::Location;
use super::keys::QueueKey;
pub(super) use undo::{UndoEnd, UndoRow};

/// Encodes a row. Rows are plain data, so this does not fail.
pub(super) fn encode<T: Serialize>(row: &T) -> Vec<u8> {
    postcard::to_stdvec(row).unwrap_or_default()
}

/// The same behind bytes that are there: what may be a megabyte is not copied once more.
pub(super) fn encode_after<T: Serialize>(bytes: Vec<u8>, row: &T) -> Vec<u8> {
    postcard::to_extend(row, bytes).unwrap_or_default()
}

/// Decodes a row of a key that is named if the bytes are no such row.
pub(super) fn decode<T: DeserializeOwned>(key: &[u8], bytes: &[u8]) -> Result<T, StoreError> {
    postcard::from_bytes(bytes).map_err(|source| StoreError::BadRow { key: hex(key), source })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(64).map(|byte| format!("{byte:02x}")).collect()
}

/// Where an event is: a frame and its place among the frame's events.
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

/// The first of a queue that does not wait for a time: what a delivery of it needs lies where its neighbours' lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeadRow {
    pub(super) queue_key: QueueKey,
    /// Its queue row, if it was known when this was written. Older versions wrote
    /// none, and read no further than the queue.
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

/// What is kept of a generation beside its record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct DetailsRow {
    pub(super) details: GenerationDetails,
    /// Deliveries of the installation that were committed before it.
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
}

/// An outbox request's place and state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OutboxRow {
    /// The frame that holds the request.
    pub(super) at: Location,
    pub(super) index: u32,
    pub(super) key: String,
    pub(super) generation: Generation,
    pub(super) created_at: Timestamp,
    /// The entry that was handled when it was sent.
    pub(super) cause: Position,
    pub(super) attempts: u32,
    pub(super) state: OutboxState,
}

/// How far a request has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutboxState {
    /// To be sent at a time.
    Pending {
        /// Not before.
        due: Timestamp,
        /// Why the last attempt brought no answer.
        last_error: Option<String>,
    },
    /// The target answered.
    Answered {
        /// When.
        at: Timestamp,
        /// With which status code.
        status: u16,
    },
    /// Given up.
    Failed {
        /// When.
        at: Timestamp,
        /// Why.
        error: String,
    },
    /// Written by a generation that a rollback left, and not sent unless someone releases it.
    Held {
        /// Since when.
        at: Timestamp,
        /// It was being sent: the target may have it.
        on_the_wire: bool,
    },
    /// Given up by a person, or replaced by a request with the same key.
    Discarded {
        /// When.
        at: Timestamp,
        /// By whom; `replaced` if another request replaced it.
        by: String,
    },
}

/// Events that the active generation emitted and that were in the log already, because the generation that a rollback left
/// had emitted them for the same deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepeatedEvents {
    /// The generation.
    pub generation: Generation,
    /// Those that were as it would have them.
    pub same: u64,
    /// Those that were not.
    pub differing: u64,
    /// Some events whose deliveries emitted these, oldest first.
    pub first_differing: Vec<Position>,
}

/// A metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricRow {
    /// Name.
    pub name: String,
    /// Labels by name.
    pub labels: BTreeMap<String, String>,
    /// Its value.
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

/// Upper bounds of histogram buckets: from a millisecond to ten days, for `-seconds`; as good for other units.
pub const HISTOGRAM_BOUNDS: [f64; 16] = [
    0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0, 259_200.0,
    864_000.0,
];
