//! The JSON of `case.json`. Unknown fields are refused, because a misspelt one would test nothing.
//! Bytes stay as they are written; [`bytes`](crate::bytes) reads them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{CaseError, Time};

/// The file name of the schema of `case.json`. A later form of the file has another number.
pub const CASE_SCHEMA: &str = "case-1.schema.json";

/// `case.json`: every input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CaseFile {
    /// Names the form of the file: ends with `case-1.schema.json`.
    #[serde(rename = "$schema")]
    pub schema: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Value>,
    #[serde(default)]
    pub config: Map<String, Value>,
    /// `[grants]` of a settings file. Default: everything that the manifest asks for, at targets whose host it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Value>,
    /// The schema of `state`. Required if there is state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_schema: Option<u32>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub state: BTreeMap<String, Value>,
    /// Keys of outbox requests that the installation has used before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used_keys: Vec<String>,
    #[serde(default = "default_time")]
    pub time: Time,
    #[serde(default = "default_zone")]
    pub time_zone: String,
    /// The rooftop, or `group:` and the name of a group.
    #[serde(default = "default_rooftop")]
    pub rooftop: String,
    #[serde(default = "default_installation")]
    pub installation: String,
    #[serde(default = "one")]
    pub generation: u64,
    #[serde(default = "first")]
    pub attempt: u32,
    /// 64 hexadecimal digits.
    #[serde(default = "default_seed")]
    pub seed: String,
    /// What is delivered, in order. Without events, the case tests `validate`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventFile>,
    /// Answers to look-ups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<ExchangeFile>,
}

impl CaseFile {
    /// The seed of a delivery's random bytes: that of the case for the first, and another one for each later delivery.
    ///
    /// # Errors
    /// The seed is not 64 hexadecimal digits.
    pub fn seed_of(&self, delivery: usize) -> Result<[u8; 32], CaseError> {
        let wrong = || CaseError::in_case("seed", "expected 64 hexadecimal digits");
        let bytes = crate::bytes::hex(&self.seed).ok_or_else(wrong)?;
        let mut seed = <[u8; 32]>::try_from(bytes).map_err(|_| wrong())?;
        let number = u64::try_from(delivery).unwrap_or(u64::MAX).to_be_bytes();
        seed[24..].iter_mut().zip(number).for_each(|(byte, mask)| *byte ^= mask);
        Ok(seed)
    }
}

impl EventFile {
    /// The id of the event at this index, with the default.
    #[must_use]
    pub fn id_at(&self, index: usize) -> String {
        self.id.clone().unwrap_or_else(|| format!("event-{}", index.saturating_add(1)))
    }

    /// The source, with the default.
    #[must_use]
    pub fn source_or_default(&self) -> String {
        self.source.clone().unwrap_or_else(|| "/tests".to_owned())
    }

    /// The media type: data that is written as JSON is JSON, unless the case says otherwise.
    #[must_use]
    pub fn media_type(&self) -> Option<String> {
        let is_json = self.data.as_ref().is_some_and(|value| !crate::bytes::is_marked(value));
        self.datacontenttype.clone().or_else(|| is_json.then(|| "application/json".to_owned()))
    }

    /// The key of the timer whose event is delivered; none for an event of the case.
    ///
    /// # Errors
    /// It has fields of an event, too, or neither a type nor a timer.
    pub fn timer_key(&self, index: usize) -> Result<Option<&String>, CaseError> {
        let place = format!("events[{index}]");
        if self.timer.is_none() && self.type_name.is_none() {
            return Err(CaseError::in_case(&place, "expected `type`, or `timer` with the key of a timer"));
        }
        let alone = Self { at: self.at, timer: self.timer.clone(), ..Self::default() };
        if self.timer.is_some() && *self != alone {
            let text = "`timer` delivers the timer's own event: remove all fields but `timer` and `at`";
            return Err(CaseError::in_case(&place, text));
        }
        Ok(self.timer.as_ref())
    }
}

/// An event to deliver, or the timer whose event is delivered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventFile {
    /// The clock of this delivery and the later ones. Default: as before; for a timer, its due time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// The key of a timer that an earlier delivery of the case has set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
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

/// The value of a header field, or several of a field that is repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum HeaderFile {
    /// One value.
    One(String),
    /// The values of a repeated field.
    Several(Vec<String>),
}

/// Header fields by name, in any case of letters.
pub type HeadersFile = BTreeMap<String, HeaderFile>;

/// One entry for each value, names in lower case.
#[must_use]
pub fn pairs(headers: &HeadersFile) -> Vec<(String, String)> {
    headers
        .iter()
        .flat_map(|(name, header)| header.values().map(|value| (name.to_ascii_lowercase(), value.clone())))
        .collect()
}

impl HeaderFile {
    /// The values, in order.
    pub fn values(&self) -> impl Iterator<Item = &String> {
        match self {
            Self::One(value) => std::slice::from_ref(value).iter(),
            Self::Several(values) => values.iter(),
        }
    }
}

/// A request. In an answer to a look-up, an absent field matches anything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestFile {
    pub method: String,
    pub url: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: HeadersFile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
}

/// The answer to a look-up: exactly one of `response` and `error`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExchangeFile {
    pub request: RequestFile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<ResponseFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorFile>,
}

impl ExchangeFile {
    /// The response or the error.
    ///
    /// # Errors
    /// It has both or neither.
    pub fn result(&self, index: usize) -> Result<Result<&ResponseFile, &ErrorFile>, CaseError> {
        match (&self.response, &self.error) {
            (Some(response), None) => Ok(Ok(response)),
            (None, Some(error)) => Ok(Err(error)),
            _ => {
                let place = format!("http[{index}]");
                Err(CaseError::in_case(&place, "expected exactly one of `response` and `error`"))
            }
        }
    }
}

impl ErrorFile {
    /// For how long `unavailable` lasts, in milliseconds.
    #[must_use]
    pub fn unavailable_ms(&self) -> u64 {
        self.ms.unwrap_or(1_000)
    }
}

/// A response to a look-up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResponseFile {
    pub status: u16,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: HeadersFile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

/// A look-up without a response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ErrorFile {
    pub kind: ErrorKind,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Of `unavailable`: for how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
}

/// Why a look-up has no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    Denied,
    Invalid,
    Unreachable,
    Timeout,
    ResponseTooLarge,
    Unavailable,
    LimitExceeded,
}

/// 2026-03-30T15:00:00Z, the clock of the test kit.
fn default_time() -> Time {
    Time(1_774_882_800_000)
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
