//! Connectors' own metrics under the prefix `handoff_connector_`. Their names and labels are kebab-case words that a
//! connector chose; here they become names that Prometheus accepts and that collide with nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::exposition::{Exposition, Kind, Label, number};
use handoff_store::{HISTOGRAM_BOUNDS, MetricRow, MetricValue};

/// Lines of one installation in one scrape. A connector may have 10,000 metrics, each a histogram.
const LINES_MAX: usize = 5_000;
/// Lines of a histogram: its buckets, the unbounded one, sum and count.
const HISTOGRAM_LINES: usize = HISTOGRAM_BOUNDS.len() + 3;

/// Adds the metrics of an installation, as many as fit.
pub(super) fn add(out: &mut Exposition, own: &[Label<'_>; 2], rows: &[MetricRow]) {
    let mut seen = BTreeSet::new();
    let (mut lines, mut omitted) = (0_usize, 0_u64);
    for row in rows {
        let labels = labels(own, &row.labels);
        let (name, kind) = family(out, row);
        let more = if kind == Kind::Histogram { HISTOGRAM_LINES } else { 1 };
        // Two metrics that differ only in what a name of Prometheus cannot express are one series.
        if lines + more > LINES_MAX || !seen.insert((name.clone(), labels.clone())) {
            omitted += 1;
            continue;
        }
        lines += more;
        let help = format!("Metric `{}` of connectors.", row.name);
        let labels: Vec<_> = labels.iter().map(|(label, value)| (label.as_str(), value.as_str())).collect();
        let family = out.family(&name, kind, &help);
        match &row.value {
            MetricValue::Counter(count) => family.sample("", &labels, count),
            MetricValue::Gauge(value) => family.sample("", &labels, number(*value)),
            MetricValue::Histogram { buckets, sum } => family.histogram(&labels, &HISTOGRAM_BOUNDS, buckets, *sum),
        }
    }
    let help = "Metrics of connectors that a scrape leaves out: an installation has at most 5,000 lines.";
    out.gauge("handoff_connector_metrics_omitted", help, own, omitted);
}

/// The family of a metric. Only counters end in `_total`, and only histograms have `_bucket`, `_sum` and `_count`. If two
/// connectors use one name for a gauge and a histogram, the one that comes second gets another name.
fn family(out: &Exposition, row: &MetricRow) -> (String, Kind) {
    let name = format!("handoff_connector_{}", word(&row.name));
    let name = name.strip_suffix("_total").unwrap_or(&name).to_owned();
    let (mut name, kind, other) = match row.value {
        MetricValue::Counter(_) => return (format!("{name}_total"), Kind::Counter),
        MetricValue::Gauge(_) => (name, Kind::Gauge, "_value"),
        MetricValue::Histogram { .. } => (name, Kind::Histogram, "_distribution"),
    };
    let is_part = ["_bucket", "_sum", "_count"].iter().any(|suffix| name.ends_with(suffix));
    if kind == Kind::Gauge && (is_part || name == "handoff_connector_metrics_omitted") {
        name.push_str(other);
    }
    while out.kind(&name).is_some_and(|existing| existing != kind) {
        name.push_str(other);
    }
    (name, kind)
}

/// The labels of the host and those of the metric, each once. The host's labels keep their names.
fn labels(own: &[Label<'_>], metric: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut labels: BTreeMap<String, String> =
        own.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
    for (label, value) in metric {
        let label = word(label);
        // `le` and `quantile` belong to the format, and so does what begins with two underscores.
        let is_taken = labels.contains_key(&label) || label == "le" || label == "quantile" || label.starts_with("__");
        let label = if is_taken { format!("connector_{label}") } else { label };
        labels.entry(label).or_insert_with(|| value.clone());
    }
    labels
}

/// A name of Prometheus: letters, digits and underscores, no digit first.
fn word(text: &str) -> String {
    let mut word: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) {
        word.insert(0, '_');
    }
    word
}
