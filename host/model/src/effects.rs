//! The effects that a successful call requests. None of them has been applied yet.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::http::{Exchange, Request};
use super::time::Timestamp;

/// Everything that one call changes. The committer applies all of it or nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Effects {
    /// Key → new value, or none to delete it. The last write of each key.
    pub state_writes: BTreeMap<String, Option<Vec<u8>>>,
    /// Events for subscribers. The host has already set their ids and sources.
    pub emitted: Vec<Event>,
    /// Timers to set, by key.
    pub timers_set: BTreeMap<String, TimerRequest>,
    /// Timers to cancel, by key.
    pub timers_cancelled: Vec<String>,
    /// Requests to send after the commit.
    pub outbox: Vec<OutboxRequest>,
    /// Metric updates, in order.
    pub metrics: Vec<MetricUpdate>,
}

impl Effects {
    /// Approximate memory of texts and data, in bytes, without the containers.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let state = self.state_writes.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len));
        let events = self.emitted.iter().chain(self.timers_set.values().map(|timer| &timer.event));
        let events = events.map(|event| event.data.len() + event.id.len() + event.source.len());
        let requests = self
            .outbox
            .iter()
            .map(|request| request.request.url.len() + request.request.body.as_ref().map_or(0, Vec::len));
        state.chain(events).chain(requests).sum::<usize>() + 256 * self.metrics.len()
    }
}

/// An event to be delivered to the same installation at a given time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerRequest {
    /// Due time.
    pub at: Timestamp,
    /// The event.
    pub event: Event,
}

/// A durable HTTP request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxRequest {
    /// Unique within its installation, for all time.
    pub key: String,
    /// The request.
    pub request: Request,
    /// Whether the outcome comes back as an event.
    pub answer: bool,
    /// The partition key of that event.
    pub partition_key: Option<String>,
}

/// One update of a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricUpdate {
    /// Kebab-case name.
    pub name: String,
    /// Labels, sorted by name.
    pub labels: BTreeMap<String, String>,
    /// The update.
    pub change: MetricChange,
}

/// How the value of a metric changes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum MetricChange {
    /// Add to a counter.
    Add(u64),
    /// Set a gauge.
    Set(f64),
    /// Record one value of a histogram.
    Record(f64),
}

/// What a delivery read from state: the committer refuses the commit if any of it was written since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadSet {
    /// Keys that were read, present or not.
    pub keys: std::collections::BTreeSet<String>,
    /// Scanned ranges: keys with `prefix`, greater than `after`, up to and including `until` (none: to the end of the
    /// prefix).
    pub scans: Vec<ScannedRange>,
}

/// One scanned range of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannedRange {
    /// The requested prefix.
    pub prefix: String,
    /// The key after which the scan started.
    pub after: Option<String>,
    /// The last key returned if more follow; none if the scan reached the end.
    pub until: Option<String>,
}

/// A log message for the operators of an installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Severity.
    pub level: LogLevel,
    /// The message.
    pub message: String,
    /// Structured fields.
    pub fields: Vec<(String, String)>,
}

/// Severity of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Details for developers.
    Debug,
    /// Normal events.
    Info,
    /// Something to look at.
    Warn,
    /// An error.
    Error,
}

/// What a call read and logged, whether it succeeded or not.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Its reads.
    pub reads: ReadSet,
    /// Its look-ups.
    pub exchanges: Vec<Exchange>,
    /// Its log.
    pub logs: Vec<LogLine>,
    /// Duration of the call, in microseconds.
    pub duration_us: u64,
}

impl Trace {
    /// Approximate memory of texts and data, in bytes, without the containers.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let answer = |exchange: &Exchange| exchange.result.as_ref().map_or(0, |response| response.body.len());
        let exchanges =
            self.exchanges.iter().map(|exchange| exchange.request.body.as_ref().map_or(0, Vec::len) + answer(exchange));
        let logs = self.logs.iter().map(|line| {
            line.message.len() + line.fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
        });
        let reads = self.reads.keys.iter().map(String::len);
        exchanges.chain(logs).chain(reads).sum()
    }
}
