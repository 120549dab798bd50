//! Counts, by installation, of failed attempts by their code and of attempts to send by their outcome; and by version, of
//! deliveries. In memory, for metrics and publishers: they begin at zero with the process. They decide nothing.

use std::collections::{BTreeMap, HashMap};

use parking_lot::Mutex;

use handoff_model::installation::Installation;
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

/// The deliveries of one component since the start of the process, in all its installations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComponentTally {
    /// Events that were handled.
    pub committed: u64,
    /// Failed attempts by code; `other` after the first 50 codes.
    pub failures: BTreeMap<String, u64>,
}

#[derive(Default)]
pub(super) struct Tallies {
    installations: Mutex<HashMap<InstallationId, Tally>>,
    /// By digest.
    components: Mutex<HashMap<String, ComponentTally>>,
}

impl Tallies {
    pub(super) fn committed(&self, installation: &Installation) {
        let mut all = self.components.lock();
        let digest = &installation.active.content.digest;
        // Only the first event of a component needs a key of its own.
        match all.get_mut(digest) {
            Some(tally) => tally.committed += 1,
            None => all.entry(digest.clone()).or_default().committed += 1,
        }
    }

    pub(super) fn failed(&self, installation: &Installation, code: &str) {
        count(&mut self.installations.lock().entry(installation.id).or_default().failures, code);
        let digest = installation.active.content.digest.clone();
        count(&mut self.components.lock().entry(digest).or_default().failures, code);
    }

    pub(super) fn sent(&self, id: InstallationId, outcome: &RequestOutcome) {
        let mut all = self.installations.lock();
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
        self.installations.lock().get(&id).cloned().unwrap_or_default()
    }

    pub(super) fn of_component(&self, digest: &str) -> ComponentTally {
        self.components.lock().get(digest).cloned().unwrap_or_default()
    }
}

fn count(failures: &mut BTreeMap<String, u64>, code: &str) {
    let code = if failures.contains_key(code) || failures.len() < CODES_MAX { code } else { OTHER };
    *failures.entry(code.to_owned()).or_default() += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_beyond_the_bound_share_one_count() {
        let mut failures = BTreeMap::new();
        for number in 0..1_000 {
            count(&mut failures, &format!("code-{number}"));
        }
        count(&mut failures, "code-7");
        assert_eq!((failures["code-7"], failures[OTHER]), (2, 950));
        assert_eq!(failures.len(), CODES_MAX + 1);
    }
}
