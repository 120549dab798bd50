//! CloudEvents 1.0.2 over HTTP: structured, binary and batched content mode (HTTP protocol binding 1.0.2, JSON format
//! 1.0.2). It turns headers and a body into validated events, or reports the event and field at fault. It does not
//! write to the log.

mod binary;
mod json;

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use handoff_model::event::{Event, HOP_COUNT, host_types};
use handoff_model::time::Timestamp;

/// Limits of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloudEventLimits {
    /// Data of one event, in bytes.
    pub event_bytes: usize,
    /// Events of one batch.
    pub batch_events: usize,
}

/// Why a request contains no acceptable events. None of it was accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IngressError {
    /// Not CloudEvents.
    #[error(
        "content-type: {found}; expected `application/cloudevents+json`, `application/cloudevents-batch+json`, or any \
             type with `ce-*` headers"
    )]
    UnsupportedMediaType {
        /// What was found.
        found: String,
    },
    /// A limit is exceeded.
    #[error("{}{problem}", position(.index))]
    TooLarge {
        /// Index of the event in the batch, from 0.
        index: Option<usize>,
        /// What is too large, and the limit.
        problem: String,
    },
    /// An attribute is missing or wrong.
    #[error("{}`{field}`: {problem}", position(.index))]
    Invalid {
        /// Index of the event in the batch, from 0.
        index: Option<usize>,
        /// The attribute, or `body`.
        field: String,
        /// What is wrong and what was expected.
        problem: String,
    },
}

impl IngressError {
    /// A stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnsupportedMediaType { .. } => "unsupported-media-type",
            Self::TooLarge { .. } => "too-large",
            Self::Invalid { .. } => "invalid-event",
        }
    }

    /// Index of the event in the batch, from 0.
    #[must_use]
    pub fn index(&self) -> Option<usize> {
        match self {
            Self::UnsupportedMediaType { .. } => None,
            Self::TooLarge { index, .. } | Self::Invalid { index, .. } => *index,
        }
    }

    /// The attribute at fault, if it is one.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        if let Self::Invalid { field, .. } = self { Some(field) } else { None }
    }
}

fn position(index: &Option<usize>) -> String {
    index.map(|index| format!("event {index}: ")).unwrap_or_default()
}

/// Parses the events of a request. The caller limits the size of the body.
pub fn parse(headers: &HeaderMap, body: &[u8], limits: CloudEventLimits) -> Result<Vec<Event>, IngressError> {
    let media_type = media_type(headers)?;
    match media_type.as_str() {
        "application/cloudevents+json" => Ok(vec![check(json::single(body)?, None, limits)?]),
        "application/cloudevents-batch+json" => {
            let events = json::batch(body, limits.batch_events)?;
            events.into_iter().enumerate().map(|(index, event)| check(event, Some(index), limits)).collect()
        }
        other if other.starts_with("application/cloudevents") => {
            Err(IngressError::UnsupportedMediaType { found: format!("`{}`", shorten(other)) })
        }
        other if !headers.contains_key("ce-specversion") => {
            let found = if other.is_empty() { "none".to_owned() } else { format!("`{}`", shorten(other)) };
            Err(IngressError::UnsupportedMediaType { found: format!("{found} without `ce-specversion`") })
        }
        _ => Ok(vec![check(binary::read(headers, body)?, None, limits)?]),
    }
}

/// The media type without parameters, in lower case; empty if there is none. JSON is UTF-8 whatever a charset says (RFC
/// 8259 section 8.1), so another charset is refused rather than misread.
fn media_type(headers: &HeaderMap) -> Result<String, IngressError> {
    let invalid = |problem: &str| invalid("content-type", problem.to_owned());
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let Some(value) = values.next() else { return Ok(String::new()) };
    if values.next().is_some() {
        return Err(invalid("appears twice; expected once"));
    }
    let text =
        value.to_str().map_err(|_| invalid("contains characters other than printable ASCII"))?.to_ascii_lowercase();
    let mut parts = text.split(';');
    let media_type = parts.next().unwrap_or_default().trim().to_owned();
    let charset = parts.filter_map(|part| part.trim().strip_prefix("charset=").map(str::to_owned)).next();
    if media_type.starts_with("application/cloudevents")
        && let Some(charset) = charset
        && !matches!(charset.trim_matches('"'), "utf-8" | "utf8" | "us-ascii")
    {
        return Err(invalid("names a charset other than UTF-8; JSON is always UTF-8"));
    }
    Ok(media_type)
}

