//! Recorded deliveries as tests: reads what `handoff replay EVENT --export FOLDER` writes, runs the connector on it,
//! and reports differences from the recording.

mod compare;
mod file;

use super::bench::{Bench, Recorded};
use super::deliver::Delivered;
use crate::{Connector, Event, Failure};
use std::path::Path;

/// One recorded delivery: event, config, state, clock, seed, responses and outcome.
///
/// The files are JSON, made to be read and changed by hand. `{"text": …}` and `{"hex": …}` are bytes, times are
/// milliseconds since 1970, and the field `format` is `handoff-test-case/1`.
pub struct TestCase {
    recorded: Recorded,
    event: Event,
    expected: compare::Expected,
}

/// The result of running a connector on a recorded delivery.
pub struct CaseRun {
    /// What it did.
    pub delivered: Delivered,
    /// The differences from the recording, as sentences; empty if there are none.
    pub differences: Vec<String>,
}

impl TestCase {
    /// Parses a case.
    ///
    /// # Errors
    /// Names the field at fault and what was expected.
    pub fn parse(json: &str) -> Result<Self, String> {
        file::parse(json)
    }

    /// Reads a case from a file.
    ///
    /// # Panics
    /// If the file does not exist or is not a test case.
    #[track_caller]
    #[must_use]
    pub fn load(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self::parse(&text).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()))
    }

    /// Every case of a folder, with its file name.
    ///
    /// # Panics
    /// If the folder cannot be read, contains no case, or contains an invalid one.
    #[track_caller]
    #[must_use]
    pub fn load_all(folder: impl AsRef<Path>) -> Vec<(String, Self)> {
        let folder = folder.as_ref();
        let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
        paths.sort();
        assert!(!paths.is_empty(), "{}: no test cases found", folder.display());
        let name = |path: &Path| path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        paths.iter().map(|path| (name(path), Self::load(path))).collect()
    }

    /// Runs a connector on it. A panic is the failure `trap`, as in the host.
    ///
    /// # Panics
    /// If two runs of the delivery differ, or the failure breaks the contract.
    #[track_caller]
    #[must_use]
    pub fn run<T: Connector>(&self) -> CaseRun {
        let delivered = Bench::<T>::of_recorded(&self.recorded).deliver_recorded(&self.event);
        let differences = self.expected.differences(&delivered);
        CaseRun { delivered, differences }
    }

    /// Fails the test unless the connector does what was recorded.
    ///
    /// # Panics
    /// With all differences.
    #[track_caller]
    pub fn check<T: Connector>(&self) {
        let run = self.run::<T>();
        assert!(
            run.differences.is_empty(),
            "the delivery differs from the recording:\n  {}",
            run.differences.join("\n  ")
        );
    }
}

/// The failure that the host reports for a panic.
pub(super) fn trap() -> Failure {
    Failure::retry("trap", "the connector panicked")
}
