//! The interface `metrics`: collects metric updates. Invalid ones are dropped and logged.

use std::collections::BTreeMap;

use super::bindings::handoff::connector1_0_0::metrics;
use super::convert::is_kebab_case;
use super::host_state::{HostState, Mode};
use super::log::Log;
use handoff_model::effects::{LogLevel, MetricChange, MetricUpdate};
use handoff_model::limits::CallLimits;

/// Maximum length of a metric's or label's name, in bytes.
const NAME_BYTES: usize = 64;
/// Maximum number of labels of a metric.
const LABELS: usize = 8;
/// Maximum length of a label's value in bytes: each combination of values is a metric.
const LABEL_VALUE_BYTES: usize = 128;

/// Metric updates of one call.
pub(super) struct Metrics {
    mode: Mode,
    limits: CallLimits,
    updates: Vec<MetricUpdate>,
}

impl Metrics {
    pub(super) fn new(mode: Mode, limits: CallLimits) -> Self {
        Self { mode, limits, updates: Vec::new() }
    }

    pub(super) fn finish(self) -> Vec<MetricUpdate> {
        self.updates
    }

    fn update(&mut self, log: &mut Log, name: String, change: MetricChange, labels: Vec<(String, String)>) {
        if self.mode != Mode::Effects {
            return;
        }
        let shown: String = name.chars().take(NAME_BYTES).collect();
        match self.check(name, change, labels) {
            Ok(update) => self.updates.push(update),
            Err(problem) => log.write(LogLevel::Warn, &format!("dropped metric `{shown}`: {problem}"), &[]),
        }
    }

    fn check(&self, name: String, change: MetricChange, labels: Vec<(String, String)>) -> Result<MetricUpdate, String> {
        if self.updates.len() >= self.limits.metric_updates {
            return Err(format!("a delivery makes at most {} metric updates", self.limits.metric_updates));
        }
        if !is_kebab_case(&name, NAME_BYTES) {
            return Err(format!("expected a kebab-case name of at most {NAME_BYTES} bytes, such as `leads-received`"));
        }
        if let MetricChange::Set(value) | MetricChange::Record(value) = change
            && !value.is_finite()
        {
            return Err(format!("its value is {value}; expected a finite number"));
        }
        if labels.len() > LABELS {
            return Err(format!("it has {} labels; expected at most {LABELS}", labels.len()));
        }
        let mut kept = BTreeMap::new();
        for (label, value) in labels {
            if !is_kebab_case(&label, NAME_BYTES) {
                return Err("expected a kebab-case label name, such as `lead-source`".to_owned());
            }
            if value.len() > LABEL_VALUE_BYTES || value.chars().any(char::is_control) {
                return Err(format!("label `{label}`: expected printable text of at most {LABEL_VALUE_BYTES} bytes"));
            }
            if kept.insert(label, value).is_some() {
                return Err("duplicate label".to_owned());
            }
        }
        Ok(MetricUpdate { name, labels: kept, change })
    }
}

impl metrics::Host for HostState {
    async fn counter(&mut self, name: String, add: u64, labels: Vec<(String, String)>) -> wasmtime::Result<()> {
        self.meter.host_call()?;
        self.metrics.update(&mut self.log, name, MetricChange::Add(add), labels);
        Ok(())
    }

    async fn gauge(&mut self, name: String, value: f64, labels: Vec<(String, String)>) -> wasmtime::Result<()> {
        self.meter.host_call()?;
        self.metrics.update(&mut self.log, name, MetricChange::Set(value), labels);
        Ok(())
    }

    async fn histogram(&mut self, name: String, value: f64, labels: Vec<(String, String)>) -> wasmtime::Result<()> {
        self.meter.host_call()?;
        self.metrics.update(&mut self.log, name, MetricChange::Record(value), labels);
        Ok(())
    }
}
