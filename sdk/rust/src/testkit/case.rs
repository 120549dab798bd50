//! Cases as native tests: reads `cases/NAME/`, runs the connector on the case's events, and reports differences from what
//! the case expects.

mod compare;
mod expected;
mod file;

use super::bench::{Bench, Recording};
use super::deliver::Delivered;
use crate::{Connector, Delivery, Event, Failure, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// One case: config, state, events, answers to look-ups, clock and seed, and what each delivery commits or how it fails.
///
/// `case.json` and `expected.json` are made to be written and changed by hand; `sdk/schemas` has their JSON Schemas. The
/// kit runs no migration and knows no manifest: `handoff test` runs the same cases on the built component, with both.
pub struct TestCase {
    delivery: Delivery,
    config: serde_json::Value,
    state: BTreeMap<String, Vec<u8>>,
    used_keys: BTreeSet<String>,
    recording: Recording,
    steps: Vec<Step>,
    expected: compare::Expected,
}

/// One delivery.
struct Step {
    at: Option<Timestamp>,
    what: What,
}

enum What {
    Event(Box<Event>),
    Timer(String),
}

/// The result of running a connector on a case.
pub struct CaseRun {
    /// What each delivery did; for a case without events, what `validate` did.
    pub delivered: Vec<Delivered>,
    /// The differences from the expectation, as sentences; empty if there are none.
    pub differences: Vec<String>,
}

impl TestCase {
    /// Parses the text of the two files of a case. `$file` refers to files in `folder`.
    ///
    /// # Errors
    /// Names the field at fault and what was expected.
    pub fn parse(case: &str, expected: &str, folder: impl AsRef<Path>) -> Result<Self, String> {
        let folder = folder.as_ref();
        let expected = expected::parse(expected, folder);
        expected.and_then(|expected| file::parse(case, expected, folder)).map_err(|error| error.to_string())
    }

    /// Reads the case of a folder.
    ///
    /// # Panics
    /// If the folder contains no valid case.
    #[track_caller]
    #[must_use]
    pub fn load(folder: impl AsRef<Path>) -> Self {
        let folder = folder.as_ref();
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let case = Self::parse(&read("case.json"), &read("expected.json"), folder);
        case.unwrap_or_else(|problem| panic!("{}: {problem}", folder.display()))
    }

    /// Every case of a folder such as `cases`, with its name.
    ///
    /// # Panics
    /// If the folder cannot be read, contains no case, or contains an invalid one.
    #[track_caller]
    #[must_use]
    pub fn load_all(folder: impl AsRef<Path>) -> Vec<(String, Self)> {
        let folder = folder.as_ref();
        let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.join("case.json").is_file());
        paths.sort();
        assert!(!paths.is_empty(), "{}: no cases found", folder.display());
        let name = |path: &Path| path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        paths.iter().map(|path| (name(path), Self::load(path))).collect()
    }

    /// Runs a connector on it. A panic is the failure `trap`, as in the host.
    ///
    /// # Panics
    /// If two runs of a delivery differ, a failure breaks the contract, or a timer is delivered that is not set.
    #[track_caller]
    #[must_use]
    pub fn run<T: Connector>(&self) -> CaseRun {
        let mut bench = Bench::<T>::of_case(self.config.clone(), self.state.clone(), self.used_keys.clone());
        bench.start_recording(self.recording.clone(), self.delivery.clone());
        if self.steps.is_empty() {
            let delivered = bench.validate_recorded();
            let differences = self.expected.validation_differences(&delivered);
            return CaseRun { delivered: vec![delivered], differences };
        }
        let (mut all, mut times) = (Vec::new(), Vec::new());
        for (index, step) in self.steps.iter().enumerate() {
            let delivered = match &step.what {
                What::Event(event) => bench.deliver_recorded(index, step.at, event),
                What::Timer(key) => bench.deliver_timer(index, step.at, key),
            };
            times.push(bench.now());
            all.push(delivered);
        }
        let differences = self.expected.differences(&all, &times);
        CaseRun { delivered: all, differences }
    }

    /// Fails the test unless the connector does what the case expects.
    ///
    /// # Panics
    /// With all differences.
    #[track_caller]
    pub fn check<T: Connector>(&self) {
        let run = self.run::<T>();
        assert!(
            run.differences.is_empty(),
            "the connector does not do what the case expects:\n  {}",
            run.differences.join("\n  ")
        );
    }
}

/// The failure that the host reports for a panic.
pub(super) fn trap() -> Failure {
    Failure::retry("trap", "the connector panicked")
}
