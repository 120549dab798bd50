//! The contract's rules for events, requests, names and failures, as functions that report what is wrong. No state.

use crate::{Failure, HttpError, NewEvent, OutboxError, Request, StateError, limits};

/// Context attributes of CloudEvents, and extensions that the host sets itself.
const RESERVED_EXTENSIONS: [&str; 12] = [
    "id",
    "source",
    "specversion",
    "type",
    "subject",
    "time",
    "datacontenttype",
    "dataschema",
    "data",
    "database64",
    "partitionkey",
    "data_base64",
];

/// Fields that only the host sets, and hop-by-hop fields (RFC 9110, section 7.6.1).
const RESERVED_HEADERS: [&str; 14] = [
    "host",
    "content-length",
    "authorization",
    "cookie",
    "idempotency-key",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
];

pub(super) fn key(key: &str) -> Result<(), String> {
    if (1..=limits::KEY_BYTES_MAX).contains(&key.len()) {
        Ok(())
    } else {
        Err(format!("key `{key}` has {} bytes; keys are 1 to {} bytes", key.len(), limits::KEY_BYTES_MAX))
    }
}

pub(super) fn state_key(name: &str) -> Result<(), StateError> {
    key(name).map_err(StateError::InvalidKey)
}

pub(super) fn new_event(event: &NewEvent) -> Result<usize, OutboxError> {
    let bytes = event.data.len();
    let invalid = |text: String| Err(OutboxError::Invalid(text));
    if event.type_name.is_empty() {
        return invalid("type-name is empty; it says what happened, such as `com.example.thing.happened.v1`".into());
    }
    if bytes > limits::NEW_EVENT_DATA_BYTES_MAX {
        return invalid(format!(
            "data has {bytes} bytes; an event carries at most {}",
            limits::NEW_EVENT_DATA_BYTES_MAX
        ));
    }
    for (name, _) in &event.extensions {
        let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if !plain {
            return invalid(format!("extensions: name `{name}` must be lower-case letters and digits"));
        }
        if RESERVED_EXTENSIONS.contains(&name.as_str()) || name.starts_with("handoff") {
            return invalid(format!("extensions: name `{name}` is defined by CloudEvents or the host"));
        }
    }
    Ok(bytes)
}

/// Checks a request; returns its size, which counts against the limit on effects.
pub(super) fn request(request: &Request) -> Result<usize, String> {
    if !matches!(request.method.as_str(), "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE") {
        return Err(format!("method `{}` is not GET, HEAD, POST, PUT, PATCH or DELETE", request.method));
    }
    let url = &request.url;
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else {
        return Err(format!("url `{url}` is not absolute; it must begin with https:// (or http://, where granted)"));
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.contains('@') || url.contains('#') {
        return Err(format!("url `{url}` must have a host, and no user info or fragment"));
    }
    if url.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
        return Err(format!("url `{url}` has a blank or control character; percent-encode it"));
    }
    headers(&request.headers)?;
    let body = request.body.as_ref().map_or(0, Vec::len);
    if body > limits::REQUEST_BODY_BYTES_MAX {
        return Err(format!("body has {body} bytes; at most {}", limits::REQUEST_BODY_BYTES_MAX));
    }
    Ok(body)
}

fn headers(headers: &[(String, String)]) -> Result<(), String> {
    if headers.len() > limits::REQUEST_HEADERS_MAX {
        return Err(format!("headers: {} fields; at most {}", headers.len(), limits::REQUEST_HEADERS_MAX));
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > limits::REQUEST_HEADER_BYTES_MAX {
        return Err(format!("headers: {bytes} bytes; at most {}", limits::REQUEST_HEADER_BYTES_MAX));
    }
    for (name, value) in headers {
        if RESERVED_HEADERS.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
            return Err(format!("headers: `{name}` is set by the host; name an auth profile for credentials"));
        }
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) {
            return Err(format!("headers: `{name}` is not a field name (RFC 9110, section 5.1)"));
        }
        if value.bytes().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Err(format!("headers: the value of `{name}` has a line break or NUL"));
        }
    }
    Ok(())
}

pub(super) fn look_up(what: &Request) -> Result<(), HttpError> {
    request(what).map(drop).map_err(HttpError::Invalid)
}

pub(super) fn metric(name: &str, labels: &[(&str, &str)]) -> Result<(), String> {
    if !kebab(name, limits::METRIC_NAME_BYTES_MAX) {
        return Err(format!(
            "metric `{name}`: expected a kebab-case name of at most {} bytes",
            limits::METRIC_NAME_BYTES_MAX
        ));
    }
    if labels.len() > limits::METRIC_LABELS_MAX {
        return Err(format!("metric `{name}`: {} labels; at most {}", labels.len(), limits::METRIC_LABELS_MAX));
    }
    Ok(())
}

pub(super) fn failure(failure: &Failure) -> Result<(), String> {
    if kebab(failure.code(), limits::FAILURE_CODE_BYTES_MAX) {
        return Ok(());
    }
    Err(format!(
        "failure code `{}`: expected a kebab-case word of at most {} bytes, because metrics count by it",
        failure.code(),
        limits::FAILURE_CODE_BYTES_MAX
    ))
}

fn kebab(text: &str, bytes_max: usize) -> bool {
    text.len() <= bytes_max
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}
