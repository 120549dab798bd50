//! Times of the phases, from the host's records of each attempt. It judges nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use bad_release::Fault;
use handoff_model::names::{InstallationId, Position};
use handoff_store::{AttemptRecord, Store};

use super::{Judged, Story};
use crate::acts;
use crate::round::{Back, Round};

/// Most bad events until probation detects a release. At this rate of events it looks every 20 milliseconds.
const BAD_MAX: f64 = 100.0;

/// One value per run, in milliseconds unless stated otherwise.
#[derive(Debug, Default)]
pub(crate) struct Times {
    /// From the command to its response.
    pub(crate) answered: Vec<f64>,
    /// To the durable swap: from the command, or from the first bad event.
    pub(crate) pinned: Vec<f64>,
    /// To the end of the first committed call of the good version: from the command, or from the first bad event.
    pub(crate) effective: Vec<f64>,
    /// From exceeding a bound to the durable swap.
    pub(crate) acted: Vec<f64>,
    /// Bad deliveries of the bad version when its rate was found too high.
    pub(crate) bad: Vec<f64>,
    /// Duration of each call: of the good version and of the bad one.
    pub(crate) good_calls: Vec<f64>,
    pub(crate) bad_calls: Vec<f64>,
}

/// Attempts of each generation, in milliseconds since 1970.
#[derive(Default)]
struct Attempts {
    /// End of the first committed attempt.
    first_done: BTreeMap<u64, f64>,
    /// Start of the first attempt, and of the first failed one.
    first: BTreeMap<u64, f64>,
    first_failed: BTreeMap<u64, f64>,
    /// The swap.
    begun: BTreeMap<u64, f64>,
}

impl Times {
    pub(super) fn add(&mut self, other: Self) {
        self.answered.extend(other.answered);
        self.pinned.extend(other.pinned);
        self.effective.extend(other.effective);
        self.acted.extend(other.acted);
        self.bad.extend(other.bad);
        self.good_calls.extend(other.good_calls);
        self.bad_calls.extend(other.bad_calls);
    }
}

impl Judged {
    pub(super) fn take_times(&mut self, store: &Store, id: InstallationId, story: &Story, log: &str) {
        let attempts = self.attempts(store, id, story);
        let pinned = acts::pinned(log);
        for round in &story.rounds {
            let Some(done) = attempts.first_done.get(&round.generation) else {
                self.disturbed.push(format!("generation {} handled no event while it was active", round.generation));
                continue;
            };
            match &round.back {
                Back::Command { commanded, report } => {
                    self.times.answered.push(round.returned - commanded);
                    self.times.pinned.extend(report["tookUs"].as_f64().map(|us| us / 1_000.0));
                    self.times.effective.push((done - commanded).max(0.0));
                }
                Back::ByItself => {
                    let Some(pinned) = pinned.get(&round.generation) else {
                        self.disturbed.push(format!("the log does not mention generation {}", round.generation));
                        continue;
                    };
                    self.automatic(story, round, &attempts, *done, *pinned);
                }
                Back::Unseen => {}
            }
        }
    }

    fn automatic(&mut self, story: &Story, round: &Round, attempts: &Attempts, done: f64, pinned: f64) {
        let bad = round.upgraded.generation;
        let begun = match story.fault {
            // These are bad from their first event on.
            Fault::Slow | Fault::Silent | Fault::Doubled | Fault::Refused => &attempts.first,
            // None of its deliveries ends, so none is recorded.
            Fault::Hang => &attempts.begun,
            _ => &attempts.first_failed,
        };
        let (Some(begun), Some(act)) = (begun.get(&bad), story.acts.get(&bad)) else {
            self.disturbed.push(format!("the host does not report why it left generation {bad}"));
            return;
        };
        // The log is written a little later, and on a busy machine the good version may be faster.
        let pinned = pinned.min(done);
        self.times.pinned.push(pinned - begun);
        self.times.effective.push(done - begun);
        self.times.acted.push((pinned - act.at).max(0.0));
        self.times.bad.push(act.bad);
        if act.bad > BAD_MAX {
            self.findings.push(format!("{} bad events until probation detected it", act.bad));
        }
        *self.rules.entry(act.rule.clone()).or_default() += 1;
    }

    fn attempts(&mut self, store: &Store, id: InstallationId, story: &Story) -> Attempts {
        let swaps = store.generations(id).unwrap_or_default();
        let begun = swaps.iter().map(|swap| (swap.generation.0, ms(swap.at.0))).collect();
        let mut all = Attempts { begun, ..Attempts::default() };
        let is_bad = |generation| story.rounds.iter().any(|round| round.upgraded.generation == generation);
        for position in 1..=store.last_position().0 {
            let Ok(attempts) = store.attempts(Position(position)) else { continue };
            for attempt in attempts.iter().filter(|one| one.installation == id) {
                all.take(attempt);
                let took = Duration::from_micros(attempt.duration_us).as_secs_f64() * 1_000.0;
                if is_bad(attempt.generation.0) {
                    self.times.bad_calls.push(took);
                } else if attempt.failure.is_none() {
                    self.times.good_calls.push(took);
                }
            }
        }
        all
    }
}

impl Attempts {
    fn take(&mut self, attempt: &AttemptRecord) {
        let generation = attempt.generation.0;
        let keep = |first: &mut BTreeMap<u64, f64>, at: f64| {
            let known = first.entry(generation).or_insert(f64::INFINITY);
            *known = known.min(at);
        };
        keep(&mut self.first, ms(attempt.time.0));
        if attempt.failure.is_some() {
            keep(&mut self.first_failed, ms(attempt.time.0));
        } else {
            // The store counts whole milliseconds: the end may be up to one later.
            keep(&mut self.first_done, ms(attempt.finished_at.0) + 1.0);
        }
    }
}

/// Milliseconds since 1970 are exact in a double.
fn ms(at: u64) -> f64 {
    Duration::from_millis(at).as_secs_f64() * 1_000.0
}
