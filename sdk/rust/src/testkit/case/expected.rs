//! `expected.json` as the bench compares it.

use super::compare::{Effects, Expected, ExpectedFailure};
use super::file::time;
use crate::testkit::run::Timer;
use crate::{NewEvent, OutboxRequest, Request};
use handoff_cases::{
    CaseError, CommitFile, FailureFile, FailureKindFile, NewEventFile, Outcome, RequestFile, bytes, pairs,
    parse_expected,
};
use serde_json::Value;
use std::path::Path;

pub(super) fn parse(json: &str, folder: &Path) -> Result<Expected, CaseError> {
    let file = parse_expected(json.as_bytes(), folder)?;
    let validation = file.validation.map(|validation| validation.failure.map_or(Ok(()), |failed| Err(failure(failed))));
    let outcomes = file.deliveries.into_iter().enumerate().map(|(index, outcome)| match outcome {
        Outcome::Failure(failed) => Ok(Err(failure(failed))),
        Outcome::Commit(commit) => effects(*commit)
            .map(Ok)
            .map_err(|text| CaseError::in_expected(&format!("deliveries[{index}].commit"), &text)),
    });
    Ok(Expected { validation, outcomes: outcomes.collect::<Result<_, CaseError>>()? })
}

fn failure(file: FailureFile) -> ExpectedFailure {
    let FailureFile { kind, code, message, after_ms } = file;
    let kind = match kind {
        FailureKindFile::Retry => "retry",
        FailureKindFile::Reject => "reject",
        FailureKindFile::Misconfigured => "misconfigured",
    };
    ExpectedFailure { kind: kind.to_owned(), code, message, after_ms }
}

/// The content of `$file` has been read already.
fn read(value: &Value) -> Result<Vec<u8>, String> {
    bytes::read(value, |name| Err(format!("`{name}` has not been read")))
}

fn effects(file: CommitFile) -> Result<Effects, String> {
    let state = file.state.into_iter().map(|(key, value)| {
        let value = if value.is_null() { None } else { Some(bytes::canonical(&read(&value)?)) };
        Ok((key, value))
    });
    let timers = file.timers_set.into_iter();
    let timers = timers.map(|(key, timer)| Ok(Timer { event: event(timer.event)?, key, at: time(timer.at) }));
    let sent = file.requests.into_iter().map(|sent| {
        let RequestFile { method, url, headers, body, auth, timeout_ms } = sent.request;
        let body = body.as_ref().map(read).transpose()?;
        let request = Request { method, url, headers: pairs(&headers), body, auth, timeout_ms };
        Ok(OutboxRequest { key: sent.key, request, answer: sent.answer, partition_key: sent.partition_key })
    });
    Ok(Effects {
        emitted: file.emitted.into_iter().map(event).collect::<Result<_, _>>()?,
        state: state.collect::<Result<_, String>>()?,
        timers_set: timers.collect::<Result<_, String>>()?,
        timers_cancelled: file.timers_cancelled,
        sent: sent.collect::<Result<_, String>>()?,
    })
}

fn event(file: NewEventFile) -> Result<NewEvent, String> {
    let data = file.data.as_ref().map(read).transpose()?;
    Ok(NewEvent {
        type_name: file.type_name,
        subject: file.subject,
        time: file.time.map(time),
        data_content_type: file.datacontenttype,
        data_schema: file.dataschema,
        partition_key: file.partitionkey,
        extensions: file.extensions.into_iter().collect(),
        data: data.unwrap_or_default(),
    })
}
