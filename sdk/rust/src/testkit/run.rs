//! What one run of a delivery did so far, before anything of it is committed.

use crate::{Level, NewEvent, Request, Send, Timestamp};
use std::collections::BTreeMap;

/// A log message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// How much it matters.
    pub level: Level,
    /// The text.
    pub message: String,
    /// Structured fields.
    pub fields: Vec<(String, String)>,
}

/// A recorded figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Kebab-case name.
    pub name: String,
    /// What was recorded.
    pub value: MetricValue,
    /// Labels.
    pub labels: Vec<(String, String)>,
}

/// What a metric recorded.
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
    /// When its event is delivered.
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
    pub(super) sent: Vec<Send>,
    pub(super) sends_dropped: Vec<String>,
    pub(super) effect_bytes: usize,
    pub(super) fetched: Vec<Request>,
    pub(super) logs: Vec<LogEntry>,
    pub(super) metrics: Vec<Metric>,
    pub(super) violations: Vec<String>,
    pub(super) random_state: u64,
    /// Recorded answers that were given, by their place.
    pub(super) answered: Vec<usize>,
}
