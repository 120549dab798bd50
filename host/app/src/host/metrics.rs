//! Metrics of connectors and of the host, as views and as OpenMetrics text (OpenMetrics 1.0). Every name starts with
//! `handoff_`. Every sample names its installation, except samples of the whole host.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::installations::MetricView;
use handoff_store::{HISTOGRAM_BOUNDS, MetricRow, MetricValue};

/// The media type of OpenMetrics text.
pub const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A metric of a connector.
pub(crate) fn metric(row: &MetricRow) -> MetricView {
    let (value, count) = match &row.value {
        MetricValue::Counter(count) => (float(*count), None),
        MetricValue::Gauge(value) => (*value, None),
        MetricValue::Histogram { buckets, sum } => {
            let count = buckets.iter().sum::<u64>();
            (if count == 0 { 0.0 } else { sum / float(count) }, Some(count))
        }
    };
    MetricView { name: row.name.clone(), labels: row.labels.clone(), value, count }
}

impl Shard {
    /// Renders all metrics as OpenMetrics text.
    pub fn metrics(&self) -> Result<String, AppError> {
        let store = &self.store;
        let mut families = Families::default();
        let journal = store.journal_volume();
        for (name, value) in [("handoff_journal_syncs", journal.syncs), ("handoff_journal_bytes", journal.bytes)] {
            families.add(name, Kind::Counter, "_total", &BTreeMap::new(), &value.to_string());
        }
        for installation in store.installations() {
            let labels = BTreeMap::from([("installation".to_owned(), installation.name.to_string())]);
            let waits = self.counts(installation.id);
            let done = store.counts(installation.id);
            for (name, value) in [
                ("handoff_events_waiting", waits.waiting),
                ("handoff_deliveries_in_flight", waits.in_flight),
                ("handoff_dead_letters", waits.dead_letters),
                ("handoff_outbox_pending", waits.outbox_pending),
                ("handoff_outbox_held", waits.outbox_held),
                ("handoff_timers", waits.timers),
                ("handoff_installation_paused", u64::from(installation.paused.is_some())),
            ] {
                families.add(name, Kind::Gauge, "", &labels, &value.to_string());
            }
            for (name, value) in [
                ("handoff_deliveries_committed", done.committed),
                ("handoff_delivery_attempts_failed", done.failed_attempts),
                ("handoff_deliveries_dead_lettered", done.dead_lettered),
            ] {
                families.add(name, Kind::Counter, "_total", &labels, &value.to_string());
            }
            for row in store.metrics(installation.id)? {
                families.business(&row, &labels);
            }
        }
        Ok(families.text())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Samples by family: OpenMetrics requires the samples of a family to be together.
#[derive(Default)]
struct Families(BTreeMap<String, (Kind, String)>);

impl Families {
    fn add(&mut self, family: &str, kind: Kind, suffix: &str, labels: &BTreeMap<String, String>, value: &str) {
        // Two connectors may use one name for different kinds of metric. Each kind then becomes its own family.
        let mut name = family.to_owned();
        while self.0.get(&name).is_some_and(|(other, _)| *other != kind) {
            name.push_str(match kind {
                Kind::Counter => "_counter",
                Kind::Gauge => "_gauge",
                Kind::Histogram => "_histogram",
            });
        }
        let samples = &mut self.0.entry(name.clone()).or_insert((kind, String::new())).1;
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{}=\"{}\"", word(label), escaped(value))).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(samples, "{name}{suffix}{{{}}} {value}", labels.join(","));
    }

    fn business(&mut self, row: &MetricRow, own: &BTreeMap<String, String>) {
        let name = format!("handoff_connector_{}", word(&row.name));
        let mut labels = own.clone();
        for (label, value) in &row.labels {
            // Labels of the host and of the histogram take precedence.
            let label = word(label);
            let label = if label == "installation" || label == "le" { format!("connector_{label}") } else { label };
            labels.entry(label).or_insert_with(|| value.clone());
        }
        match &row.value {
            MetricValue::Counter(count) => {
                let name = name.strip_suffix("_total").unwrap_or(&name);
                self.add(name, Kind::Counter, "_total", &labels, &count.to_string());
            }
            MetricValue::Gauge(value) => self.add(&name, Kind::Gauge, "", &labels, &number(*value)),
            MetricValue::Histogram { buckets, sum } => {
                let bounds = HISTOGRAM_BOUNDS.iter().map(|bound| number(*bound)).chain(["+Inf".to_owned()]);
                let mut below = 0_u64;
                for (bound, count) in bounds.zip(buckets.iter().copied().chain(std::iter::repeat(0))) {
                    below = below.saturating_add(count);
                    let mut labels = labels.clone();
                    labels.insert("le".to_owned(), bound);
                    self.add(&name, Kind::Histogram, "_bucket", &labels, &below.to_string());
                }
                self.add(&name, Kind::Histogram, "_sum", &labels, &number(*sum));
                self.add(&name, Kind::Histogram, "_count", &labels, &below.to_string());
            }
        }
    }

    fn text(self) -> String {
        let mut text = String::new();
        for (name, (kind, samples)) in self.0 {
            let kind = match kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            let _ = writeln!(text, "# TYPE {name} {kind}");
            text.push_str(&samples);
        }
        text.push_str("# EOF\n");
        text
    }
}

/// Converts text to a name that OpenMetrics allows.
fn word(text: &str) -> String {
    let mut word: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) {
        word.insert(0, '_');
    }
    word
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn number(value: f64) -> String {
    if value == f64::INFINITY {
        "+Inf".to_owned()
    } else if value == f64::NEG_INFINITY {
        "-Inf".to_owned()
    } else {
        value.to_string()
    }
}

/// Exact up to 2^53, rounded beyond.
fn float(count: u64) -> f64 {
    let high = u32::try_from(count >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(count & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}
