//! Converts between the contract's generated types and the model's. It checks only what the conversion needs.

use super::bindings::handoff::connector1_0_0::{http as wit_http, types};
use handoff_model::event::Event;
use handoff_model::failure::{Failure, FailureKind};
use handoff_model::http::{HttpError, Request, Response};

/// Longest message of a failure.
const MESSAGE_BYTES: usize = 2 << 10;
/// Longest code of a failure.
const CODE_BYTES: usize = 64;
/// Replaces an invalid code.
const CODE_UNUSABLE: &str = "connector-failure";
/// The code of a misconfiguration: the contract defines none.
const CODE_MISCONFIGURED: &str = "misconfigured";

/// Converts an event for a guest.
pub(super) fn event_to_guest(event: &Event) -> types::Event {
    types::Event {
        id: event.id.clone(),
        source: event.source.clone(),
        type_name: event.type_name.clone(),
        subject: event.subject.clone(),
        time: event.time.map(|time| time.0),
        data_content_type: event.data_content_type.clone(),
        data_schema: event.data_schema.clone(),
        extensions: event.extensions.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        data: event.data.clone(),
    }
}

/// Converts a guest's request, with field names in lower case.
pub(super) fn request_from_guest(request: types::Request) -> Request {
    Request {
        method: request.method,
        url: request.url,
        headers: request.headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(),
        body: request.body,
        auth: request.auth,
        timeout_ms: request.timeout_ms,
    }
}

/// Converts a response for a guest.
pub(super) fn response_to_guest(response: &Response) -> types::Response {
    types::Response { status: response.status, headers: response.headers.clone(), body: response.body.clone() }
}

/// Converts an HTTP error for a guest.
pub(super) fn http_error_to_guest(error: &HttpError) -> wit_http::Error {
    match error {
        HttpError::Denied(text) => wit_http::Error::Denied(text.clone()),
        HttpError::Invalid(text) => wit_http::Error::Invalid(text.clone()),
        HttpError::Unreachable(text) | HttpError::Interrupted(text) => wit_http::Error::Unreachable(text.clone()),
        HttpError::Timeout(text) => wit_http::Error::Timeout(text.clone()),
        HttpError::ResponseTooLarge(text) => wit_http::Error::ResponseTooLarge(text.clone()),
        HttpError::Unavailable(after_ms) => wit_http::Error::Unavailable(*after_ms),
        HttpError::LimitExceeded(text) => wit_http::Error::LimitExceeded(text.clone()),
    }
}

/// Converts a guest's failure, within the limits of the contract.
pub(super) fn failure_from_guest(failure: types::Failure) -> Failure {
    let (kind, code, message) = match failure {
        types::Failure::Retry(retry) => (FailureKind::Retry { after_ms: retry.after_ms }, retry.code, retry.message),
        types::Failure::Reject(reject) => (FailureKind::Reject, reject.code, reject.message),
        types::Failure::Misconfigured(wrong) => {
            (FailureKind::Misconfigured, CODE_MISCONFIGURED.to_owned(), wrong.message)
        }
    };
    let code = if is_kebab_case(&code, CODE_BYTES) { code } else { CODE_UNUSABLE.to_owned() };
    Failure { kind, code, message: printable(&message, MESSAGE_BYTES) }
}

/// Whether the text has 1 to `most` bytes of lower-case letters and digits in words joined by single hyphens, starting
/// with a letter.
pub(super) fn is_kebab_case(text: &str, most: usize) -> bool {
    text.len() <= most
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

/// At most `most` bytes of a guest's text, cut between characters. Control characters become U+FFFD, so that a guest's
/// text cannot control a terminal; line breaks and tabs stay.
pub(super) fn printable(text: &str, most: usize) -> String {
    let mut kept = String::with_capacity(text.len().min(most));
    for character in text.chars() {
        let control = character.is_control() && !matches!(character, '\n' | '\t');
        let character = if control { char::REPLACEMENT_CHARACTER } else { character };
        if kept.len() + character.len_utf8() > most {
            break;
        }
        kept.push(character);
    }
    kept
}
