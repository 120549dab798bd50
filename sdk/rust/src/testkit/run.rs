//! The effects and logs of one run of a delivery, before anything is committed.

use crate::{Level, NewEvent, OutboxRequest, Request, Timestamp};
use std::collections::BTreeMap;

/// A log message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Severity.
    pub level: Level,
    /// The text.
    pub message: String,
    /// Structured fields.
    pub fields: Vec<(String, String)>,
}

/// A metric update.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Kebab-case name.
    pub name: String,
    /// The update.
    pub value: MetricValue,
    /// Labels.
    pub labels: Vec<(String, String)>,
}

/// A metric update's kind and value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MetricValue {
    /// Added to a counter.
    Counter(u64),
    /// Set a gauge.
    Gauge(f64),
    /// Recorded one value of a histogram.
    Histogram(f64),
}

/// A timer that was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// Identifies the timer within the installation.
    pub key: String,
    /// Due time.
    pub at: Timestamp,
    /// The event.
    pub event: NewEvent,
}

/// Everything that one run did. Two runs of a delivery must be equal.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Run {
    pub(super) writes: BTreeMap<String, Option<Vec<u8>>>,
    pub(super) keys_read: usize,
    pub(super) bytes_read: usize,
    pub(super) emitted: Vec<NewEvent>,
    /// Net change of timers: set, or cancelled (none).
    pub(super) timers: BTreeMap<String, Option<Timer>>,
    pub(super) timers_set: usize,
    pub(super) sent: Vec<OutboxRequest>,
    pub(super) sends_dropped: Vec<String>,
    pub(super) effect_bytes: usize,
    pub(super) fetched: Vec<Request>,
    pub(super) logs: Vec<LogEntry>,
    pub(super) metrics: Vec<Metric>,
    pub(super) violations: Vec<String>,
    pub(super) random_state: u64,
    /// Number of times each recorded response was returned, by index.
    pub(super) answered: Vec<usize>,
}