/// The rules for every event from outside, whatever its form.
fn check(event: Event, index: Option<usize>, limits: CloudEventLimits) -> Result<Event, IngressError> {
    let refuse = |field: &str, problem: String| Err(IngressError::Invalid { index, field: field.to_owned(), problem });
    if event.data.len() > limits.event_bytes {
        let problem = format!(
            "`data` has {} bytes; expected at most {} (`limits.engine.event-bytes`)",
            event.data.len(),
            limits.event_bytes
        );
        return Err(IngressError::TooLarge { index, problem });
    }
    if let Err(error) = event.check() {
        return refuse(&error.attribute, error.problem);
    }
    if event.extensions.contains_key(HOP_COUNT) {
        return refuse(HOP_COUNT, "may only be set by the host; remove it".to_owned());
    }
    let own =
        [host_types::HOOK_RECEIVED, host_types::FILE_DROPPED, host_types::SCHEDULE_TICKED, host_types::OUTBOX_ANSWERED];
    if own.contains(&event.type_name.as_str()) {
        return refuse(
            "type",
            format!("`{}` may only be emitted by the host; use a type of your own", event.type_name),
        );
    }
    // A sender that could choose these could make the host believe that it already saw a webhook, a tick, an answer or
    // a connector's event, and drop the real one as a duplicate.
    let own = ["/hooks/", "/folders/", "/schedules/", "/installations/", "/outbox/", "/rooftops/", "/groups/"];
    if own.iter().any(|prefix| event.source.starts_with(prefix)) {
        return refuse("source", "is reserved for the host; use a URI of your own".to_owned());
    }
    Ok(event)
}

/// Sets a text attribute by its name, or an extension. `index` is added by the caller.
fn set(event: &mut Event, name: &str, value: String) -> Result<(), IngressError> {
    match name {
        "id" => event.id = value,
        "source" => event.source = value,
        "type" => event.type_name = value,
        "subject" => event.subject = Some(value),
        "dataschema" => event.data_schema = Some(value),
        "datacontenttype" => event.data_content_type = Some(value),
        "time" => event.time = Some(time(&value)?),
        "specversion" if value == "1.0" => {}
        "specversion" => return Err(invalid(name, format!("is `{}`; expected `1.0`", shorten(&value)))),
        _ => {
            event.extensions.insert(name.to_owned(), value);
        }
    }
    Ok(())
}

fn time(text: &str) -> Result<Timestamp, IngressError> {
    let wrong =
        || invalid("time", format!("is `{}`; expected RFC 3339, like `2026-03-30T15:30:20-05:00`", shorten(text)));
    let time = chrono::DateTime::parse_from_rfc3339(text).map_err(|_| wrong())?;
    if time.timestamp_millis() < 0 {
        return Err(invalid("time", format!("is `{}`; expected 1970 or later", shorten(text))));
    }
    Ok(Timestamp::from_utc(time.to_utc()))
}

fn require(present: &[(&str, bool)]) -> Result<(), IngressError> {
    match present.iter().find(|(_, present)| !present) {
        Some((name, _)) => {
            Err(invalid(name, "is missing; every event has `specversion`, `id`, `source` and `type`".to_owned()))
        }
        None => Ok(()),
    }
}

fn empty() -> Event {
    Event {
        id: String::new(),
        source: String::new(),
        type_name: String::new(),
        subject: None,
        time: None,
        data_content_type: None,
        data_schema: None,
        extensions: Default::default(),
        data: Vec::new(),
    }
}

fn invalid(field: &str, problem: String) -> IngressError {
    IngressError::Invalid { index: None, field: shorten(field), problem }
}

/// A sender's text in a message: shortened and printable.
fn shorten(text: &str) -> String {
    text.chars().take(60).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests;
