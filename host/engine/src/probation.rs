//! Probation: compares a new generation's deliveries with those of the previous one. Reports when a bound is exceeded;
//! the caller decides what happens then.
//!
//! The check runs whenever a delivery ends. While a generation is on probation, it also runs whenever an unfinished
//! delivery has been running for longer than the latency bound. The rules are in `probation/rules.rs`.

mod rules;

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use handoff_model::limits::ProbationLimits;
use handoff_model::names::{Generation, InstallationId};
use handoff_model::time::Timestamp;

use super::vitals::{Figures, Noted};
use super::{Engine, Shared};
use rules::Seen;

/// Besides the whole time since the upgrade, the last minute is judged: late problems show there first.
const NEWEST_MS: u64 = 60_000;

/// A generation on probation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probation {
    /// The installation.
    pub installation: InstallationId,
    /// The generation.
    pub generation: Generation,
    /// Deliveries that end later are not judged.
    pub until: Timestamp,
    /// The metrics of the previous generation.
    pub baseline: Figures,
    /// The bounds.
    pub limits: ProbationLimits,
}

/// A bound that was exceeded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tripped {
    /// The installation.
    pub installation: InstallationId,
    /// The generation that exceeded it.
    pub generation: Generation,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub evidence: Evidence,
}

/// Why a bound counts as exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Which bound.
    pub rule: Rule,
    /// The observed value: a rate, or milliseconds.
    pub seen: f64,
    /// The bound for that value.
    pub bound: f64,
    /// Unfinished deliveries that had been running for longer than allowed. They count as slow, and for nothing else.
    #[serde(default)]
    pub running: u64,
    /// The new generation's metrics, of deliveries that had ended.
    pub now: Figures,
    /// The metrics of the previous generation.
    pub before: Figures,
}

/// Which bound was exceeded.
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

/// Bounds that were exceeded, for the caller that acts on them.
#[derive(Default)]
pub struct Trips {
    waiting: Mutex<Vec<Tripped>>,
    bell: Notify,
}

impl Trips {
    /// The next one. Cancel-safe: nothing is lost if the future is dropped.
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

/// All generations on probation.
#[derive(Default)]
pub(super) struct Probations {
    all: Mutex<HashMap<InstallationId, Probation>>,
    bell: Notify,
}

impl Probations {
    /// Called when a generation is newly on probation, or starts a delivery after it had none.
    pub(super) fn look_again(&self) {
        self.bell.notify_one();
    }
}

impl Engine {
    /// Puts a generation on probation and replaces an earlier probation of its installation. Deliveries since the
    /// generation's start count.
    pub fn begin_probation(&self, probation: Probation) {
        self.shared.probations.all.lock().insert(probation.installation, probation);
        self.shared.judge(probation.installation, probation.generation, self.shared.clock.now());
        self.shared.probations.look_again();
    }

    /// Whether a generation is on probation.
    #[must_use]
    pub fn is_on_probation(&self, id: InstallationId, generation: Generation) -> bool {
        self.shared.probations.all.lock().get(&id).is_some_and(|known| known.generation == generation)
    }

    /// Ends an installation's probation.
    pub fn end_probation(&self, id: InstallationId) {
        self.shared.probations.all.lock().remove(&id);
    }

    /// Recent delivery metrics of a generation.
    #[must_use]
    pub fn vitals(&self, id: InstallationId, generation: Generation) -> Figures {
        self.shared.vitals.figures(id, generation, None)
    }

    /// Bounds that are exceeded.
    #[must_use]
    pub fn trips(&self) -> Arc<Trips> {
        self.shared.trips.clone()
    }
}

/// Checks unfinished deliveries while a generation is on probation, at the earliest time at which one more of them can
/// have been running for too long.
pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        let next = shared.look_at_running();
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = shared.probations.bell.notified() => {}
            () = shared.wait_until(next) => {}
        }
    }
}

impl Shared {
    /// Records the end of a delivery, once it is durable.
    pub(super) fn note(&self, id: InstallationId, generation: Generation, us: u64, noted: Noted) {
        let now = self.clock.now();
        self.vitals.note(id, generation, now, us, noted);
        self.judge(id, generation, now);
    }

    fn judge(&self, id: InstallationId, generation: Generation, now: Timestamp) {
        let mut probations = self.probations.all.lock();
        let Some(probation) = probations.get(&id).copied().filter(|probation| probation.generation == generation)
        else {
            return;
        };
        if now > probation.until {
            return;
        }
        let Some(evidence) = self.evidence(&probation, now) else { return };
        // Only once: the receiver decides what happens next.
        probations.remove(&id);
        self.trips.waiting.lock().push(Tripped { installation: id, generation, at: now, evidence });
        self.trips.bell.notify_one();
    }

    fn evidence(&self, probation: &Probation, now: Timestamp) -> Option<Evidence> {
        let Probation { installation, generation, baseline, limits, .. } = probation;
        let sum = |newest| self.vitals.sum(*installation, *generation, newest);
        // Read the ended deliveries first: one that ends between the two reads is in neither, and never in both.
        let (all, newest) = (sum(None), sum(Some((now, NEWEST_MS))));
        let overdue =
            self.work.of(*installation).overdue(*generation, self.clock.steady_us(), self.bound_us(probation));
        rules::compare(limits, *baseline, &Seen { ended: all, overdue })
            .or_else(|| rules::compare(limits, *baseline, &Seen { ended: newest, overdue }))
    }

    /// Judges generations with unfinished deliveries. Returns when the next delivery can have been running for too
    /// long.
    fn look_at_running(&self) -> Option<Timestamp> {
        let now = self.clock.now();
        let watched: Vec<Probation> = self.probations.all.lock().values().copied().collect();
        let is_judged = |probation: &Probation| {
            now <= probation.until && rules::is_enough(&probation.limits, probation.baseline.deliveries)
        };
        let next_of = |probation: Probation| {
            let Probation { installation, generation, .. } = probation;
            self.judge(installation, generation, now);
            let bound_us = self.bound_us(&probation);
            self.work.of(installation).next_overdue(generation, self.clock.steady_us(), bound_us)
        };
        let next_us = watched.into_iter().filter(is_judged).filter_map(next_of).min()?;
        Some(now.plus_ms(next_us.div_ceil(1_000)))
    }

    fn bound_us(&self, probation: &Probation) -> u64 {
        rules::slow_us(&probation.limits, &probation.baseline)
    }
}
