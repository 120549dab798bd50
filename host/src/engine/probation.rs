//! Probation: a new generation's deliveries against those of the one before. Says when a bound is passed; what happens then
//! is the caller's.
//!
//! A bound is passed only if there is enough to compare on both sides, and only by more than chance explains: rates are
//! judged by the lower end of their 95 % interval (Wilson, 1927), so that three failures in a row prove nothing. A generation
//! without a baseline is never judged.

use std::collections::HashMap;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::model::limits::ProbationLimits;
use crate::model::names::{Generation, InstallationId};
use crate::model::time::Timestamp;

use super::vitals::{Figures, Noted, Vitals};
use super::{Engine, Shared};

/// Besides the whole time since the upgrade, the newest minute is judged: what began late shows there first.
const NEWEST_MS: u64 = 60_000;
/// 95 of 100 intervals of this many standard deviations hold the true rate.
const Z: f64 = 1.96;

/// A generation that is watched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probation {
    /// The installation.
    pub installation: InstallationId,
    /// The generation.
    pub generation: Generation,
    /// Deliveries that end later are not judged.
    pub until: Timestamp,
    /// What the generation before came to.
    pub baseline: Figures,
    /// What is too much.
    pub limits: ProbationLimits,
}

/// A bound that was passed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tripped {
    /// The installation.
    pub installation: InstallationId,
    /// The generation that passed it.
    pub generation: Generation,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub evidence: Evidence,
}

/// Why a bound counts as passed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Which bound.
    pub rule: Rule,
    /// What was seen: a rate, or milliseconds.
    pub seen: f64,
    /// The bound for that.
    pub bound: f64,
    /// The new generation's figures.
    pub now: Figures,
    /// The figures of the generation before.
    pub before: Figures,
}

/// Which bound was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Too many attempts fail.
    ErrorRate,
    /// Too many deliveries fail for good.
    DeadLetters,
    /// Deliveries take too long.
    Latency,
}

/// Bounds that were passed, for whoever acts.
#[derive(Default)]
pub struct Trips {
    waiting: Mutex<Vec<Tripped>>,
    bell: Notify,
}

impl Trips {
    /// The next one. Nothing is lost if this is dropped.
    pub async fn next(&self) -> Tripped {
        loop {
            let bell = self.bell.notified();
            let next = self.waiting.lock().pop();
            match next {
                Some(tripped) => return tripped,
                None => bell.await,
            }
        }
    }
}

/// All generations that are watched.
#[derive(Default)]
pub(super) struct Probations(Mutex<HashMap<InstallationId, Probation>>);

impl Engine {
    /// Watches a generation, in place of whatever was watched of its installation. What it did since its start counts.
    pub fn begin_probation(&self, probation: Probation) {
        self.shared.probations.0.lock().insert(probation.installation, probation);
        self.shared.judge(probation.installation, probation.generation, self.shared.clock.now());
    }

    /// Whether a generation is watched.
    #[must_use]
    pub fn is_on_probation(&self, id: InstallationId, generation: Generation) -> bool {
        self.shared.probations.0.lock().get(&id).is_some_and(|known| known.generation == generation)
    }

    /// Watches an installation no more.
    pub fn end_probation(&self, id: InstallationId) {
        self.shared.probations.0.lock().remove(&id);
    }

    /// How deliveries of a generation went lately.
    #[must_use]
    pub fn vitals(&self, id: InstallationId, generation: Generation) -> Figures {
        self.shared.vitals.figures(id, generation, None)
    }

    /// Bounds that are passed.
    #[must_use]
    pub fn trips(&self) -> std::sync::Arc<Trips> {
        self.shared.trips.clone()
    }
}

impl Shared {
    /// A delivery ended, and that is durable.
    pub(super) fn note(&self, id: InstallationId, generation: Generation, us: u64, noted: Noted) {
        let now = self.clock.now();
        self.vitals.note(id, generation, now, us, noted);
        self.judge(id, generation, now);
    }

