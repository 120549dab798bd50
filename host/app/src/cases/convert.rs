//! Writes what a delivery did in the form of `expected.json`, and its inputs in that of `case.json`. Decides nothing.

use std::collections::BTreeMap;

use handoff_cases::{
    CommitFile, ErrorFile, ErrorKind, ExchangeFile, FailureFile, FailureKindFile, HeaderFile, HeadersFile,
    NewEventFile, OutboxFile, RequestFile, ResponseFile, Time, TimerFile, bytes,
};
use handoff_model::effects::{OutboxRequest, TimerRequest};
use handoff_model::event::{Event, HOP_COUNT, PARTITION_KEY};
use handoff_model::failure::{Failure, FailureKind};
use handoff_model::http::{Exchange, HttpError, Request};
use handoff_model::time::Timestamp;

/// What a delivery commits, by reference: recorded effects and fresh ones have different types.
pub(super) struct Effects<'a> {
    pub(super) emitted: &'a [Event],
    pub(super) state_writes: Vec<(&'a String, &'a Option<Vec<u8>>)>,
    pub(super) timers_set: Vec<(&'a String, &'a TimerRequest)>,
    pub(super) timers_cancelled: &'a [String],
    pub(super) requests: &'a [OutboxRequest],
}

pub(super) fn commit(effects: &Effects<'_>, time: Timestamp) -> CommitFile {
    let timer = |(key, timer): &(&String, &TimerRequest)| {
        ((*key).clone(), TimerFile { at: Time(timer.at.0), event: new_event(&timer.event, time) })
    };
    CommitFile {
        emitted: effects.emitted.iter().map(|event| new_event(event, time)).collect(),
        state: effects
            .state_writes
            .iter()
            .map(|(key, value)| ((*key).clone(), value.as_deref().map_or(serde_json::Value::Null, bytes::shown)))
            .collect(),
        timers_set: effects.timers_set.iter().map(timer).collect(),
        timers_cancelled: effects.timers_cancelled.to_vec(),
        requests: effects.requests.iter().map(outbox).collect(),
    }
}

/// A message of the host for a crash names places in the compiled code: it is left out.
pub(super) fn failure(failure: &Failure) -> FailureFile {
    let (kind, after_ms) = match failure.kind {
        FailureKind::Retry { after_ms } => (FailureKindFile::Retry, after_ms),
        FailureKind::Reject => (FailureKindFile::Reject, None),
        FailureKind::Misconfigured => (FailureKindFile::Misconfigured, None),
    };
    let message = (!failure.is_crash()).then(|| failure.message.clone());
    FailureFile { kind, code: failure.code.clone(), message, after_ms }
}

/// An event as the connector emitted it, without the host's additions.
fn new_event(event: &Event, time: Timestamp) -> NewEventFile {
    let own = |name: &String| name != HOP_COUNT && name != PARTITION_KEY;
    let extensions = event.extensions.iter().filter(|(name, _)| own(name));
    NewEventFile {
        type_name: event.type_name.clone(),
        subject: event.subject.clone(),
        // The host uses the delivery's time if the connector gives none.
        time: event.time.filter(|at| *at != time).map(|at| Time(at.0)),
        datacontenttype: event.data_content_type.clone(),
        dataschema: event.data_schema.clone(),
        partitionkey: event.extensions.get(PARTITION_KEY).cloned(),
        extensions: extensions.map(|(name, value)| (name.clone(), value.clone())).collect(),
        data: (!event.data.is_empty()).then(|| bytes::shown(&event.data)),
    }
}

fn outbox(request: &OutboxRequest) -> OutboxFile {
    OutboxFile {
        key: request.key.clone(),
        request: self::request(&request.request),
        answer: request.answer,
        partition_key: request.partition_key.clone(),
    }
}

pub(super) fn request(request: &Request) -> RequestFile {
    RequestFile {
        method: request.method.clone(),
        url: request.url.clone(),
        headers: headers(&request.headers),
        body: request.body.as_deref().map(bytes::shown),
        auth: request.auth.clone(),
        timeout_ms: request.timeout_ms,
    }
}

pub(super) fn exchange(exchange: &Exchange) -> ExchangeFile {
    let (response, error) = match &exchange.result {
        Ok(response) => {
            let body = (!response.body.is_empty()).then(|| bytes::shown(&response.body));
            (Some(ResponseFile { status: response.status, headers: headers(&response.headers), body }), None)
        }
        Err(error) => {
            let (kind, message, ms) = match error {
                HttpError::Denied(text) => (ErrorKind::Denied, text.as_str(), None),
                HttpError::Invalid(text) => (ErrorKind::Invalid, text.as_str(), None),
                HttpError::Unreachable(text) | HttpError::Interrupted(text) => {
                    (ErrorKind::Unreachable, text.as_str(), None)
                }
                HttpError::Timeout(text) => (ErrorKind::Timeout, text.as_str(), None),
                HttpError::ResponseTooLarge(text) => (ErrorKind::ResponseTooLarge, text.as_str(), None),
                HttpError::Unavailable(ms) => (ErrorKind::Unavailable, "", Some(*ms)),
                HttpError::LimitExceeded(text) => (ErrorKind::LimitExceeded, text.as_str(), None),
            };
            (None, Some(ErrorFile { kind, message: message.to_owned(), ms }))
        }
    };
    ExchangeFile { request: request(&exchange.request), response, error }
}

fn headers(fields: &[(String, String)]) -> HeadersFile {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in fields {
        all.entry(name.clone()).or_default().push(value.clone());
    }
    let header = |mut values: Vec<String>| match (values.len(), values.pop()) {
        (1, Some(value)) => HeaderFile::One(value),
        (_, Some(last)) => HeaderFile::Several(values.into_iter().chain([last]).collect()),
        (_, None) => HeaderFile::Several(Vec::new()),
    };
    all.into_iter().map(|(name, values)| (name, header(values))).collect()
}
