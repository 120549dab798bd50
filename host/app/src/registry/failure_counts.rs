//! Counts of failures for the publishers of packages, sent to the registries that the operator names. What is counted is in
//! memory: it begins with the process and is sent once a day, so that a restart forgets at most a day.

mod collect;
mod send;

use std::collections::{BTreeMap, HashMap};

use parking_lot::Mutex;

use handoff_engine::ComponentTally;
use handoff_model::time::Timestamp;
use handoff_package::failure_counts::FailureReport;
use handoff_package::manifest::PackageName;

pub use send::run;

/// What was sent since the start, and what waits for an answer.
#[derive(Default)]
pub(crate) struct FailureCounts {
    state: Mutex<State>,
    /// One report after the other.
    sending: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    /// By registry and the component's digest: the counts up to the last report.
    sent: HashMap<(String, String), ComponentTally>,
    /// Reports without an answer: sent again unchanged, so that each counts once.
    pending: BTreeMap<(String, PackageName), Pending>,
    /// When a registry got its last report.
    last: BTreeMap<String, Timestamp>,
}

/// A report about one package to one registry.
#[derive(Clone)]
struct Pending {
    report: FailureReport,
    /// The counts that the report reaches, by digest.
    reaches: Vec<(String, ComponentTally)>,
}
