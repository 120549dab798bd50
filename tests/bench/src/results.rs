//! Samples, their medians and percentiles, and the result table. It measures nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Measured values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    /// The value below which a share of all values lies (nearest rank); 0 without samples.
    pub(crate) fn at(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        let rank = (0..=last).find(|rank| ratio(rank + 1, sorted.len()) >= share).unwrap_or(last);
        sorted.get(rank).copied().unwrap_or_default()
    }

    pub(crate) fn median(&self) -> f64 {
        self.at(0.5)
    }

    /// Whether the highest is at most twice the lowest: only then are two series comparable.
    pub(crate) fn is_steady(&self) -> bool {
        self.at(1.0) <= 2.0 * self.at(0.0)
    }

    /// All values in order of measurement.
    pub(crate) fn in_order(&self) -> String {
        self.0.iter().map(|value| plain(*value)).collect::<Vec<_>>().join(", ")
    }

    /// In another unit.
    pub(crate) fn divided_by(&self, unit: f64) -> Self {
        self.0.iter().map(|value| value / unit).collect()
    }

    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// Divides two counts.
pub(crate) fn ratio(part: usize, whole: usize) -> f64 {
    number(part) / number(whole.max(1))
}

/// A count as a number; counts of a benchmark are small.
pub(crate) fn number(count: impl TryInto<u32>) -> f64 {
    count.try_into().map_or(f64::MAX, f64::from)
}

/// The rows in order of measurement.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Table(Vec<[String; 4]>);

impl Table {
    /// A value with the spread of its runs.
    pub(crate) fn result(&mut self, what: &str, samples: &Samples, unit: &str, compared: &str) {
        let spread = format!("{} – {}", plain(samples.at(0.0)), plain(samples.at(1.0)));
        self.row(what, &format!("**{}** {unit}", plain(samples.median())), &spread, compared);
    }

    /// The median and the tail of a distribution.
    pub(crate) fn distribution(&mut self, what: &str, samples: &Samples, unit: &str, compared: &str) {
        let values = format!("p50 **{}**, p99 **{}** {unit}", plain(samples.at(0.5)), plain(samples.at(0.99)));
        let spread = format!("{} – {}", plain(samples.at(0.0)), plain(samples.at(1.0)));
        self.row(what, &values, &spread, compared);
    }

    /// A value computed from others, which has no spread of its own.
    pub(crate) fn derived(&mut self, what: &str, value: f64, unit: &str, compared: &str) {
        self.row(what, &format!("**{}** {unit}", plain(value)), "", compared);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends the rows of another part.
    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    fn row(&mut self, what: &str, value: &str, spread: &str, compared: &str) {
        println!("  {what}: {} ({spread}) {compared}", value.replace('*', ""));
        self.0.push([what, value, spread, compared].map(str::to_owned));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| Figure | Value | Lowest – highest | Compared |\n|---|---|---|---|")?;
        self.0.iter().try_for_each(|row| writeln!(f, "| {} |", row.join(" | ")))
    }
}

/// Three significant digits.
pub(crate) fn plain(value: f64) -> String {
    match value {
        value if value >= 99.5 => format!("{value:.0}"),
        value if value >= 9.95 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// `12.3 %` of a whole.
pub(crate) fn percent(part: f64, whole: f64) -> String {
    format!("{} %", plain(100.0 * part / whole.max(f64::MIN_POSITIVE)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let samples: Samples = (1..=100).rev().map(f64::from).collect();
        assert_eq!((samples.at(0.0), samples.median(), samples.at(0.99), samples.at(1.0)), (1.0, 50.0, 99.0, 100.0));
        assert_eq!(Samples::default().median(), 0.0);
    }
}
