//! The JSON of `case.json`. Unknown fields are refused, because a misspelt one would otherwise test nothing.

use super::compare::Expected;
use super::{Step, TestCase, What, bytes};
use crate::connector::parse_json;
use crate::testkit::bench::{Answer, Recording, RequestPattern, offset};
use crate::{Delivery, Event, HttpError, Response, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const SCHEMA: &str = "case-1.schema.json";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    #[serde(rename = "$schema")]
    schema: String,
    /// For people.
    #[serde(default, rename = "about")]
    _about: Value,
    #[serde(default = "empty")]
    config: Value,
    /// The kit knows no manifest.
    #[serde(default, rename = "grants")]
    _grants: Value,
    /// The kit runs no migration.
    #[serde(default, rename = "stateSchema")]
    _state_schema: Option<u32>,
    #[serde(default)]
    state: BTreeMap<String, Value>,
    #[serde(default)]
    used_keys: Vec<String>,
    time: Option<Timestamp>,
    time_zone: Option<String>,
    rooftop: Option<String>,
    installation: Option<String>,
    generation: Option<u64>,
    attempt: Option<u32>,
    seed: Option<String>,
    #[serde(default)]
    events: Vec<EventFile>,
    #[serde(default)]
    http: Vec<ExchangeFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventFile {
    at: Option<Timestamp>,
    timer: Option<String>,
    id: Option<String>,
    source: Option<String>,
    #[serde(rename = "type")]
    type_name: Option<String>,
    subject: Option<String>,
    time: Option<Timestamp>,
    datacontenttype: Option<String>,
    dataschema: Option<String>,
    partitionkey: Option<String>,
    #[serde(default)]
    extensions: BTreeMap<String, String>,
    data: Option<Value>,
}

/// The value of a header field, or several of a field that is repeated.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum HeaderFile {
    One(String),
    Several(Vec<String>),
}

