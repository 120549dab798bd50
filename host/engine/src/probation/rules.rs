//! The bounds of a probation. Compares the deliveries of a generation with those of the previous one, and returns which
//! bound is exceeded. Knows no clock.
//!
//! A bound is exceeded only if both sides have enough deliveries to compare, and only by more than chance explains.
//! Rates are judged by the lower end of their 95 % interval (Wilson, 1927), so that three failures in a row prove
//! nothing. The share of slow deliveries is judged in the same way; one in twenty may be slow. A generation without a
//! baseline is never judged.
//!
//! A delivery that runs for longer than the latency bound is slow, whatever its outcome. It counts as slow from then
//! on, and counts for nothing else: whether it fails is unknown.

use crate::vitals::{Figures, Sum, rank_of_95};
use crate::work::Overdue;
use handoff_model::limits::ProbationLimits;

use super::{Evidence, Rule};

/// The number of standard deviations of a 95 % interval.
const Z: f64 = 1.96;
/// The share of deliveries that may be slower than the bound: the bound applies to the 95th percentile.
const SLOW_SHARE: f64 = 0.05;

/// The observed deliveries of a generation.
pub(super) struct Seen {
    /// Deliveries that have ended.
    pub(super) ended: Sum,
    /// Deliveries that have been running for longer than the latency bound.
    pub(super) overdue: Overdue,
}

/// Whether this many deliveries are enough to judge.
pub(super) fn is_enough(limits: &ProbationLimits, deliveries: u64) -> bool {
    deliveries >= limits.min_deliveries
}

/// A delivery that takes longer is slow, in milliseconds.
fn slow_ms(limits: &ProbationLimits, before: &Figures) -> f64 {
    number(limits.latency_floor_ms).max(number(limits.latency_factor) * before.p95_ms)
}

/// The same in microseconds, for clocks.
pub(super) fn slow_us(limits: &ProbationLimits, before: &Figures) -> u64 {
    let bound = std::time::Duration::try_from_secs_f64(slow_ms(limits, before) / 1_000.0);
    bound.map_or(u64::MAX, |bound| u64::try_from(bound.as_micros()).unwrap_or(u64::MAX))
}

/// The first bound that is exceeded.
pub(super) fn compare(limits: &ProbationLimits, before: Figures, seen: &Seen) -> Option<Evidence> {
    if !is_enough(limits, before.deliveries) {
        return None;
    }
    let now = seen.ended.figures();
    let running = seen.overdue.count;
    let evidence = |rule, seen, bound| Some(Evidence { rule, seen, bound, running, now, before });
    if is_enough(limits, now.deliveries) {
        let rate = |part: u64, of: &Figures| number(part) / number(of.deliveries.max(1));
        let factor = number(limits.error_factor);
        let bound = (number(limits.error_floor_percent) / 100.0).max(factor * rate(before.failed, &before));
        if lower_end(now.failed, now.deliveries) > bound {
            return evidence(Rule::ErrorRate, rate(now.failed, &now), bound);
        }
        let bound = factor * rate(before.dead_letters, &before);
        if now.dead_letters >= limits.dead_letters && lower_end(now.dead_letters, now.deliveries) > bound {
            return evidence(Rule::DeadLetters, rate(now.dead_letters, &now), bound);
        }
    }
    let (bound, all) = (slow_ms(limits, &before), now.deliveries + running);
    if is_enough(limits, all) && lower_end(seen.ended.slower_than(bound) + running, all) > SLOW_SHARE {
        return evidence(Rule::Latency, p95_ms(seen, all), bound);
    }
    None
}

/// The 95th percentile of durations. Unfinished deliveries count last, with the time they have taken so far.
fn p95_ms(seen: &Seen, all: u64) -> f64 {
    let rank = rank_of_95(all);
    if rank > seen.ended.deliveries { number(seen.overdue.shortest_us / 1_000) } else { seen.ended.duration_ms(rank) }
}

/// The lower end of the interval that contains the rate behind `part` of `whole`: E. B. Wilson, *Probable Inference,
/// the Law of Succession, and Statistical Inference*, 1927.
fn lower_end(part: u64, whole: u64) -> f64 {
    let (n, p) = (number(whole.max(1)), number(part) / number(whole.max(1)));
    let z2 = Z * Z;
    let spread = Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    ((p + z2 / (2.0 * n) - spread) / (1.0 + z2 / n)).max(0.0)
}

