//! Whether a new generation is worse than the previous one. Compares two track records by a fixed list of rates. Opens no
//! file, reads no clock, and decides nothing about what happens next.
//!
//! Every check is the rate of something bad among deliveries of one kind, and a sequential test (see `rate.rs`) of whether
//! it exceeds what is acceptable. For a baseline of `k` bad ones among `n`, with `b = (k + 1/2) / (n + 1)` (the mean of the
//! posterior under H. Jeffreys' prior, *Theory of Probability*, 1939), acceptable are
//!
//! ```text
//! p0 = max(floor, min(factor · b, b + 0.15))
//! ```
//!
//! and, except for crashes and durations, at least the upper end of the 99.7 % interval around `k / n` (E. B. Wilson,
//! *Probable Inference, the Law of Succession, and Statistical Inference*, 1927): a short baseline may hide a high rate.
//!
//! The chance of a false alarm over a whole probation is at most 1 in 1,000 for all checks together (C. E. Bonferroni,
//! 1936), as long as the true rates of the new generation stay below `p0`.
//!
//! Effects are compared for each type of incoming event, so that a change of traffic is not taken for a change of
//! behaviour. Without ten deliveries of the previous generation, nothing is compared. What it did not do, the new one may do. If it uses other targets, or emits other types,
//! the old ones are not missed.

mod business_days;
mod checks;
mod rate;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use handoff_model::limits::ProbationLimits;
use handoff_model::track_record::{DurationClass, TrackRecord};

pub use business_days::business_days_after;

use checks::{Check, all_checks, latency_bounds};
use rate::{Sample, number};

/// The highest chance of a false alarm over one probation.
const FALSE_ALARM: f64 = 0.001;
/// Lengths of the newest part of the deliveries that are judged besides all of them.
const NEWEST: [usize; 5] = [10, 20, 50, 100, 200];

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Attempts that trapped, exceeded a limit or did not end in time.
    Crashes,
    /// First attempts that failed.
    Failures,
    /// Events that became dead letters.
    DeadLetters,
    /// Deliveries that took too long.
    Latency,
    /// Deliveries without an event that the previous generation emitted.
    MissingEvents,
    /// Deliveries without a request that the previous generation sent.
    MissingRequests,
    /// Deliveries with more events than the previous generation emitted.
    MoreEvents,
    /// Deliveries with more requests than the previous generation sent.
    MoreRequests,
    /// Outbox requests that their target, or the host's rules, refused.
    RefusedRequests,
    /// The connector paused its installation.
    Paused,
}

/// Why a generation counts as worse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// What was compared.
    pub rule: Rule,
    /// The event type or the target, where the rule is about one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<String>,
    /// Bad ones of the new generation.
    pub bad: u64,
    /// Of how many.
    pub of: u64,
    /// Bad ones of the previous generation.
    pub before_bad: u64,
    /// Of how many.
    pub before_of: u64,
    /// The acceptable share of bad ones.
    pub acceptable: f64,
    /// For the latency: longer deliveries are slow, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bound_ms: Option<f64>,
    /// Unfinished deliveries among the bad ones: they have been running for longer than the bound.
    #[serde(default)]
    pub running: u64,
    /// Deliveries of the new generation so far.
    pub now: DeliverySummary,
    /// Deliveries of the previous generation.
    pub before: DeliverySummary,
}

/// Deliveries of a generation in a few numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliverySummary {
    /// Events whose first attempt ended.
    pub deliveries: u64,
    /// First attempts that failed.
    pub failed: u64,
    /// Events that became dead letters.
    pub dead_letters: u64,
    /// 95 of 100 recent first attempts took no longer, in milliseconds; one class of durations is 40 % wide.
    pub p95_ms: f64,
}

impl DeliverySummary {
    /// Summarizes a record.
    #[must_use]
    pub fn of(record: &TrackRecord) -> Self {
        let p95_ms = checks::p95(record.recent.iter().map(|recent| recent.duration)).map_or(0.0, DurationClass::end_ms);
        Self { deliveries: record.events, failed: record.failed, dead_letters: record.given_up, p95_ms }
    }
}

/// What can be said at the end of a probation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There were enough deliveries, and no rate is above what is acceptable.
    Clear,
    /// There were enough deliveries, but this rate is above what is acceptable, by no more than chance explains.
    Undecided(Rule),
    /// There were too few deliveries of the new generation.
    FewDeliveries,
    /// There were too few deliveries of the previous generation.
    FewBefore,
}

