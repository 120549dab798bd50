//! The result of a delivery, for assertions in tests.

use super::run::{LogEntry, Metric, MetricValue, Run, Timer};
use crate::{Failure, NewEvent, OutboxRequest, Request};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// The result of a delivery. After a failure only `result`, `logs`, `fetched` and `violations` are set: everything else
/// was discarded.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivered {
    /// What the connector returned.
    pub result: Result<(), Failure>,
    /// Events emitted, in order.
    pub emitted: Vec<NewEvent>,
    /// Requests sent, in order, except those whose key was used before.
    pub sent: Vec<OutboxRequest>,
    /// Keys of requests that were dropped because the key was used before.
    pub sends_dropped: Vec<String>,
    /// Timers set, by key.
    pub timers_set: Vec<Timer>,
    /// Keys of timers cancelled.
    pub timers_cancelled: Vec<String>,
    /// Look-ups made, in order.
    pub fetched: Vec<Request>,
    /// Log messages, in order.
    pub logs: Vec<LogEntry>,
    /// Metric updates, in order.
    pub metrics: Vec<Metric>,
    /// Net state writes by key; none means deleted.
    pub state_writes: BTreeMap<String, Option<Vec<u8>>>,
    /// What the host would have cut or dropped: log messages over the limit, invalid metric names.
    pub violations: Vec<String>,
}

impl Delivered {
    pub(super) fn new(result: Result<(), Failure>, run: Run) -> Self {
        let kept = if result.is_ok() { run.clone() } else { Run::default() };
        let (mut timers_set, mut timers_cancelled) = (Vec::new(), Vec::new());
        for (key, change) in kept.timers {
            match change {
                Some(timer) => timers_set.push(timer),
                None => timers_cancelled.push(key),
            }
        }
        Self {
            result,
            emitted: kept.emitted,
            sent: kept.sent,
            sends_dropped: kept.sends_dropped,
            timers_set,
            timers_cancelled,
            fetched: run.fetched,
            logs: run.logs,
            metrics: kept.metrics,
            state_writes: kept.writes,
            violations: run.violations,
        }
    }

    /// Fails the test unless the delivery committed and exceeded no limit.
    ///
    /// # Panics
    /// With the failure's text, or the limits that were exceeded.
    #[track_caller]
    pub fn expect_ok(&self) -> &Self {
        if let Err(failure) = &self.result {
            panic!("the delivery failed: {failure}");
        }
        assert!(self.violations.is_empty(), "the host would have dropped: {:?}", self.violations);
        self
    }

    /// The failure.
    ///
    /// # Panics
    /// If the delivery committed.
    #[track_caller]
    #[must_use]
    pub fn expect_failure(&self) -> &Failure {
        match &self.result {
            Ok(()) => panic!("expected a failure, but the delivery committed"),
            Err(failure) => failure,
        }
    }

    /// The payloads of the emitted events of a type.
    ///
    /// # Panics
    /// If one is not JSON of the requested type.
    #[track_caller]
    #[must_use]
    pub fn emitted_json<T: DeserializeOwned>(&self, type_name: &str) -> Vec<T> {
        self.emitted
            .iter()
            .filter(|event| event.type_name == type_name)
            .map(|event| {
                serde_json::from_slice(&event.data).unwrap_or_else(|error| panic!("data of `{type_name}`: {error}"))
            })
            .collect()
    }

    /// The total added to a counter, over all labels.
    #[must_use]
    pub fn counted(&self, name: &str) -> u64 {
        self.metrics
            .iter()
            .filter(|metric| metric.name == name)
            .map(|metric| if let MetricValue::Counter(add) = metric.value { add } else { 0 })
            .sum()
    }
}
