//! Probation: compares the track record of a new generation with that of the previous one. Reports when a rate is too
//! high; the caller decides what happens then.
//!
//! The comparison itself is in `handoff_policy::probation`. Here it runs after deliveries and answers, outside of their
//! path and at most every [`PACE`], and whenever an unfinished delivery has been running for longer than the latency bound.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use handoff_model::names::{Generation, InstallationId};
use handoff_model::time::Timestamp;
use handoff_model::track_record::TrackRecord;
use handoff_policy::probation::{Evidence, Expected};

use super::{Engine, Shared};

/// Pause between two comparisons under load, so that they take a small and bounded share of the time.
const PACE: Duration = Duration::from_millis(20);

/// A generation on probation.
#[derive(Clone, Debug)]
pub struct Probation {
    /// The installation.
    pub installation: InstallationId,
    /// The generation.
    pub generation: Generation,
    /// What is expected of it.
    pub expected: Arc<Expected>,
}

/// A rate that was too high.
#[derive(Clone, Debug, PartialEq)]
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

/// Rates that were too high, for the caller that acts on them.
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
    all: Mutex<BTreeMap<InstallationId, Probation>>,
    /// Installations with something new since the last comparison.
    changed: Mutex<HashSet<InstallationId>>,
    bell: Notify,
}

impl Probations {
    /// Called when a generation is newly on probation, or starts a delivery after it had none.
    pub(super) fn look_again(&self) {
        self.bell.notify_one();
    }

    /// Called when a delivery or a request of an installation has ended, once that is durable.
    pub(super) fn note(&self, id: InstallationId) {
        if self.all.lock().contains_key(&id) && self.changed.lock().insert(id) {
            self.bell.notify_one();
        }
    }
}

impl Engine {
    /// Puts a generation on probation and replaces an earlier probation of its installation. Deliveries since the
    /// generation's start count.
    pub fn begin_probation(&self, probation: Probation) {
        let id = probation.installation;
        self.shared.probations.all.lock().insert(id, probation);
        self.shared.probations.changed.lock().insert(id);
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

    /// Rates that are too high.
    #[must_use]
    pub fn trips(&self) -> Arc<Trips> {
        self.shared.trips.clone()
    }
}

/// Compares while generations are on probation: after deliveries, and at the earliest time at which one more unfinished
/// delivery can have been running for too long.
pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let pace = u64::try_from(PACE.as_millis()).unwrap_or(u64::MAX);
    loop {
        let next = shared.look_at_probations();
        let rested = shared.clock.now().plus_ms(pace);
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = shared.probations.bell.notified() => {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    () = shared.clock.wait_until(next.map_or(rested, |next| next.min(rested))) => {}
                }
            }
            () = shared.wait_until(next) => {}
        }
    }
}

impl Shared {
    /// Judges generations with new deliveries, or with unfinished ones. Returns when the next unfinished delivery can have
    /// been running for too long.
    fn look_at_probations(&self) -> Option<Timestamp> {
        let changed = std::mem::take(&mut *self.probations.changed.lock());
        let watched: Vec<Probation> = self.probations.all.lock().values().cloned().collect();
        let (now, now_us) = (self.clock.now(), self.clock.steady_us());
        let next_of = |probation: Probation| {
            let Probation { installation, generation, ref expected } = probation;
            // Read the record first: a delivery that ends between the two reads is in neither, and never in both.
            let records = self.store.track_records(installation);
            let (bound_us, work) = (expected.overdue_us(), self.work.of(installation));
            let overdue = bound_us.map_or(0, |bound| work.overdue(generation, now_us, bound));
            if overdue > 0 || changed.contains(&installation) {
                self.judge(&probation, &records.active, overdue, now);
            }
            work.next_overdue(generation, now_us, bound_us?)
        };
        let next_us = watched.into_iter().filter_map(next_of).min()?;
        Some(now.plus_ms(next_us.div_ceil(1_000)))
    }

    fn judge(&self, probation: &Probation, record: &TrackRecord, overdue: u64, now: Timestamp) {
        let Probation { installation, generation, ref expected } = *probation;
        if record.generation != generation {
            return;
        }
        let Some(evidence) = expected.judge(record, overdue) else { return };
        // Only once: the receiver decides what happens next.
        if self.probations.all.lock().remove(&installation).is_some() {
            self.trips.waiting.lock().push(Tripped { installation, generation, at: now, evidence });
            self.trips.bell.notify_one();
        }
    }
}
