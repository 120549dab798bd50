//! Lists the differences between two values, field by field, in bounded text. Knows JSON and bytes, nothing of
//! deliveries.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use handoff_model::effects::{OutboxRequest, TimerRequest};
use handoff_model::event::Event;
use handoff_model::failure::{Failure, FailureKind};

/// Fields of one difference that are listed; more are only counted.
const FIELDS_MAX: usize = 8;
/// Characters of a value that are shown.
const VALUE_CHARS: usize = 160;

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// The dotted path; empty for the whole value.
    pub path: String,
    /// The recorded value; none if there was none.
    pub recorded: Option<String>,
    /// The new value; none if there is none.
    pub now: Option<String>,
}

/// Fields that differ between two values, and how many more differ than are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) named: Vec<FieldChange>,
    pub(super) left_out: usize,
}

impl Fields {
    /// Compares two values that are known to differ, even if only in their encoding.
    pub(super) fn between(recorded: Option<&Value>, now: Option<&Value>) -> Self {
        let mut fields = Self::default();
        fields.walk(String::new(), recorded, now);
        if fields.named.is_empty() {
            let words = |text: &str| Some(text.to_owned());
            fields.add(String::new(), words("the same, written in other bytes"), words("written in other bytes"));
        }
        fields
    }

    fn walk(&mut self, path: String, recorded: Option<&Value>, now: Option<&Value>) {
        match (recorded, now) {
            (recorded, now) if recorded == now => {}
            (Some(Value::Object(recorded)), Some(Value::Object(now))) => {
                let added = now.keys().filter(|key| !recorded.contains_key(*key));
                for key in recorded.keys().chain(added) {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    self.walk(path, recorded.get(key), now.get(key));
                }
            }
            (Some(Value::Array(recorded)), Some(Value::Array(now))) => {
                for index in 0..recorded.len().max(now.len()) {
                    self.walk(format!("{path}[{index}]"), recorded.get(index), now.get(index));
                }
            }
            (recorded, now) => self.add(path, recorded.map(shown), now.map(shown)),
        }
    }

    fn add(&mut self, path: String, recorded: Option<String>, now: Option<String>) {
        if self.named.len() < FIELDS_MAX {
            self.named.push(FieldChange { path: cut(&path), recorded, now });
        } else {
            self.left_out += 1;
        }
    }
}

/// Where two events differ: the first fields, and how many more there are.
#[must_use]
pub fn between_events(recorded: &Event, now: &Event) -> (Vec<FieldChange>, usize) {
    if recorded == now {
        return (Vec::new(), 0);
    }
    let Fields { named, left_out } = Fields::between(Some(&of_event(recorded)), Some(&of_event(now)));
    (named, left_out)
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => cut(text),
        other => cut(&other.to_string()),
    }
}

/// Truncates a text to a number of characters and marks the truncation.
pub(super) fn cut(text: &str) -> String {
    let mut kept: String = text.chars().take(VALUE_CHARS).collect();
    if kept.len() < text.len() {
        kept.push('…');
    }
    kept
}

/// Bytes in their most readable form: JSON, text, or their number and hash.
#[must_use]
pub fn of_bytes(bytes: &[u8]) -> Value {
    if let Ok(value) = serde_json::from_slice(bytes) {
        return value;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::from(text),
        Err(_) => {
            let sum: String = hex::encode(Sha256::digest(bytes)).chars().take(16).collect();
            Value::from(format!("{} bytes, sha256 {sum}…", bytes.len()))
        }
    }
}

/// An event with its data.
#[must_use]
pub fn of_event(event: &Event) -> Value {
    let mut fields = Map::new();
    let text = |text: &Option<String>| text.clone().map(Value::from);
    let all = [
        ("id", Some(Value::from(event.id.as_str())).filter(|_| !event.id.is_empty())),
        ("source", Some(Value::from(event.source.as_str()))),
        ("type", Some(Value::from(event.type_name.as_str()))),
        ("subject", text(&event.subject)),
        ("time", event.time.map(|time| Value::from(time.to_string()))),
        ("datacontenttype", text(&event.data_content_type)),
        ("dataschema", text(&event.data_schema)),
        ("data", Some(of_bytes(&event.data))),
    ];
    fields.extend(all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    fields.extend(event.extensions.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))));
    Value::Object(fields)
}

/// A timer.
#[must_use]
pub fn of_timer(timer: &TimerRequest) -> Value {
    serde_json::json!({ "at": timer.at.to_string(), "event": of_event(&timer.event) })
}

/// A request, without its key.
#[must_use]
pub fn of_request(request: &OutboxRequest) -> Value {
    let OutboxRequest { request: sent, answer, partition_key, .. } = request;
    serde_json::json!({
        "method": sent.method, "url": sent.url, "headers": sent.headers, "auth": sent.auth, "timeoutMs": sent.timeout_ms,
        "body": sent.body.as_deref().map(of_bytes), "answer": answer, "partitionKey": partition_key,
    })
}

pub(super) fn of_failure(failure: &Failure) -> Value {
    let (kind, after_ms) = match failure.kind {
        FailureKind::Retry { after_ms } => ("retry", after_ms),
        FailureKind::Reject => ("reject", None),
        FailureKind::Misconfigured => ("misconfigured", None),
    };
    serde_json::json!({ "kind": kind, "code": failure.code, "message": failure.message, "afterMs": after_ms })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_named_by_their_path_and_bounded() {
        let (old, new) = (json!({"a": {"b": [1, 2]}, "c": "x"}), json!({"a": {"b": [1, 3, 4]}, "d": true}));
        let fields = Fields::between(Some(&old), Some(&new));
        let named: Vec<_> = fields.named.iter().map(|field| field.path.as_str()).collect();
        assert_eq!(named, ["a.b[1]", "a.b[2]", "c", "d"]);
        let many: Value = (0..1_000).map(|number| (number.to_string(), Value::from("v".repeat(1_000)))).collect();
        let fields = Fields::between(Some(&many), Some(&json!({})));
        assert_eq!((fields.named.len(), fields.left_out), (FIELDS_MAX, 1_000 - FIELDS_MAX));
        assert!(fields.named.iter().all(|field| field.recorded.as_ref().is_some_and(|text| text.len() < 200)));
        assert_eq!(Fields::between(Some(&old), Some(&old)).named.len(), 1, "other bytes of the same value");
    }
}