/// What is expected of a new generation.
#[derive(Clone, Debug)]
pub struct Expected {
    limits: ProbationLimits,
    baseline: DeliverySummary,
    checks: Vec<Check>,
    /// A delivery is slow that takes longer, by input.
    bounds: Vec<(handoff_model::track_record::InputId, f64)>,
    threshold: f64,
}

impl Expected {
    /// What the deliveries of the previous generation let expect. `emits` says which event types the new generation may
    /// still emit.
    #[must_use]
    pub fn after(baseline: &TrackRecord, limits: &ProbationLimits, emits: impl Fn(&str) -> bool) -> Self {
        let bounds = latency_bounds(baseline, limits);
        let checks = all_checks(baseline, limits, &bounds, emits);
        let threshold = -(FALSE_ALARM / number(u64::try_from(checks.len().max(1)).unwrap_or(u64::MAX))).ln();
        Self { limits: *limits, baseline: DeliverySummary::of(baseline), checks, bounds, threshold }
    }

    /// Deliveries of the previous generation.
    #[must_use]
    pub fn baseline(&self) -> DeliverySummary {
        self.baseline
    }

    /// An unfinished delivery counts as slow once it has been running for longer, in microseconds.
    #[must_use]
    pub fn overdue_us(&self) -> Option<u64> {
        let longest = self.bounds.iter().map(|(_, bound)| *bound).fold(0.0, f64::max);
        let bound = std::time::Duration::try_from_secs_f64(longest / 1_000.0).ok().filter(|bound| !bound.is_zero())?;
        u64::try_from(bound.as_micros()).ok()
    }

    /// The first rate that is too high, if any. `overdue` counts unfinished deliveries that have been running for longer
    /// than [`Expected::overdue_us`].
    #[must_use]
    pub fn judge(&self, now: &TrackRecord, overdue: u64) -> Option<Evidence> {
        self.checks.iter().find_map(|check| {
            if check.is_void(now) {
                return None;
            }
            let running = if check.rule() == Rule::Latency { overdue } else { 0 };
            let seen = check.all(now, &self.bounds).plus_bad(running);
            if seen.bad == 0 {
                return None;
            }
            let newest = |newest: Sample| {
                let newest = newest.plus_bad(running);
                check.test().of_newest(newest, seen.of.saturating_sub(newest.of))
            };
            let newest = check.newest(now, &self.bounds, &NEWEST).into_iter().map(newest);
            let evidence = newest.fold(check.test().of_all(seen), f64::max);
            (evidence > self.threshold).then(|| self.evidence(check, seen, running, now))
        })
    }

    /// What can be said if the probation ended now, and no rate was too high.
    #[must_use]
    pub fn standing(&self, now: &TrackRecord) -> Standing {
        let above = self.checks.iter().find(|check| {
            let seen = check.all(now, &self.bounds);
            seen.bad >= 2 && !check.is_void(now) && seen.rate() > check.test().acceptable()
        });
        match above {
            _ if now.events < self.limits.min_deliveries => Standing::FewDeliveries,
            _ if self.baseline.deliveries < self.limits.min_baseline => Standing::FewBefore,
            Some(check) => Standing::Undecided(check.rule()),
            None => Standing::Clear,
        }
    }

    fn evidence(&self, check: &Check, seen: Sample, running: u64, now: &TrackRecord) -> Evidence {
        let before = check.before();
        let bound = self.bounds.iter().map(|(_, bound)| *bound).fold(0.0, f64::max);
        Evidence {
            rule: check.rule(),
            subject: check.subject(),
            bad: seen.bad,
            of: seen.of,
            before_bad: before.bad,
            before_of: before.of,
            acceptable: check.test().acceptable(),
            bound_ms: (check.rule() == Rule::Latency).then_some(bound),
            running,
            now: DeliverySummary::of(now),
            before: self.baseline,
        }
    }
}

/// The evidence of a generation that paused its installation.
#[must_use]
pub fn paused(baseline: &TrackRecord, now: &TrackRecord) -> Evidence {
    Evidence {
        rule: Rule::Paused,
        subject: None,
        bad: 1,
        of: 1,
        before_bad: 0,
        before_of: 0,
        acceptable: 0.0,
        bound_ms: None,
        running: 0,
        now: DeliverySummary::of(now),
        before: DeliverySummary::of(baseline),
    }
}
