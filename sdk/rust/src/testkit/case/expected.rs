//! The JSON of `expected.json`.

use super::bytes;
use super::compare::{Effects, Expected, ExpectedFailure};
use super::file::{RequestFile, check_schema, pairs};
use crate::connector::parse_json;
use crate::testkit::run::Timer;
use crate::{NewEvent, OutboxRequest, Request, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

const SCHEMA: &str = "expected-1.schema.json";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    #[serde(rename = "$schema")]
    schema: String,
    validation: Option<ValidationFile>,
    #[serde(default)]
    deliveries: Vec<OutcomeFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ValidationFile {
    passed: bool,
    failure: Option<FailureFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum OutcomeFile {
    Commit(Box<CommitFile>),
    Failure(FailureFile),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CommitFile {
    #[serde(default)]
    emitted: Vec<EventFile>,
    #[serde(default)]
    state: BTreeMap<String, Value>,
    #[serde(default)]
    timers_set: BTreeMap<String, TimerFile>,
    #[serde(default)]
    timers_cancelled: Vec<String>,
    #[serde(default)]
    requests: Vec<SendFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventFile {
    #[serde(rename = "type")]
    type_name: String,
    subject: Option<String>,
    time: Option<Timestamp>,
    datacontenttype: Option<String>,
    dataschema: Option<String>,
    partitionkey: Option<String>,
    #[serde(default)]
    extensions: BTreeMap<String, String>,
    data: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FailureFile {
    kind: String,
    code: String,
    message: Option<String>,
    after_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TimerFile {
    at: Timestamp,
    event: EventFile,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SendFile {
    key: String,
    request: RequestFile,
    #[serde(default)]
    answer: bool,
    partition_key: Option<String>,
}

pub(super) fn parse(json: &str, folder: &Path) -> Result<Expected, String> {
    let problem = |text: String| format!("expected.json: {text}");
    let file: File = parse_json(json.as_bytes()).map_err(|text| format!("expected.json{text}"))?;
    check_schema("expected.json", &file.schema, SCHEMA)?;
    let validation = match file.validation {
        None => None,
        Some(ValidationFile { passed: true, failure: None }) => Some(Ok(())),
        Some(ValidationFile { passed: false, failure: Some(failed) }) => Some(Err(failure(failed).map_err(problem)?)),
        Some(_) => return Err(problem("validation: expected `passed`, or `failure` if it did not pass".to_owned())),
    };
    let outcomes = file.deliveries.into_iter().enumerate().map(|(index, outcome)| {
        let place = format!("deliveries[{index}]");
        match outcome {
            OutcomeFile::Failure(failed) => Ok(Err(failure(failed).map_err(|text| format!("{place}.{text}"))?)),
            OutcomeFile::Commit(commit) => Ok(Ok(effects(*commit, &place, folder)?)),
        }
    });
    let outcomes = outcomes.collect::<Result<_, String>>().map_err(problem)?;
    Ok(Expected { validation, outcomes })
}

fn failure(file: FailureFile) -> Result<ExpectedFailure, String> {
    if !["retry", "reject", "misconfigured"].contains(&file.kind.as_str()) {
        return Err(format!("failure.kind: `{}` is not retry, reject or misconfigured", file.kind));
    }
    let FailureFile { kind, code, message, after_ms } = file;
    Ok(ExpectedFailure { kind, code, message, after_ms })
}

fn effects(file: CommitFile, place: &str, folder: &Path) -> Result<Effects, String> {
    let state = file.state.into_iter().map(|(key, value)| {
        let bytes = |value: &Value| bytes::read(value, &format!("{place}.commit.state.{key}"), folder);
        let value = if value.is_null() { None } else { Some(bytes::canonical(&bytes(&value)?)) };
        Ok((key, value))
    });
    let timer = |(key, timer): (String, TimerFile)| -> Result<Timer, String> {
        let field = format!("{place}.commit.timersSet.{key}.event");
        Ok(Timer { event: event(timer.event, &field, folder)?, key, at: timer.at })
    };
    let sent = |(index, send): (usize, SendFile)| -> Result<OutboxRequest, String> {
        let field = format!("{place}.commit.requests[{index}].request.body");
        let RequestFile { method, url, headers, body, auth, timeout_ms } = send.request;
        let body = body.map(|value| bytes::read(&value, &field, folder)).transpose()?;
        let request = Request { method, url, headers: pairs(headers), body, auth, timeout_ms };
        Ok(OutboxRequest { key: send.key, request, answer: send.answer, partition_key: send.partition_key })
    };
    let emitted = file.emitted.into_iter().enumerate();
    Ok(Effects {
        emitted: emitted
            .map(|(index, one)| event(one, &format!("{place}.commit.emitted[{index}]"), folder))
            .collect::<Result<_, _>>()?,
        state: state.collect::<Result<_, String>>()?,
        timers_set: file.timers_set.into_iter().map(timer).collect::<Result<_, _>>()?,
        timers_cancelled: file.timers_cancelled,
        sent: file.requests.into_iter().enumerate().map(sent).collect::<Result<_, _>>()?,
    })
}

fn event(file: EventFile, place: &str, folder: &Path) -> Result<NewEvent, String> {
    let data = file.data.map(|value| bytes::read(&value, &format!("{place}.data"), folder)).transpose()?;
    Ok(NewEvent {
        type_name: file.type_name,
        subject: file.subject,
        time: file.time,
        data_content_type: file.datacontenttype,
        data_schema: file.dataschema,
        partition_key: file.partitionkey,
        extensions: file.extensions.into_iter().collect(),
        data: data.unwrap_or_default(),
    })
}