    fn judge(&self, id: InstallationId, generation: Generation, now: Timestamp) {
        let mut probations = self.probations.0.lock();
        let Some(probation) = probations.get(&id).copied().filter(|probation| probation.generation == generation)
        else {
            return;
        };
        if now > probation.until {
            return;
        }
        let Some(evidence) = judge(&probation, &self.vitals, now) else { return };
        // Once: whoever hears of it decides what follows.
        probations.remove(&id);
        self.trips.waiting.lock().push(Tripped { installation: id, generation, at: now, evidence });
        self.trips.bell.notify_one();
    }
}

fn judge(probation: &Probation, vitals: &Vitals, now: Timestamp) -> Option<Evidence> {
    let figures = |newest| vitals.figures(probation.installation, probation.generation, newest);
    let all = figures(None);
    compare(&probation.limits, probation.baseline, all)
        .or_else(|| compare(&probation.limits, probation.baseline, figures(Some((now, NEWEST_MS)))))
}

/// The first bound that is passed.
fn compare(limits: &ProbationLimits, before: Figures, now: Figures) -> Option<Evidence> {
    if before.deliveries < limits.min_deliveries || now.deliveries < limits.min_deliveries {
        return None;
    }
    let evidence = |rule, seen, bound| Some(Evidence { rule, seen, bound, now, before });
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
    let bound = number(limits.latency_floor_ms).max(number(limits.latency_factor) * before.p95_ms);
    if now.p95_ms > bound {
        return evidence(Rule::Latency, now.p95_ms, bound);
    }
    None
}

/// The lower end of the interval that holds the rate behind `part` of `whole`: E. B. Wilson, *Probable Inference, the Law of
/// Succession, and Statistical Inference*, 1927.
fn lower_end(part: u64, whole: u64) -> f64 {
    let (n, p) = (number(whole.max(1)), number(part) / number(whole.max(1)));
    let z2 = Z * Z;
    let spread = Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    ((p + z2 / (2.0 * n) - spread) / (1.0 + z2 / n)).max(0.0)
}

/// Counts are far below where this loses anything.
fn number(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(deliveries: u64, failed: u64, dead_letters: u64, p95_ms: f64) -> Figures {
        Figures { deliveries, failed, dead_letters, p95_ms }
    }

    fn rule(before: Figures, now: Figures) -> Option<Rule> {
        compare(&ProbationLimits::default(), before, now).map(|evidence| evidence.rule)
    }

    #[test]
    fn a_bound_is_passed_by_more_than_chance_and_never_without_enough_on_both_sides() {
        let good = figures(500, 2, 0, 3.0);
        let cases = [
            ("as before", good, figures(200, 1, 0, 3.0), None),
            ("too few deliveries", good, figures(19, 19, 0, 3.0), None),
            ("no baseline", Figures::default(), figures(200, 200, 50, 3.0), None),
            ("too small a baseline", figures(19, 0, 0, 3.0), figures(200, 200, 50, 3.0), None),
            ("half of few", good, figures(20, 10, 0, 3.0), Some(Rule::ErrorRate)),
            ("three failures are chance", good, figures(20, 3, 0, 3.0), None),
            ("bad before", figures(500, 200, 0, 3.0), figures(100, 60, 0, 3.0), None),
            ("one in fifty for good", good, figures(500, 15, 10, 3.0), Some(Rule::DeadLetters)),
            ("few dead letters", good, figures(500, 4, 4, 3.0), None),
            ("ten times slower, and fast all the same", good, figures(500, 1, 0, 30.0), None),
            ("slow", good, figures(500, 1, 0, 600.0), Some(Rule::Latency)),
            ("slow before", figures(500, 0, 0, 400.0), figures(500, 0, 0, 600.0), None),
        ];
        for (what, before, now, expected) in cases {
            assert_eq!(rule(before, now), expected, "{what}");
        }
    }

    #[test]
    fn the_interval_is_that_of_the_textbook() {
        assert!((lower_end(10, 20) - 0.2993).abs() < 0.001);
        assert!((lower_end(0, 100)).abs() < 1e-9);
        assert!((lower_end(100, 100) - 0.9630).abs() < 0.001);
    }
}
