//! Metrics: computes new values from changes. Exports nothing.

use std::collections::BTreeMap;

use crate::StoreError;
use crate::keys;
use crate::keys::table;
use crate::rows::{HISTOGRAM_BOUNDS, MetricRow, MetricValue, decode};
use handoff_model::effects::{LogLevel, LogLine, MetricChange, MetricUpdate};
use handoff_model::failure::host_codes;
use handoff_model::names::InstallationId;

use super::Committer;

/// The effect of a commit on an installation's metrics.
#[derive(Default)]
pub(super) struct ChangedMetrics {
    pub(super) changed: Vec<(Vec<u8>, MetricRow)>,
    /// Changes of metrics that exceeded the limit.
    pub(super) dropped: u64,
}

impl Committer {
    pub(super) fn decide_metrics(
        &mut self,
        id: InstallationId,
        updates: Vec<MetricUpdate>,
    ) -> Result<ChangedMetrics, StoreError> {
        let mut changed = BTreeMap::<Vec<u8>, MetricRow>::new();
        let mut dropped = 0_u64;
        for update in updates {
            let metric = metric_key(&update);
            let row = match changed.remove(&metric) {
                Some(row) => Some(row),
                None => {
                    let key = keys::metric(id, &metric);
                    let row = self.shared.view.get(&key)?.map(|row| decode(&key, &row)).transpose()?;
                    if row.is_none() && !self.admits_new_metric(id)? {
                        dropped = dropped.saturating_add(1);
                        continue;
                    }
                    row
                }
            };
            let value = apply(row.map(|row| row.value), update.change);
            changed.insert(metric, MetricRow { name: update.name, labels: update.labels, value });
        }
        Ok(ChangedMetrics { changed: changed.into_iter().collect(), dropped })
    }

    /// Counts a new metric of an installation, unless the installation has reached its limit. Metrics are counted on
    /// disk once, at the first new one since the host started.
    fn admits_new_metric(&mut self, id: InstallationId) -> Result<bool, StoreError> {
        let most = self.shared.options.installation_metrics_max;
        let count = match self.metric_counts.get(&id) {
            Some(count) => *count,
            None => {
                let enough = usize::try_from(most).unwrap_or(usize::MAX);
                let prefix = keys::KeyBuilder::new(table::METRIC).installation(id).done();
                u64::try_from(self.shared.view.scan(&prefix, None, enough)?.len()).unwrap_or(u64::MAX)
            }
        };
        let takes = count < most;
        self.metric_counts.insert(id, if takes { count + 1 } else { count });
        Ok(takes)
    }
}

/// The log line for people who watch the installation.
pub(super) fn dropped_line(dropped: u64, most: u64) -> LogLine {
    LogLine {
        level: LogLevel::Warn,
        message: format!(
            "the host dropped {dropped} changes of new metrics: an installation has at most {most} metrics, each \
             combination of a name and its labels is one (`limits.engine.installation-metrics-max`)"
        ),
        fields: vec![("code".to_owned(), host_codes::METRICS.to_owned())],
    }
}

/// Name, kind and labels: they identify a metric.
fn metric_key(update: &MetricUpdate) -> Vec<u8> {
    let kind = match update.change {
        MetricChange::Add(_) => "counter",
        MetricChange::Set(_) => "gauge",
        MetricChange::Record(_) => "histogram",
    };
    let mut parts = vec![kind.as_bytes()];
    parts.extend(update.labels.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]));
    let mut metric = update.name.as_bytes().to_vec();
    metric.push(0);
    metric.extend_from_slice(&keys::digest16(&parts));
    metric
}

fn apply(value: Option<MetricValue>, change: MetricChange) -> MetricValue {
    match (change, value) {
        (MetricChange::Add(add), Some(MetricValue::Counter(count))) => MetricValue::Counter(count.saturating_add(add)),
        (MetricChange::Add(add), _) => MetricValue::Counter(add),
        (MetricChange::Set(value), _) => MetricValue::Gauge(value),
        (MetricChange::Record(value), old) => {
            let (mut buckets, mut sum) = match old {
                Some(MetricValue::Histogram { buckets, sum }) => (buckets, sum),
                _ => (Vec::new(), 0.0),
            };
            buckets.resize(HISTOGRAM_BOUNDS.len() + 1, 0);
            let place = HISTOGRAM_BOUNDS.iter().position(|bound| value <= *bound).unwrap_or(HISTOGRAM_BOUNDS.len());
            if let Some(bucket) = buckets.get_mut(place) {
                *bucket = bucket.saturating_add(1);
            }
            sum += value;
            MetricValue::Histogram { buckets, sum }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_each_value_under_its_bound_and_sums_all() {
        let values = [0.0005, 0.001, 2.0, 864_000.0, 1e9];
        let record = |old: Option<MetricValue>, value: &f64| Some(apply(old, MetricChange::Record(*value)));
        let Some(MetricValue::Histogram { buckets, sum }) = values.iter().fold(None, record) else { panic!("another") };
        let mut expected = [0; HISTOGRAM_BOUNDS.len() + 1];
        (expected[0], expected[6], expected[15], expected[16]) = (2, 1, 1, 1);
        assert_eq!(buckets, expected, "the last bucket has no bound");
        assert_eq!(sum, values.iter().sum::<f64>());
    }
}
