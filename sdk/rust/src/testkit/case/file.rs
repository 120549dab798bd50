//! The JSON of a test case. The code that uses a field defines its meaning; unknown fields are refused, because a
//! misspelt one would otherwise test nothing.

use super::TestCase;
use super::compare::{Effects, Expected};
use crate::connector::parse_json;
use crate::testkit::bench::Recorded;
use crate::testkit::run::Timer;
use crate::{Delivery, Event, Failure, HttpError, NewEvent, OutboxRequest, Request, Response, Timestamp};
use serde::Deserialize;
use std::collections::BTreeMap;

const FORMAT: &str = "handoff-test-case/1";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    format: String,
    /// For people.
    #[serde(default, rename = "about")]
    _about: serde_json::Value,
    delivery: DeliveryFile,
    config: serde_json::Value,
    event: EventFile,
    seed: String,
    #[serde(default)]
    state: BTreeMap<String, Bytes>,
    #[serde(default)]
    answers: Vec<AnswerFile>,
    #[serde(default)]
    used_keys: Vec<String>,
    expect: ExpectFile,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DeliveryFile {
    installation: String,
    generation: u64,
    attempt: u32,
    time: u64,
    rooftop: String,
    time_zone: String,
    utc_offset_seconds: i32,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Bytes {
    Text(String),
    Hex(String),
}

impl Bytes {
    fn read(self, field: &str) -> Result<Vec<u8>, String> {
        match self {
            Self::Text(text) => Ok(text.into_bytes()),
            Self::Hex(text) => hex(&text).ok_or_else(|| format!("{field}.hex: expected pairs of hexadecimal digits")),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EventFile {
    id: String,
    source: String,
    #[serde(rename = "type")]
    type_name: String,
    subject: Option<String>,
    time: Option<u64>,
    data_content_type: Option<String>,
    data_schema: Option<String>,
    #[serde(default)]
    extensions: BTreeMap<String, String>,
    data: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewEventFile {
    #[serde(rename = "type")]
    type_name: String,
    subject: Option<String>,
    time: Option<u64>,
    data_content_type: Option<String>,
    data_schema: Option<String>,
    partition_key: Option<String>,
    #[serde(default)]
    extensions: BTreeMap<String, String>,
    data: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RequestFile {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    body: Option<Bytes>,
    auth: Option<String>,
    timeout_ms: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AnswerFile {
    request: RequestFile,
    response: Option<ResponseFile>,
    error: Option<ErrorFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ResponseFile {
    status: u16,
    #[serde(default)]
    headers: Vec<(String, String)>,
    body: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ErrorFile {
    kind: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    ms: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ExpectFile {
    failure: Option<FailureFile>,
    #[serde(default)]
    emitted: Vec<NewEventFile>,
    #[serde(default)]
    state: BTreeMap<String, Option<Bytes>>,
    #[serde(default)]
    timers_set: BTreeMap<String, TimerFile>,
    #[serde(default)]
    timers_cancelled: Vec<String>,
    #[serde(default)]
    sent: Vec<SendFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FailureFile {
    kind: String,
    code: String,
    message: String,
    after_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TimerFile {
    at: u64,
    event: NewEventFile,
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

pub(super) fn parse(json: &str) -> Result<TestCase, String> {
    let file: File = parse_json(json.as_bytes()).map_err(|problem| format!("not a test case{problem}"))?;
    if file.format != FORMAT {
        return Err(format!("format: found `{}`, expected `{FORMAT}`", file.format));
    }
    let time = Timestamp::from_millis(file.delivery.time);
    let seed = hex(&file.seed).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let answers = file.answers.into_iter().map(answer).collect::<Result<_, _>>()?;
    let state = file.state.into_iter().map(|(key, value)| Ok((key.clone(), value.read(&format!("state.{key}"))?)));
    Ok(TestCase {
        event: event(file.event)?,
        expected: Expected { time, outcome: outcome(file.expect)? },
        recorded: Recorded {
            delivery: Delivery {
                installation: file.delivery.installation,
                generation: file.delivery.generation,
                attempt: file.delivery.attempt,
                time,
                rooftop: file.delivery.rooftop,
                time_zone: file.delivery.time_zone,
                utc_offset_seconds: file.delivery.utc_offset_seconds,
                dry_run: false,
            },
            config: file.config,
            state: state.collect::<Result<_, String>>()?,
            used_keys: file.used_keys.into_iter().collect(),
            seed: seed.ok_or("seed: expected 64 hexadecimal digits")?,
            answers,
        },
    })
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    pairs.collect()
}

fn event(file: EventFile) -> Result<Event, String> {
    Ok(Event {
        id: file.id,
        source: file.source,
        type_name: file.type_name,
        subject: file.subject,
        time: file.time.map(Timestamp::from_millis),
        data_content_type: file.data_content_type,
        data_schema: file.data_schema,
        extensions: file.extensions.into_iter().collect(),
        data: file.data.read("event.data")?,
    })
}

fn new_event(file: NewEventFile) -> Result<NewEvent, String> {
    Ok(NewEvent {
        type_name: file.type_name,
        subject: file.subject,
        time: file.time.map(Timestamp::from_millis),
        data_content_type: file.data_content_type,
        data_schema: file.data_schema,
        partition_key: file.partition_key,
        extensions: file.extensions.into_iter().collect(),
        data: file.data.read("expect: the event's data")?,
    })
}

fn request(file: RequestFile) -> Result<Request, String> {
    Ok(Request {
        method: file.method,
        url: file.url,
        headers: file.headers,
        body: file.body.map(|body| body.read("request.body")).transpose()?,
        auth: file.auth,
        timeout_ms: file.timeout_ms,
    })
}

fn answer(file: AnswerFile) -> Result<(Request, Result<Response, HttpError>), String> {
    let request = request(file.request)?;
    let result = match (file.response, file.error) {
        (Some(response), None) => Ok(Response {
            status: response.status,
            headers: response.headers,
            body: response.body.read("answers: the response's body")?,
        }),
        (None, Some(error)) => Err(match error.kind.as_str() {
            "denied" => HttpError::Denied(error.message),
            "invalid" => HttpError::Invalid(error.message),
            "unreachable" => HttpError::Unreachable(error.message),
            "timeout" => HttpError::Timeout(error.message),
            "response-too-large" => HttpError::ResponseTooLarge(error.message),
            "unavailable" => HttpError::Unavailable(error.ms),
            "limit-exceeded" => HttpError::LimitExceeded(error.message),
            other => return Err(format!("answers: `{other}` is not a kind of error")),
        }),
        _ => return Err(format!("answers: {} {} requires `response` or `error`", request.method, request.url)),
    };
    Ok((request, result))
}

fn outcome(file: ExpectFile) -> Result<Result<Effects, Failure>, String> {
    if let Some(failure) = file.failure {
        let FailureFile { kind, code, message, after_ms } = failure;
        return Ok(Err(match kind.as_str() {
            "retry" => {
                let failure = Failure::retry(code, message);
                after_ms.map_or_else(|| failure.clone(), |ms| failure.clone().after_ms(ms))
            }
            "reject" => Failure::reject(code, message),
            "misconfigured" => Failure::misconfigured(message),
            other => return Err(format!("expect.failure.kind: `{other}` is not retry, reject or misconfigured")),
        }));
    }
    let state = file.state.into_iter().map(|(key, value)| {
        let value = value.map(|value| value.read(&format!("expect.state.{key}"))).transpose()?;
        Ok((key, value))
    });
    let timer = |(key, timer): (String, TimerFile)| -> Result<Timer, String> {
        Ok(Timer { key, at: Timestamp::from_millis(timer.at), event: new_event(timer.event)? })
    };
    let sent = |send: SendFile| -> Result<OutboxRequest, String> {
        let SendFile { key, request: sent, answer, partition_key } = send;
        Ok(OutboxRequest { key, request: request(sent)?, answer, partition_key })
    };
    Ok(Ok(Effects {
        emitted: file.emitted.into_iter().map(new_event).collect::<Result<_, _>>()?,
        state: state.collect::<Result<_, String>>()?,
        timers_set: file.timers_set.into_iter().map(timer).collect::<Result<_, _>>()?,
        timers_cancelled: file.timers_cancelled,
        sent: file.sent.into_iter().map(sent).collect::<Result<_, _>>()?,
    }))
}
