//! Delivery metrics of each generation: counts and durations in buckets of time, in memory. Judges nothing, and is lost
//! with the process: the caller must keep what has to outlive it.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;

pub use handoff_model::host_records::Figures;
use handoff_model::names::{Generation, InstallationId};
use handoff_model::time::Timestamp;

/// Time that one bucket covers, in milliseconds.
pub(super) const BUCKET_MS: u64 = 30_000;
/// Buckets of one generation: half an hour.
const BUCKETS_MAX: usize = 60;
/// Generations of one installation: the active one and the previous one.
const GENERATIONS_MAX: usize = 2;
/// Classes of durations: the first ends at a quarter of a millisecond, each further one at 1.4 times the end of the
/// previous one.
const CLASSES: usize = 36;
const FIRST_CLASS_MS: f64 = 0.25;
const CLASS_FACTOR: f64 = 1.4;

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    Committed,
    Failed,
    DeadLetter,
}

/// The results and durations of deliveries over some time.
#[derive(Clone, Copy)]
pub(super) struct Sum {
    pub(super) deliveries: u64,
    failed: u64,
    dead_letters: u64,
    classes: [u64; CLASSES],
}

impl Default for Sum {
    fn default() -> Self {
        Self { deliveries: 0, failed: 0, dead_letters: 0, classes: [0; CLASSES] }
    }
}

#[derive(Clone)]
struct Bucket {
    number: u64,
    deliveries: u64,
    failed: u64,
    dead_letters: u64,
    classes: [u32; CLASSES],
}

/// Buckets of one generation, oldest first.
#[derive(Default)]
struct Series(VecDeque<Bucket>);

#[derive(Default)]
pub(super) struct Vitals(Mutex<HashMap<InstallationId, Vec<(Generation, Series)>>>);

impl Vitals {
    pub(super) fn note(&self, id: InstallationId, generation: Generation, at: Timestamp, us: u64, noted: Noted) {
        let mut all = self.0.lock();
        let own = all.entry(id).or_default();
        if !own.iter().any(|(known, _)| *known == generation) {
            own.push((generation, Series::default()));
            own.sort_by_key(|(known, _)| *known);
            while own.len() > GENERATIONS_MAX {
                own.remove(0);
            }
        }
        if let Some((_, series)) = own.iter_mut().find(|(known, _)| *known == generation) {
            series.note(at, us, noted);
        }
    }

    /// Metrics of a generation's deliveries in the newest given number of milliseconds; of everything that is kept if
    /// none is given.
    pub(super) fn figures(
        &self,
        id: InstallationId,
        generation: Generation,
        newest: Option<(Timestamp, u64)>,
    ) -> Figures {
        self.sum(id, generation, newest).figures()
    }

    /// The same as a sum, which answers more questions.
    pub(super) fn sum(&self, id: InstallationId, generation: Generation, newest: Option<(Timestamp, u64)>) -> Sum {
        let all = self.0.lock();
        let series = all.get(&id).and_then(|own| own.iter().find(|(known, _)| *known == generation));
        series.map(|(_, series)| series.sum(newest)).unwrap_or_default()
    }
}

impl Series {
    fn note(&mut self, at: Timestamp, us: u64, noted: Noted) {
        let number = at.0 / BUCKET_MS;
        // If the clock was set back, count into the newest bucket.
        if self.0.back().is_none_or(|newest| newest.number < number) {
            let classes = [0; CLASSES];
            self.0.push_back(Bucket { number, deliveries: 0, failed: 0, dead_letters: 0, classes });
            if self.0.len() > BUCKETS_MAX {
                self.0.pop_front();
            }
        }
        let Some(bucket) = self.0.back_mut() else { return };
        bucket.deliveries += 1;
        bucket.failed += u64::from(noted != Noted::Committed);
        bucket.dead_letters += u64::from(noted == Noted::DeadLetter);
        if let Some(class) = bucket.classes.get_mut(class(us)) {
            *class = class.saturating_add(1);
        }
    }

