//! The JSON of `case.json` and `expected.json`. Unknown fields are refused, because a misspelt one would test nothing.
//! Bytes stay as they are written; `inputs` and `convert` give them their meaning.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use handoff_control::Time;

/// The file name of the schema of `case.json`. A later form of the file has another number.
pub(super) const CASE_SCHEMA: &str = "case-1.schema.json";
/// The file name of the schema of `expected.json`.
pub(super) const EXPECTED_SCHEMA: &str = "expected-1.schema.json";

/// `case.json`: every input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CaseFile {
    /// Names the form of the file: ends with `case-1.schema.json`.
    #[serde(rename = "$schema")]
    pub(super) schema: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) about: Option<Value>,
    #[serde(default)]
    pub(super) config: Map<String, Value>,
    /// `[grants]` of a settings file. Default: everything that the manifest asks for, at targets whose host it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) grants: Option<Value>,
    /// The schema of `state`. Required if there is state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) state_schema: Option<u32>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) state: BTreeMap<String, Value>,
    /// Keys of outbox requests that the installation has used before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) used_keys: Vec<String>,
    #[serde(default = "default_time")]
    pub(super) time: Time,
    #[serde(default = "default_zone")]
    pub(super) time_zone: String,
    /// The rooftop, or `group:` and the name of a group.
    #[serde(default = "default_rooftop")]
    pub(super) rooftop: String,
    #[serde(default = "default_installation")]
    pub(super) installation: String,
    #[serde(default = "one")]
    pub(super) generation: u64,
    #[serde(default = "first")]
    pub(super) attempt: u32,
    /// 64 hexadecimal digits.
    #[serde(default = "default_seed")]
    pub(super) seed: String,
    /// What is delivered, in order. Without events, the case tests `validate`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) events: Vec<EventFile>,
    /// Answers to look-ups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) http: Vec<ExchangeFile>,
}

/// An event to deliver, or the timer whose event is delivered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventFile {
    /// The clock of this delivery and the later ones. Default: as before; for a timer, its due time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<Time>,
    /// The key of a timer that an earlier delivery of the case has set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) timer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<String>,
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) type_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) time: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) datacontenttype: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dataschema: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) partitionkey: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) extensions: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Value>,
}

/// An event that a delivery emits, or that a timer delivers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewEventFile {
    #[serde(rename = "type")]
    pub(super) type_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<String>,
    /// Absent if it is the delivery's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) time: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) datacontenttype: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dataschema: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) partitionkey: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) extensions: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Value>,
}

/// The value of a header field, or several of a field that is repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum HeaderFile {
    One(String),
    Several(Vec<String>),
}

pub(super) type HeadersFile = BTreeMap<String, HeaderFile>;

/// A request. In an answer to a look-up, an absent field matches anything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RequestFile {
    pub(super) method: String,
    pub(super) url: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) headers: HeadersFile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) auth: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) timeout_ms: Option<u32>,
}

/// The answer to a look-up: exactly one of `response` and `error`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ExchangeFile {
    pub(super) request: RequestFile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) response: Option<ResponseFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<ErrorFile>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ResponseFile {
    pub(super) status: u16,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) headers: HeadersFile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ErrorFile {
    pub(super) kind: ErrorKind,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) message: String,
    /// Of `unavailable`: for how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ms: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ErrorKind {
    Denied,
    Invalid,
    Unreachable,
    Timeout,
    ResponseTooLarge,
    Unavailable,
    LimitExceeded,
}

/// `expected.json`: what each delivery commits, or how it fails.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExpectedFile {
    /// Names the form of the file: ends with `expected-1.schema.json`.
    #[serde(rename = "$schema")]
    pub(super) schema: String,
    /// For a case without events: the result of `validate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) validation: Option<ValidationFile>,
    /// One entry for each event of the case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) deliveries: Vec<Outcome>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ValidationFile {
    pub(super) passed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<FailureFile>,
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
    pub(super) emitted: Vec<NewEventFile>,
    /// New values by key; null for a key that is deleted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) state: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) timers_set: BTreeMap<String, TimerFile>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) timers_cancelled: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) requests: Vec<OutboxFile>,
}

/// Why a delivery fails. An absent message is not compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FailureFile {
    /// `retry`, `reject` or `misconfigured`.
    pub(super) kind: FailureKindFile,
    pub(super) code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) after_ms: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FailureKindFile {
    Retry,
    Reject,
    Misconfigured,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TimerFile {
    pub(super) at: Time,
    pub(super) event: NewEventFile,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct OutboxFile {
    pub(super) key: String,
    pub(super) request: RequestFile,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) answer: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) partition_key: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// 2026-03-30T15:00:00Z, the clock of the test kit.
fn default_time() -> Time {
    handoff_model::time::Timestamp(1_774_882_800_000).into()
}

fn default_zone() -> String {
    "America/Chicago".to_owned()
}

fn default_rooftop() -> String {
    "main-street".to_owned()
}

fn default_installation() -> String {
    "test".to_owned()
}

fn one() -> u64 {
    1
}

fn first() -> u32 {
    1
}

fn default_seed() -> String {
    "0".repeat(64)
}
