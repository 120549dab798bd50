//! Requests to `POST /events`: accepted events are valid, within the limits, and the same after writing and reading in
//! any of the three forms.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use handoff_ingress::cloudevents::{CloudEventLimits, IngressError, parse};
use handoff_model::event::{Event, HOP_COUNT};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use crate::{memory, message, text};

const LIMITS: CloudEventLimits = CloudEventLimits { event_bytes: 4096, batch_events: 16 };
const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

/// Header lines, an empty line, a body.
pub fn check(data: &[u8]) {
    let (headers, body) = message::split(data);
    match memory::within((1 << 16) + 64 * data.len(), || parse(&headers, body, LIMITS)) {
        Ok(events) => accepted(&events, body),
        Err(error) => refused(&error),
    }
}

fn accepted(events: &[Event], body: &[u8]) {
    assert!(events.len() <= LIMITS.batch_events);
    let bytes: usize = events.iter().map(|event| event.data.len()).sum();
    assert!(bytes <= body.len(), "{bytes} bytes of data from a body of {}", body.len());
    for event in events {
        event.check().expect("what is accepted keeps the rules");
        assert!(event.data.len() <= LIMITS.event_bytes);
        assert!(!event.extensions.contains_key(HOP_COUNT) && !event.source.starts_with("/hooks/"));
        if let Some(headers) = binary(event) {
            let again = parse(&headers, &event.data, LIMITS);
            assert_eq!(again.as_deref(), Ok(std::slice::from_ref(event)), "binary");
        }
        let (headers, body) = json_request(STRUCTURED, &structured(event));
        assert_eq!(parse(&headers, &body, LIMITS).as_deref(), Ok(std::slice::from_ref(event)), "structured");
    }
    let (headers, body) = json_request(BATCH, &events.iter().map(structured).collect());
    assert_eq!(parse(&headers, &body, LIMITS).as_deref(), Ok(events), "batch");
}

fn refused(error: &IngressError) {
    text::check(&error.to_string(), 1024);
    if matches!(error, IngressError::Invalid { .. }) {
        assert!(error.field().is_some_and(|field| !field.is_empty() || error.to_string().contains("``")), "{error:?}");
    }
    if let Some(index) = error.index() {
        assert!(index < LIMITS.batch_events, "{error}");
    }
}

fn attributes(event: &Event) -> Vec<(&str, String)> {
    let mut all = vec![
        ("specversion", "1.0".to_owned()),
        ("id", event.id.clone()),
        ("source", event.source.clone()),
        ("type", event.type_name.clone()),
    ];
    all.extend(event.subject.iter().map(|subject| ("subject", subject.clone())));
    all.extend(event.data_schema.iter().map(|schema| ("dataschema", schema.clone())));
    all.extend(event.time.iter().map(|time| ("time", time.to_string())));
    all.extend(event.extensions.iter().map(|(name, value)| (name.as_str(), value.clone())));
    all
}

/// The same event's headers in binary mode, percent-encoded as far as possible. None if a header cannot contain its
/// media type, or would change the mode of the request.
fn binary(event: &Event) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in attributes(event) {
        let encode = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b':' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        };
        let encoded: String = value.bytes().map(encode).collect();
        let name = HeaderName::from_bytes(format!("ce-{name}").as_bytes()).expect("an attribute's name");
        headers.insert(name, HeaderValue::from_str(&encoded).expect("ASCII"));
    }
    if let Some(content_type) = &event.data_content_type {
        if !content_type.is_ascii() || content_type.trim().to_ascii_lowercase().starts_with("application/cloudevents") {
            return None;
        }
        headers.insert("content-type", HeaderValue::from_str(content_type).expect("printable"));
    }
    Some(headers)
}

fn structured(event: &Event) -> Value {
    let mut members: Map<String, Value> =
        attributes(event).into_iter().map(|(name, value)| (name.to_owned(), Value::String(value))).collect();
    if let Some(content_type) = &event.data_content_type {
        members.insert("datacontenttype".to_owned(), json!(content_type));
    }
    if !event.data.is_empty() {
        members.insert("data_base64".to_owned(), json!(STANDARD.encode(&event.data)));
    }
    Value::Object(members)
}

fn json_request(content_type: &'static str, value: &Value) -> (HeaderMap, Vec<u8>) {
    let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
    (headers, value.to_string().into_bytes())
}