pub(super) type HeadersFile = BTreeMap<String, HeaderFile>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RequestFile {
    pub(super) method: String,
    pub(super) url: String,
    #[serde(default)]
    pub(super) headers: HeadersFile,
    pub(super) body: Option<Value>,
    pub(super) auth: Option<String>,
    pub(super) timeout_ms: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ExchangeFile {
    request: RequestFile,
    response: Option<ResponseFile>,
    error: Option<ErrorFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ResponseFile {
    status: u16,
    #[serde(default)]
    headers: HeadersFile,
    body: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ErrorFile {
    kind: String,
    #[serde(default)]
    message: String,
    ms: Option<u64>,
}

fn empty() -> Value {
    Value::Object(serde_json::Map::new())
}

pub(super) fn parse(json: &str, expected: Expected, folder: &Path) -> Result<TestCase, String> {
    let file: File = parse_json(json.as_bytes()).map_err(|problem| format!("case.json{problem}"))?;
    check_schema("case.json", &file.schema, SCHEMA)?;
    let time = file.time.unwrap_or(Timestamp::from_millis(1_774_882_800_000));
    let time_zone = file.time_zone.unwrap_or_else(|| "America/Chicago".to_owned());
    let utc_offset_seconds =
        offset(&time_zone, time).ok_or_else(|| format!("timeZone: `{time_zone}` is not an IANA time zone"))?;
    let seed = file.seed.unwrap_or_else(|| "0".repeat(64));
    let seed = bytes::hex(&seed).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let state = file.state.iter().map(|(key, value)| {
        let bytes = bytes::read(value, &format!("state.{key}"), folder)?;
        Ok((key.clone(), bytes))
    });
    let steps = file.events.into_iter().enumerate().map(|(index, event)| step(event, index, folder));
    let answers = file.http.into_iter().enumerate().map(|(index, exchange)| answer(exchange, index, folder));
    Ok(TestCase {
        delivery: Delivery {
            installation: file.installation.unwrap_or_else(|| "test".to_owned()),
            generation: file.generation.unwrap_or(1),
            attempt: file.attempt.unwrap_or(1),
            time,
            rooftop: file.rooftop.unwrap_or_else(|| "main-street".to_owned()),
            time_zone,
            utc_offset_seconds,
            dry_run: false,
        },
        config: file.config,
        state: state.collect::<Result<_, String>>()?,
        used_keys: file.used_keys.into_iter().collect(),
        recording: Recording {
            answers: answers.collect::<Result<_, String>>()?,
            seed: seed.ok_or("seed: expected 64 hexadecimal digits")?,
            used: BTreeSet::new(),
        },
        steps: steps.collect::<Result<_, String>>()?,
        expected,
    })
}

pub(super) fn check_schema(file: &str, found: &str, expected: &str) -> Result<(), String> {
    if found.rsplit('/').next() == Some(expected) {
        return Ok(());
    }
    Err(format!("{file}: $schema: found `{found}`; expected a path or URL that ends with `{expected}`"))
}

fn step(file: EventFile, index: usize, folder: &Path) -> Result<Step, String> {
    if let Some(key) = file.timer {
        return Ok(Step { at: file.at, what: What::Timer(key) });
    }
    let place = format!("events[{index}]");
    let type_name = file.type_name.ok_or_else(|| format!("{place}: expected `type`, or `timer`"))?;
    let data = file.data.as_ref();
    let is_json = data.is_some_and(|value| !bytes::is_marked(value));
    let mut extensions: Vec<(String, String)> = file.extensions.into_iter().collect();
    extensions.extend(file.partitionkey.map(|key| ("partitionkey".to_owned(), key)));
    let event = Event {
        id: file.id.unwrap_or_else(|| format!("event-{}", index + 1)),
        source: file.source.unwrap_or_else(|| "/tests".to_owned()),
        type_name,
        subject: file.subject,
        time: file.time,
        // Data that is written as JSON is JSON, unless the case says otherwise.
        data_content_type: file.datacontenttype.or_else(|| is_json.then(|| "application/json".to_owned())),
        data_schema: file.dataschema,
        extensions,
        data: data.map_or(Ok(Vec::new()), |value| bytes::read(value, &format!("{place}.data"), folder))?,
    };
    Ok(Step { at: file.at, what: What::Event(Box::new(event)) })
}

/// Names in lower case; one entry for each value.
pub(super) fn pairs(headers: HeadersFile) -> Vec<(String, String)> {
    let values = |header: HeaderFile| match header {
        HeaderFile::One(value) => vec![value],
        HeaderFile::Several(values) => values,
    };
    let fields = headers.into_iter().map(|(name, header)| (name.to_ascii_lowercase(), values(header)));
    fields.flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value))).collect()
}

fn answer(file: ExchangeFile, index: usize, folder: &Path) -> Result<Answer, String> {
    let place = format!("http[{index}]");
    let body = |value: Option<Value>, field: &str| {
        value.map(|value| bytes::read(&value, &format!("{place}.{field}.body"), folder)).transpose()
    };
    let RequestFile { method, url, headers, body: sent, auth, timeout_ms } = file.request;
    let body_sent = body(sent, "request")?.map(|bytes| bytes::canonical(&bytes));
    let request = RequestPattern { method, url, headers: pairs(headers), body: body_sent, auth, timeout_ms };
    let result = match (file.response, file.error) {
        (Some(ResponseFile { status, headers, body: answered }), None) => {
            let body = body(answered, "response")?.unwrap_or_default();
            Ok(Response { status, headers: pairs(headers), body })
        }
        (None, Some(error)) => Err(match error.kind.as_str() {
            "denied" => HttpError::Denied(error.message),
            "invalid" => HttpError::Invalid(error.message),
            "unreachable" => HttpError::Unreachable(error.message),
            "timeout" => HttpError::Timeout(error.message),
            "response-too-large" => HttpError::ResponseTooLarge(error.message),
            "unavailable" => HttpError::Unavailable(error.ms.unwrap_or(1_000)),
            "limit-exceeded" => HttpError::LimitExceeded(error.message),
            other => return Err(format!("{place}.error.kind: `{other}` is not a kind of error")),
        }),
        _ => return Err(format!("{place}: expected exactly one of `response` and `error`")),
    };
    Ok(Answer { request, result })
}
