//! Business figures: from changes to new values.

use std::collections::BTreeMap;

use crate::model::effects::{MetricChange, MetricUpdate};
use crate::model::names::InstallationId;
use crate::store::StoreError;
use crate::store::keys;
use crate::store::rows::{HISTOGRAM_BOUNDS, MetricRow, MetricValue, decode};

use super::Committer;

impl Committer {
    pub(super) fn decide_metrics(
        &self,
        id: InstallationId,
        updates: Vec<MetricUpdate>,
    ) -> Result<Vec<(Vec<u8>, MetricRow)>, StoreError> {
        let mut changed = BTreeMap::<Vec<u8>, MetricRow>::new();
        for update in updates {
            let figure = figure(&update);
            let row = match changed.remove(&figure) {
                Some(row) => Some(row),
                None => {
                    let key = keys::metric(id, &figure);
                    self.shared.view.get(&key)?.map(|row| decode(&key, &row)).transpose()?
                }
            };
            let value = apply(row.map(|row| row.value), update.change);
            changed.insert(figure, MetricRow { name: update.name, labels: update.labels, value });
        }
        Ok(changed.into_iter().collect())
    }
}

/// Name, kind and labels: what makes a figure one figure.
fn figure(update: &MetricUpdate) -> Vec<u8> {
    let kind = match update.change {
        MetricChange::Add(_) => "counter",
        MetricChange::Set(_) => "gauge",
        MetricChange::Record(_) => "histogram",
    };
    let mut parts = vec![kind.as_bytes()];
    parts.extend(update.labels.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]));
    let mut figure = update.name.as_bytes().to_vec();
    figure.push(0);
    figure.extend_from_slice(&keys::digest16(&parts));
    figure
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
