//! Classes of durations and of counts, so that a few bytes hold a distribution. Judges nothing.

use serde::{Deserialize, Serialize};

/// The first class of durations ends at this many milliseconds, each further one at [`DURATION_FACTOR`] times the end of
/// the previous one.
const FIRST_DURATION_MS: f64 = 0.25;
const DURATION_FACTOR: f64 = 1.4;

/// A class of durations, 40 % wide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DurationClass(u8);

impl DurationClass {
    /// How many there are: the last one begins at about half a minute.
    pub const COUNT: usize = 36;

    /// The class of a duration in microseconds.
    #[must_use]
    pub fn of_us(us: u64) -> Self {
        let ms = f64::from(u32::try_from(us).unwrap_or(u32::MAX)) / 1_000.0;
        let mut end = FIRST_DURATION_MS;
        let mut class = 0;
        while ms > end && usize::from(class) + 1 < Self::COUNT {
            end *= DURATION_FACTOR;
            class += 1;
        }
        Self(class)
    }

    /// Where the class begins, in milliseconds.
    #[must_use]
    pub fn begin_ms(self) -> f64 {
        if self.0 == 0 { 0.0 } else { FIRST_DURATION_MS * DURATION_FACTOR.powi(i32::from(self.0) - 1) }
    }

    /// Where the class ends, in milliseconds, rounded to hundredths.
    #[must_use]
    pub fn end_ms(self) -> f64 {
        (FIRST_DURATION_MS * DURATION_FACTOR.powi(i32::from(self.0)) * 100.0).round() / 100.0
    }

    /// Whether a duration of this class is certainly longer than a bound.
    #[must_use]
    pub fn is_longer_than(self, bound_ms: f64) -> bool {
        self.begin_ms() >= bound_ms
    }

    /// All classes, ascending.
    pub fn all() -> impl Iterator<Item = Self> {
        (0_u8..).take(Self::COUNT).map(Self)
    }

    /// Counts it in a histogram that is as long as its highest class.
    pub(super) fn count_into(self, histogram: &mut Vec<u32>) {
        let index = usize::from(self.0);
        if histogram.len() <= index {
            histogram.resize(index + 1, 0);
        }
        if let Some(count) = histogram.get_mut(index) {
            *count = count.saturating_add(1);
        }
    }
}

/// A class of counts: 0, 1, 2 and 3 have their own; further classes grow by about the square root of two, so that twice as
/// many are always in a higher class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CountClass(u8);

impl CountClass {
    /// How many there are.
    pub const COUNT: usize = 11;
    /// The lowest count of each class.
    const BEGINS: [u32; Self::COUNT] = [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32];

    /// The class of a count.
    #[must_use]
    pub fn of(count: u32) -> Self {
        let class = Self::BEGINS.iter().rposition(|begin| *begin <= count).unwrap_or_default();
        Self(u8::try_from(class).unwrap_or_default())
    }

    /// The class with an index.
    #[must_use]
    pub fn at(index: usize) -> Self {
        Self(u8::try_from(index.min(Self::COUNT - 1)).unwrap_or_default())
    }

    /// Its index among all classes.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0).min(Self::COUNT - 1)
    }

    /// The highest count of the class; none for the last class.
    #[must_use]
    pub fn highest(self) -> Option<u32> {
        Self::BEGINS.get(self.index() + 1).map(|next| next - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_as_many_are_in_a_higher_class() {
        assert_eq!(CountClass::of(0), CountClass::default());
        for count in 1..=31 {
            assert!(CountClass::of(2 * count) > CountClass::of(count), "{count}");
        }
        assert_eq!(CountClass::of(u32::MAX), CountClass::of(32));
        assert_eq!(CountClass::of(5).highest(), Some(5));
    }

    #[test]
    fn a_duration_lies_in_its_class() {
        for us in [0, 1, 250, 251, 3_000, 499_000, 30_000_000] {
            let (class, ms) = (DurationClass::of_us(us), f64::from(u32::try_from(us).unwrap_or_default()) / 1_000.0);
            assert!(class.begin_ms() <= ms && ms <= class.end_ms() + 0.005, "{us}: {class:?}");
        }
        assert_eq!(usize::from(DurationClass::of_us(u64::MAX).0), DurationClass::COUNT - 1);
        assert!(DurationClass::of_us(600_000).is_longer_than(400.0));
        assert!(!DurationClass::of_us(490_000).is_longer_than(500.0));
    }
}
