//! The JSON of `expected.json`. Unknown fields are refused, because a misspelt one would test nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Time;
use crate::file::RequestFile;

/// The file name of the schema of `expected.json`. A later form of the file has another number.
pub const EXPECTED_SCHEMA: &str = "expected-1.schema.json";

/// `expected.json`: what each delivery commits, or how it fails.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExpectedFile {
    /// Names the form of the file: ends with `expected-1.schema.json`.
    #[serde(rename = "$schema")]
    pub schema: String,
    /// For a case without events: the result of `validate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<ValidationFile>,
    /// One entry for each event of the case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deliveries: Vec<Outcome>,
}

/// The result of `validate`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValidationFile {
    pub passed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureFile>,
}

impl ExpectedFile {
    /// Every value that stands for bytes, with the field that has it.
    pub fn values_mut(&mut self) -> Vec<(String, &mut Value)> {
        let mut found = Vec::new();
        for (index, outcome) in self.deliveries.iter_mut().enumerate() {
            let Outcome::Commit(commit) = outcome else { continue };
            let place = format!("deliveries[{index}].commit");
            for (index, event) in commit.emitted.iter_mut().enumerate() {
                found.extend(event.data.as_mut().map(|value| (format!("{place}.emitted[{index}].data"), value)));
            }
            let states = commit.state.iter_mut().filter(|(_, value)| !value.is_null());
            found.extend(states.map(|(key, value)| (format!("{place}.state.{key}"), value)));
            for (key, timer) in &mut commit.timers_set {
                let field = || format!("{place}.timersSet.{key}.event.data");
                found.extend(timer.event.data.as_mut().map(|value| (field(), value)));
            }
            for (index, request) in commit.requests.iter_mut().enumerate() {
                let field = || format!("{place}.requests[{index}].request.body");
                found.extend(request.request.body.as_mut().map(|value| (field(), value)));
            }
        }
        found
    }
}

/// How a delivery ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It commits.
    Commit(Box<CommitFile>),
    /// It fails.
    Failure(FailureFile),
}

/// What a delivery commits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CommitFile {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emitted: Vec<NewEventFile>,
    /// New values by key; null for a key that is deleted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub state: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub timers_set: BTreeMap<String, TimerFile>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timers_cancelled: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<OutboxFile>,
}

/// Why a delivery fails. An absent message is not compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FailureFile {
    /// `retry`, `reject` or `misconfigured`.
    pub kind: FailureKindFile,
    pub code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_ms: Option<u64>,
}

/// The kinds of failures of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKindFile {
    Retry,
    Reject,
    Misconfigured,
}

/// A timer that a delivery sets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimerFile {
    pub at: Time,
    pub event: NewEventFile,
}

/// An outbox request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OutboxFile {
    pub key: String,
    pub request: RequestFile,
    #[serde(default, skip_serializing_if = "is_false")]
    pub answer: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_key: Option<String>,
}

/// An event that a delivery emits, or that a timer delivers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewEventFile {
    #[serde(rename = "type")]
    pub type_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Absent if it is the delivery's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datacontenttype: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataschema: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitionkey: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extensions: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}