    fn sum(&self, newest: Option<(Timestamp, u64)>) -> Sum {
        let from = newest.map_or(0, |(now, ms)| now.0.saturating_sub(ms) / BUCKET_MS);
        let mut all = Sum::default();
        for bucket in self.0.iter().filter(|bucket| bucket.number >= from) {
            all.deliveries += bucket.deliveries;
            all.failed += bucket.failed;
            all.dead_letters += bucket.dead_letters;
            for (sum, count) in all.classes.iter_mut().zip(bucket.classes) {
                *sum += u64::from(count);
            }
        }
        all
    }
}

impl Sum {
    pub(super) fn figures(&self) -> Figures {
        let Self { deliveries, failed, dead_letters, .. } = *self;
        let p95_ms = if deliveries == 0 { 0.0 } else { self.duration_ms(rank_of_95(deliveries)) };
        Figures { deliveries, failed, dead_letters, p95_ms }
    }

    /// The duration with this rank in ascending order: the end of its class.
    pub(super) fn duration_ms(&self, rank: u64) -> f64 {
        let mut seen = 0;
        let mut end = FIRST_CLASS_MS;
        for count in self.classes {
            seen += count;
            if seen >= rank {
                break;
            }
            end *= CLASS_FACTOR;
        }
        (end * 100.0).round() / 100.0
    }

    /// How many certainly took longer. Durations in the class that contains the bound may be shorter and do not count.
    pub(super) fn slower_than(&self, bound_ms: f64) -> u64 {
        let mut begin = 0.0;
        let mut end = FIRST_CLASS_MS;
        let mut slower = 0;
        for count in self.classes {
            if begin >= bound_ms {
                slower += count;
            }
            begin = end;
            end *= CLASS_FACTOR;
        }
        slower
    }
}

/// The rank, in ascending order, of the 95th percentile.
pub(super) fn rank_of_95(count: u64) -> u64 {
    (count * 95).div_ceil(100)
}

fn class(us: u64) -> usize {
    let ms = f64::from(u32::try_from(us).unwrap_or(u32::MAX)) / 1_000.0;
    let mut bound = FIRST_CLASS_MS;
    let mut class = 0;
    while ms > bound && class + 1 < CLASSES {
        bound *= CLASS_FACTOR;
        class += 1;
    }
    class
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: InstallationId = InstallationId(7);

    #[test]
    fn metrics_cover_the_requested_time_and_two_generations() {
        let vitals = Vitals::default();
        for second in 0..600 {
            let noted = if second % 10 == 0 { Noted::Failed } else { Noted::Committed };
            let us = if second % 100 == 0 { 900_000 } else { 1_000 };
            vitals.note(ID, Generation(1), Timestamp(second * 1_000), us, noted);
        }
        let all = vitals.figures(ID, Generation(1), None);
        assert_eq!((all.deliveries, all.failed, all.dead_letters), (600, 60, 0));
        assert!((1.0..1.5).contains(&all.p95_ms), "{all:?}");
        let last = vitals.figures(ID, Generation(1), Some((Timestamp(599_000), 60_000)));
        assert!((60..=90).contains(&last.deliveries), "{last:?}");
        vitals.note(ID, Generation(2), Timestamp(600_000), 5_000_000, Noted::DeadLetter);
        vitals.note(ID, Generation(3), Timestamp(600_000), 5_000_000, Noted::DeadLetter);
        assert_eq!(vitals.figures(ID, Generation(1), None), Figures::default(), "two are kept");
        let newest = vitals.figures(ID, Generation(3), None);
        assert_eq!((newest.deliveries, newest.failed, newest.dead_letters), (1, 1, 1));
        assert!(newest.p95_ms >= 5_000.0, "{newest:?}");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut series = Series::default();
        for number in 0..10_000 {
            series.note(Timestamp(number * BUCKET_MS), u64::MAX, Noted::Committed);
        }
        assert_eq!(series.0.len(), BUCKETS_MAX);
        assert_eq!(series.sum(None).deliveries, 60);
    }
}
