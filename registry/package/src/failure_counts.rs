//! Counts of deliveries by version and failure code, which hosts send to a registry if their operators agree, and which the
//! registry shows the publisher. No event, no message and no name of an installation is in them.
//!
//! A code is text that a connector chooses while it handles an event, so it could carry data of the event. Only codes of the
//! contract's host and codes that the manifest lists are counted by name; all others together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::manifest::{Name, PackageName, Version};

/// Size limit of a report as JSON, in bytes.
pub const REPORT_BYTES_MAX: usize = 64 << 10;
/// Maximum number of versions in a report.
pub const VERSIONS_MAX: usize = 32;
/// Maximum number of codes of a version: those of the host and those of a manifest.
pub const CODES_MAX: usize = 96;
/// Maximum of a count: what a JSON number holds exactly.
pub const COUNT_MAX: u64 = (1 << 53) - 1;
/// Longest period that a publisher can ask for, in days. The registry keeps no older counts.
pub const DAYS_MAX: u16 = 90;

/// The deliveries of one version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VersionCounts {
    /// Events that were handled.
    pub committed: u64,
    /// Failed attempts by code: those of the host, and those that the manifest lists.
    #[serde(default)]
    pub failures: BTreeMap<Name, u64>,
    /// Failed attempts with any other code.
    #[serde(default)]
    pub other_failures: u64,
}

/// What one host sends about one package: what happened since its last report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FailureReport {
    /// 32 random hex digits, new for each report: a report that arrives twice counts once.
    pub id: String,
    /// When it was made, by the host's clock, in milliseconds since 1970.
    pub at_ms: u64,
    /// The package.
    pub package: PackageName,
    /// By version.
    pub versions: BTreeMap<Version, VersionCounts>,
}

/// Why a report is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReport {
    /// It is not the JSON of a report.
    #[error("the report is not valid: {0}")]
    Json(String),
    /// Its id has another form.
    #[error("the report's `id` is not 32 lower-case hex digits")]
    Id,
    /// It has too much of something.
    #[error("the report has {found} {what}; at most {max} are allowed")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        found: u64,
        /// Limit.
        max: u64,
    },
}

impl VersionCounts {
    /// Whether it counts nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.committed == 0 && self.other_failures == 0 && self.failures.values().all(|count| *count == 0)
    }

    /// Adds other counts. Codes beyond the limit are counted together.
    pub fn add(&mut self, other: &Self) {
        self.committed = sum(self.committed, other.committed);
        self.other_failures = sum(self.other_failures, other.other_failures);
        for (code, count) in &other.failures {
            let is_full = self.failures.len() >= CODES_MAX && !self.failures.contains_key(code);
            let entry = if is_full { &mut self.other_failures } else { self.failures.entry(code.clone()).or_default() };
            *entry = sum(*entry, *count);
        }
    }
}

impl FailureReport {
    /// Reads a report within its limits.
    ///
    /// # Errors
    /// It is not a report, or exceeds a limit.
    pub fn from_json(json: &[u8]) -> Result<Self, InvalidReport> {
        let report: Self = serde_json::from_slice(json)
            .map_err(|error| InvalidReport::Json(crate::manifest::printable(&error.to_string(), 200)))?;
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if report.id.len() != 32 || !report.id.bytes().all(is_hex) {
            return Err(InvalidReport::Id);
        }
        within("versions", report.versions.len(), VERSIONS_MAX)?;
        for counts in report.versions.values() {
            within("codes of a version", counts.failures.len(), CODES_MAX)?;
            let numbers = counts.failures.values().chain([&counts.committed, &counts.other_failures]);
            let highest = numbers.copied().max().unwrap_or_default();
            if highest > COUNT_MAX {
                return Err(InvalidReport::TooMany { what: "deliveries", found: highest, max: COUNT_MAX });
            }
        }
        Ok(report)
    }
}

fn within(what: &'static str, found: usize, max: usize) -> Result<(), InvalidReport> {
    let wide = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    if found > max { Err(InvalidReport::TooMany { what, found: wide(found), max: wide(max) }) } else { Ok(()) }
}

fn sum(one: u64, other: u64) -> u64 {
    one.saturating_add(other).min(COUNT_MAX)
}

/// The counts of a package over several days and hosts, as a registry answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureSummary {
    /// The package.
    pub package: PackageName,
    /// The number of days, ending today (UTC).
    pub days: u16,
    /// Reports in these days.
    pub reports: u64,
    /// By version.
    pub versions: BTreeMap<Version, VersionCounts>,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;

    fn report(versions: &str) -> String {
        let id = "0123456789abcdef".repeat(2);
        format!(r#"{{"id":"{id}","atMs":1,"package":"acme/leads","versions":{versions}}}"#)
    }

    #[test]
    fn a_report_is_read_within_its_limits() {
        let sound = report(r#"{"1.0.0":{"committed":3,"failures":{"trap":1},"otherFailures":2}}"#);
        let read = FailureReport::from_json(sound.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), sound);
        let refused = |json: &str| FailureReport::from_json(json.as_bytes()).unwrap_err().to_string();
        assert!(refused("{").starts_with("the report is not valid: "));
        assert_eq!(refused(&sound.replace("abcdef", "ABCDEF")), "the report's `id` is not 32 lower-case hex digits");
        let code = report(r#"{"1.0.0":{"committed":3,"failures":{"jane.roe@example.com":1}}}"#);
        assert!(refused(&code).contains("the report is not valid"), "{}", refused(&code));
        let high = report(r#"{"1.0.0":{"committed":9007199254740992}}"#);
        assert!(refused(&high).contains("has 9007199254740992 deliveries; at most 9007199254740991"));
        let versions: Vec<String> = (0..33).map(|minor| format!(r#""1.{minor}.0":{{"committed":1}}"#)).collect();
        let many = report(&format!("{{{}}}", versions.join(",")));
        assert_eq!(refused(&many), "the report has 33 versions; at most 32 are allowed");
    }

    #[test]
    fn sums_keep_to_the_limits_of_codes_and_numbers() {
        let of = |code: String, count: u64| VersionCounts {
            committed: COUNT_MAX,
            failures: BTreeMap::from([(code.parse().unwrap(), count)]),
            other_failures: 0,
        };
        let mut sums = VersionCounts::default();
        for number in 0..200 {
            sums.add(&of(format!("code-{number}"), 2));
        }
        sums.add(&of("code-7".to_owned(), COUNT_MAX));
        assert_eq!((sums.committed, sums.failures.len()), (COUNT_MAX, CODES_MAX));
        assert_eq!(sums.other_failures, 2 * (200 - 96));
        assert_eq!(sums.failures[&"code-7".parse().unwrap()], COUNT_MAX);
    }
}
