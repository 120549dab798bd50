//! What a successful call of a connector asks for. Nothing of it has happened yet.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::http::{Exchange, Request};
use super::time::Timestamp;

/// Everything one call wants to change. The committer applies all of it, or nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Effects {
    /// Key → new value, or none for a removal. The last write of a key.
    pub state_writes: BTreeMap<String, Option<Vec<u8>>>,
    /// Events for whoever subscribes. Ids and sources are the host's and set already.
    pub emitted: Vec<Event>,
    /// Timers to set, by key.
    pub timers_set: BTreeMap<String, TimerRequest>,
    /// Timers to cancel, by key.
    pub timers_cancelled: Vec<String>,
    /// Requests to send after the commit.
    pub outbox: Vec<OutboxRequest>,
    /// Business figures, in order.
    pub metrics: Vec<MetricUpdate>,
}

impl Effects {
    /// What they hold of memory, roughly: texts and data, without what surrounds them.
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

/// An event to be delivered to the same installation at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerRequest {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

/// A durable HTTP request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxRequest {
    /// Identifies the request within its installation for ever.
    pub key: String,
    /// What is sent.
    pub request: Request,
    /// Whether the outcome comes back as an event.
    pub answer: bool,
    /// The partition key of that event.
    pub partition_key: Option<String>,
}

/// One change of a business figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricUpdate {
    /// Kebab-case name.
    pub name: String,
    /// Labels, sorted by name.
    pub labels: BTreeMap<String, String>,
    /// What to do with the value.
    pub change: MetricChange,
}

/// What to do with a figure's value.
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
    /// Scanned ranges: keys with `prefix`, greater than `after`, up to and including `until` (none: to the prefix's end).
    pub scans: Vec<ScannedRange>,
}

/// One scanned range of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannedRange {
    /// The prefix asked for.
    pub prefix: String,
    /// The key asked to start after.
    pub after: Option<String>,
    /// The last key returned if more followed; none if the scan reached the end.
    pub until: Option<String>,
}

/// One message for the people who watch an installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// How serious.
    pub level: LogLevel,
    /// The message.
    pub message: String,
    /// Structured fields.
    pub fields: Vec<(String, String)>,
}

/// How serious a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For developers.
    Debug,
    /// What happened.
    Info,
    /// What someone should look at.
    Warn,
    /// What went wrong.
    Error,
}

/// What one call left behind, whether it succeeded or not.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// What it read.
    pub reads: ReadSet,
    /// Its look-ups.
    pub exchanges: Vec<Exchange>,
    /// Its log.
    pub logs: Vec<LogLine>,
    /// How long the call took, in microseconds.
    pub duration_us: u64,
}

impl Trace {
    /// What it holds of memory, roughly: texts and data, without what surrounds them.
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