/// Counts are far too small to lose precision.
fn number(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vitals::{Noted, Vitals};
    use handoff_model::names::{Generation, InstallationId};
    use handoff_model::time::Timestamp;

    const PLACE: (InstallationId, Generation) = (InstallationId(1), Generation(2));

    fn before(deliveries: u64, failed: u64, p95_ms: f64) -> Figures {
        Figures { deliveries, failed, dead_letters: 0, p95_ms }
    }

    /// A number of attempts, some of which failed or became dead letters. Durations in milliseconds are assigned in
    /// turn.
    fn ended(deliveries: u64, failed: u64, dead_letters: u64, took_ms: &[u64]) -> Sum {
        let vitals = Vitals::default();
        for (number, ms) in (0..deliveries).zip(took_ms.iter().cycle()) {
            let noted = match number {
                number if number < dead_letters => Noted::DeadLetter,
                number if number < failed => Noted::Failed,
                _ => Noted::Committed,
            };
            vitals.note(PLACE.0, PLACE.1, Timestamp(0), ms * 1_000, noted);
        }
        vitals.sum(PLACE.0, PLACE.1, None)
    }

    fn rule(before: Figures, ended: Sum, running: u64) -> Option<Rule> {
        let overdue = Overdue { count: running, shortest_us: 700_000 };
        compare(&ProbationLimits::default(), before, &Seen { ended, overdue }).map(|evidence| evidence.rule)
    }

    #[test]
    fn a_bound_is_exceeded_only_with_significance_and_enough_deliveries() {
        let good = before(500, 2, 3.0);
        let quick = [3];
        let cases = [
            ("as before", good, ended(200, 1, 0, &quick), None),
            ("too few deliveries", good, ended(14, 14, 0, &quick), None),
            ("no baseline", Figures::default(), ended(200, 200, 50, &quick), None),
            ("too small a baseline", before(14, 0, 3.0), ended(200, 200, 50, &quick), None),
            ("half of few", good, ended(20, 10, 0, &quick), Some(Rule::ErrorRate)),
            ("three failures are chance", good, ended(20, 3, 0, &quick), None),
            ("bad before", before(500, 200, 3.0), ended(100, 60, 0, &quick), None),
            ("one in fifty for good", good, ended(500, 15, 10, &quick), Some(Rule::DeadLetters)),
            ("few dead letters", good, ended(500, 4, 4, &quick), None),
            ("ten times slower, and fast all the same", good, ended(500, 1, 0, &[30]), None),
            ("slow", good, ended(500, 1, 0, &[600]), Some(Rule::Latency)),
            ("below the floor", good, ended(500, 0, 0, &[490]), None),
            ("slow before", before(500, 0, 400.0), ended(500, 0, 0, &[600]), None),
            ("one in twenty is slow", good, ended(500, 0, 0, &slow_one_in(20)), None),
            ("one in ten is slow", good, ended(500, 0, 0, &slow_one_in(10)), Some(Rule::Latency)),
            ("two slow ones are chance", good, ended(20, 0, 0, &slow_one_in(10)), None),
        ];
        for (what, before, now, expected) in cases {
            assert_eq!(rule(before, now, 0), expected, "{what}");
        }
    }

    fn slow_one_in(count: usize) -> Vec<u64> {
        let mut took = vec![3; count];
        took[0] = 900;
        took
    }

    #[test]
    fn deliveries_that_do_not_end_count_as_slow_and_for_nothing_else() {
        let good = before(500, 2, 3.0);
        let cases = [
            ("as many hang as run at once", good, Sum::default(), 16, Some(Rule::Latency)),
            ("too few hang", good, Sum::default(), 14, None),
            ("no baseline", before(14, 0, 3.0), Sum::default(), 50, None),
            ("one is stuck", good, ended(19, 0, 0, &[3]), 1, None),
            ("one is stuck of many", good, ended(500, 0, 0, &[3]), 1, None),
            ("some hang", good, ended(40, 0, 0, &[3]), 8, Some(Rule::Latency)),
            ("some hang of many", good, ended(500, 0, 0, &[3]), 16, None),
            ("slow ones and some that hang", good, ended(18, 0, 0, &[600]), 2, Some(Rule::Latency)),
            ("errors are not judged by them", good, ended(14, 14, 14, &[3]), 1, None),
        ];
        for (what, before, ended, running, expected) in cases {
            assert_eq!(rule(before, ended, running), expected, "{what}");
        }
    }

    #[test]
    fn a_single_stuck_delivery_proves_nothing_however_few_are_asked_for() {
        let limits = ProbationLimits { min_deliveries: 10, ..ProbationLimits::default() };
        for count in 9..200 {
            let seen = Seen { ended: ended(count, 0, 0, &[3]), overdue: Overdue { count: 1, shortest_us: u64::MAX } };
            assert_eq!(compare(&limits, before(500, 0, 3.0), &seen), None, "one beside {count}");
        }
    }

    #[test]
    fn the_evidence_says_how_many_are_still_active_and_for_how_long() {
        let seen = Seen { ended: ended(20, 0, 0, &[3]), overdue: Overdue { count: 9, shortest_us: 512_900 } };
        let evidence = compare(&ProbationLimits::default(), before(500, 0, 3.0), &seen).expect("a bound is passed");
        assert_eq!((evidence.running, evidence.now.deliveries), (9, 20));
        assert!((evidence.seen - 512.0).abs() < 0.01 && (evidence.bound - 500.0).abs() < 0.01, "{evidence:?}");
    }

    #[test]
    fn the_interval_is_that_of_the_textbook() {
        assert!((lower_end(10, 20) - 0.2993).abs() < 0.001);
        assert!((lower_end(0, 100)).abs() < 1e-9);
        assert!((lower_end(100, 100) - 0.9630).abs() < 0.001);
    }
}
