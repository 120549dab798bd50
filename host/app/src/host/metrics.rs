//! Metrics of the host and of connectors, as text for Prometheus and as views. Every name starts with `handoff_`, or is
//! one of the usual names for a process. A scrape reads counters and a bounded number of rows.

mod connectors;
mod exposition;
mod host;
mod installations;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::error::AppError;
use crate::shard::{Shard, blocking};
use exposition::Exposition;
use handoff_control::installations::MetricView;
use handoff_store::{MetricRow, MetricValue};

/// The media type of the text (Prometheus text format 0.0.4).
pub const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

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
    /// Renders all metrics as text. One call works at a time, so that scrapers cannot keep the host busy.
    pub async fn metrics(self: &Arc<Self>) -> Result<String, AppError> {
        let _turn = self.scrapes.lock().await;
        let shard = self.clone();
        blocking(move || shard.render_metrics()).await?
    }

    fn render_metrics(&self) -> Result<String, AppError> {
        let mut out = Exposition::default();
        host::add(&mut out, self)?;
        let mut installations = self.store.installations();
        installations.sort_by(|a, b| a.name.cmp(&b.name));
        for installation in &installations {
            let scope = installation.scope.to_string();
            let own = [("installation", installation.name.as_str()), ("rooftop", scope.as_str())];
            installations::add(&mut out, self, installation, &own)?;
            installations::add_hooks(&mut out, self, installation, &own);
            connectors::add(&mut out, &own, &self.store.metrics(installation.id)?);
        }
        Ok(out.text())
    }
}

/// Exact up to 2^53, rounded beyond.
fn float(count: u64) -> f64 {
    let high = u32::try_from(count >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(count & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

/// Milliseconds as seconds.
fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}
