//! The inputs of `case.json` as the bench takes them.

use super::compare::Expected;
use super::{Step, TestCase, What};
use crate::testkit::bench::{Answer, Recording, RequestPattern, offset};
use crate::{Delivery, Event, HttpError, Response, Timestamp};
use handoff_cases::{
    CaseError, CaseFile, ErrorKind, EventFile, ExchangeFile, RequestFile, Time, bytes, pairs, parse_case, read_bytes,
};
use std::collections::BTreeSet;
use std::path::Path;

pub(super) fn time(time: Time) -> Timestamp {
    Timestamp::from_millis(time.0)
}

pub(super) fn parse(json: &str, expected: Expected, folder: &Path) -> Result<TestCase, CaseError> {
    let file: CaseFile = parse_case(json.as_bytes())?;
    let seed = file.seed_of(0)?;
    let no_zone = || CaseError::in_case("timeZone", &format!("`{}` is not an IANA time zone", file.time_zone));
    let utc_offset_seconds = offset(&file.time_zone, time(file.time)).ok_or_else(no_zone)?;
    let state = file.state.iter().map(|(key, value)| {
        let bytes = read_bytes(value, &format!("state.{key}"), folder)?;
        Ok((key.clone(), bytes))
    });
    let state = state.collect::<Result<_, CaseError>>()?;
    let steps = file.events.iter().enumerate().map(|(index, event)| step(event, index, folder));
    let steps = steps.collect::<Result<_, CaseError>>()?;
    let answers = file.http.iter().enumerate().map(|(index, exchange)| answer(exchange, index, folder));
    let answers = answers.collect::<Result<_, CaseError>>()?;
    Ok(TestCase {
        delivery: Delivery {
            installation: file.installation,
            generation: file.generation,
            attempt: file.attempt,
            time: time(file.time),
            rooftop: file.rooftop,
            time_zone: file.time_zone,
            utc_offset_seconds,
            dry_run: false,
        },
        config: serde_json::Value::Object(file.config),
        state,
        used_keys: file.used_keys.into_iter().collect(),
        recording: Recording { answers, seed, used: BTreeSet::new() },
        steps,
        expected,
    })
}

fn step(file: &EventFile, index: usize, folder: &Path) -> Result<Step, CaseError> {
    let at = file.at.map(time);
    if let Some(key) = file.timer_key(index)? {
        return Ok(Step { at, what: What::Timer(key.clone()) });
    }
    let data = file.data.as_ref();
    let data = data.map_or(Ok(Vec::new()), |value| read_bytes(value, &format!("events[{index}].data"), folder))?;
    let mut extensions: Vec<(String, String)> = file.extensions.clone().into_iter().collect();
    extensions.extend(file.partitionkey.clone().map(|key| ("partitionkey".to_owned(), key)));
    let event = Event {
        id: file.id_at(index),
        source: file.source_or_default(),
        type_name: file.type_name.clone().unwrap_or_default(),
        subject: file.subject.clone(),
        time: file.time.map(time),
        data_content_type: file.media_type(),
        data_schema: file.dataschema.clone(),
        extensions,
        data,
    };
    Ok(Step { at, what: What::Event(Box::new(event)) })
}

fn answer(file: &ExchangeFile, index: usize, folder: &Path) -> Result<Answer, CaseError> {
    let body = |value: &Option<serde_json::Value>, field: &str| {
        value.as_ref().map(|value| read_bytes(value, &format!("http[{index}].{field}.body"), folder)).transpose()
    };
    let RequestFile { method, url, headers, body: sent, auth, timeout_ms } = file.request.clone();
    let sent = body(&sent, "request")?.map(|sent| bytes::canonical(&sent));
    let request = RequestPattern { method, url, headers: pairs(&headers), body: sent, auth, timeout_ms };
    let result = match file.result(index)? {
        Ok(response) => {
            let body = body(&response.body, "response")?.unwrap_or_default();
            Ok(Response { status: response.status, headers: pairs(&response.headers), body })
        }
        Err(error) => {
            let message = error.message.clone();
            Err(match error.kind {
                ErrorKind::Denied => HttpError::Denied(message),
                ErrorKind::Invalid => HttpError::Invalid(message),
                ErrorKind::Unreachable => HttpError::Unreachable(message),
                ErrorKind::Timeout => HttpError::Timeout(message),
                ErrorKind::ResponseTooLarge => HttpError::ResponseTooLarge(message),
                ErrorKind::Unavailable => HttpError::Unavailable(error.unavailable_ms()),
                ErrorKind::LimitExceeded => HttpError::LimitExceeded(message),
            })
        }
    };
    Ok(Answer { request, result })
}
