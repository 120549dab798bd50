//! Test cases: inputs and expectations by one key, so that what a connector copies is expected as it arrives. What it
//! computes from a value may differ: `handoff test` says so, and `--accept` records it.

use serde_json::{Map, Value};

use crate::Masker;
use crate::id::Words;

/// The two files of a case.
pub struct MaskedCase {
    /// `case.json`.
    pub case: Value,
    /// `expected.json`, if the case has one.
    pub expected: Option<Value>,
}

/// Fields of cases that hold nothing of a person: forms, numbers, names of settings files.
const TECHNICAL: [&str; 21] = [
    "$schema",
    "grants",
    "stateSchema",
    "timeZone",
    "generation",
    "attempt",
    "seed",
    "method",
    "auth",
    "timeoutMs",
    "status",
    "kind",
    "code",
    "afterMs",
    "ms",
    "answer",
    "passed",
    "type",
    "datacontenttype",
    "package",
    "version",
];
/// The clock of a case that names none.
const DEFAULT_TIME: &str = "2026-03-30T15:00:00Z";
/// Header fields that say how a body is written.
const HEADERS: [&str; 5] = ["content-type", "accept", "accept-encoding", "content-encoding", "content-language"];

impl Masker {
    /// Masks the two files of a case, both read twice: the first time only to meet names.
    #[must_use]
    pub fn case(&self, case: &Value, expected: Option<&Value>) -> MaskedCase {
        let both = || MaskedCase { case: self.part("", case), expected: expected.map(|value| self.part("", value)) };
        both();
        let mut masked = both();
        // A clock that the case leaves to its default moves with its other times.
        if let Some(fields) = masked.case.as_object_mut() {
            fields.entry("time").or_insert_with(|| self.date(DEFAULT_TIME).into());
        }
        masked
    }

    /// A file of a case that `$file` names.
    #[must_use]
    pub fn attachment(&self, bytes: &[u8]) -> Vec<u8> {
        self.bytes(&[], bytes)
    }

    /// The part of a case in a field of this name.
    fn part(&self, name: &str, value: &Value) -> Value {
        if TECHNICAL.contains(&name) {
            return value.clone();
        }
        match (name, value) {
            ("config", _) => self.value(&mut vec!["config".to_owned()], value),
            ("about", Value::Object(fields)) => {
                let known = ["package", "version", "digest", "position", "stateAssumed"];
                fields.iter().filter(|(name, _)| known.contains(&name.as_str())).map(own).collect()
            }
            ("data" | "body", _) => self.bytes_value(value),
            ("state", Value::Object(fields)) => {
                let masked = |(key, value): (&String, &Value)| {
                    let value = if value.is_null() { Value::Null } else { self.bytes_value(value) };
                    (self.parts(key, Words::BeforeLast), value)
                };
                fields.iter().map(masked).collect()
            }
            ("timersSet", Value::Object(fields)) => {
                fields.iter().map(|(key, timer)| (self.parts(key, Words::BeforeLast), self.part("", timer))).collect()
            }
            ("headers", Value::Object(fields)) => fields.iter().map(|(name, value)| self.header(name, value)).collect(),
            ("extensions", Value::Object(fields)) => self.event(fields).into(),
            ("url", Value::String(text)) => self.url(text).into(),
            // A message is compared only if it is expected, and may quote a value.
            ("failure", Value::Object(fields)) => {
                let kept = fields.iter().filter(|(name, _)| *name != "message");
                kept.map(|(name, value)| (name.clone(), self.part(name, value))).collect()
            }
            ("rooftop" | "installation", Value::String(text)) => self.parts(text, Words::BeforeLast).into(),
            ("error", Value::Object(fields)) => fields.iter().map(|(name, value)| self.error(name, value)).collect(),
            (_, Value::String(_)) => {
                let one = Map::from_iter([(name.to_owned(), value.clone())]);
                self.event(&one).remove(name).unwrap_or_default()
            }
            (_, Value::Array(items)) => {
                // Keys of requests and timers.
                let is_key = name == "usedKeys" || name == "timersCancelled";
                let key = |text: &str| Value::from(self.parts(text, Words::BeforeLast));
                let masked = |item: &Value| match item.as_str() {
                    Some(text) if is_key => key(text),
                    _ => self.part(name, item),
                };
                items.iter().map(masked).collect()
            }
            (_, Value::Object(fields)) => {
                // A text about the case may name people.
                let fields = fields.iter().filter(|(name, value)| *name != "about" || value.is_object());
                let masked = |(name, value): (&String, &Value)| match (name.as_str(), value) {
                    ("key" | "partitionKey", Value::String(text)) => {
                        (name.clone(), self.parts(text, Words::BeforeLast).into())
                    }
                    _ => (name.clone(), self.part(name, value)),
                };
                fields.map(masked).collect()
            }
            (_, plain) => plain.clone(),
        }
    }

    fn error(&self, name: &str, value: &Value) -> (String, Value) {
        let masked = match value.as_str() {
            Some(text) if name == "message" => self.whole(text).into(),
            _ => value.clone(),
        };
        (name.to_owned(), masked)
    }

    fn header(&self, name: &str, value: &Value) -> (String, Value) {
        let masked = if HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            value.clone()
        } else {
            self.value(&mut vec![name.to_owned()], value)
        };
        (name.to_owned(), masked)
    }

    /// A value that stands for bytes: JSON, or an object with `$text`, `$hex` or `$file`.
    fn bytes_value(&self, value: &Value) -> Value {
        let marked = value.as_object().filter(|fields| fields.len() == 1).and_then(|fields| fields.iter().next());
        let (word, text) = match marked {
            Some((word, Value::String(text))) if word.starts_with('$') => (word.as_str(), text),
            _ => return self.value(&mut Vec::new(), value),
        };
        let masked = match word {
            "$hex" => {
                let byte = |index: usize| text.get(index..index + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
                let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(byte).collect();
                bytes.map(|bytes| self.bytes(&[], &bytes).iter().map(|byte| format!("{byte:02x}")).collect())
            }
            "$file" => Some(self.file_name(text)),
            _ => String::from_utf8(self.bytes(&[], text.as_bytes())).ok(),
        };
        Value::Object(Map::from_iter([(word.to_owned(), masked.unwrap_or_default().into())]))
    }
}

fn own((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}
