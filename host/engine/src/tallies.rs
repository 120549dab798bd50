//! Counts, by installation, of failed attempts by their code and of attempts to send by their outcome. In memory, for
//! metrics: they begin at zero with the process. They decide nothing.

use std::collections::{BTreeMap, HashMap};

use parking_lot::Mutex;

use handoff_model::names::InstallationId;
use handoff_store::RequestOutcome;

/// Codes counted separately for each installation. Connectors choose them, so a bad one could choose a new one each time.
const CODES_MAX: usize = 50;
/// What further codes are counted as.
const OTHER: &str = "other";

/// The counts of one installation since the start of the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Failed attempts by code; `other` after the first 50 codes.
    pub failures: BTreeMap<String, u64>,
    /// Attempts to send an outbox request, by outcome.
    pub sends: SendTally,
}

/// Attempts to send an outbox request, by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendTally {
    /// The target answered.
    pub answered: u64,
    /// Failed, and tried again later.
    pub retried: u64,
    /// Failed permanently.
    pub failed: u64,
    /// Aborted by a rollback, and held.
    pub held: u64,
}

#[derive(Default)]
pub(super) struct Tallies(Mutex<HashMap<InstallationId, Tally>>);

impl Tallies {
    pub(super) fn failed(&self, id: InstallationId, code: &str) {
        let mut all = self.0.lock();
        let failures = &mut all.entry(id).or_default().failures;
        let code = if failures.contains_key(code) || failures.len() < CODES_MAX { code } else { OTHER };
        *failures.entry(code.to_owned()).or_default() += 1;
    }

    pub(super) fn sent(&self, id: InstallationId, outcome: &RequestOutcome) {
        let mut all = self.0.lock();
        let sends = &mut all.entry(id).or_default().sends;
        match outcome {
            RequestOutcome::Answered { .. } => sends.answered += 1,
            RequestOutcome::Retry { .. } => sends.retried += 1,
            RequestOutcome::Failed { .. } => sends.failed += 1,
            RequestOutcome::Unknown { .. } => sends.held += 1,
            // A gate was closed: nothing was sent.
            RequestOutcome::NotNow { .. } => {}
        }
    }

    pub(super) fn of(&self, id: InstallationId) -> Tally {
        self.0.lock().get(&id).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_beyond_the_bound_share_one_count() {
        let (tallies, id) = (Tallies::default(), InstallationId(1));
        for number in 0..1_000 {
            tallies.failed(id, &format!("code-{number}"));
        }
        tallies.failed(id, "code-7");
        let tally = tallies.of(id);
        assert_eq!((tally.failures["code-7"], tally.failures[OTHER]), (2, 950));
        assert_eq!(tally.failures.len(), CODES_MAX + 1);
        assert_eq!(tallies.of(InstallationId(2)), Tally::default());
    }
}
