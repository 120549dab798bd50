//! CloudEvents in JSON: one, an array, or one on each line.

use serde_json::{Map, Value};

use crate::Masker;
use crate::id::Words;

/// Most events of one file.
const EVENTS_MAX: usize = 100_000;
/// Extensions of the host.
const HOSTS_OWN: &str = "handoff";

/// The text is not events. It never contains data of an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventsError {
    /// Not JSON.
    #[error(
        "line {line}, column {column}: this is not JSON: expected CloudEvents as one object, an array, or one on each line"
    )]
    NotJson {
        /// From 1 on.
        line: usize,
        /// From 1 on.
        column: usize,
    },
    /// JSON, but no event.
    #[error("event {0}: expected a CloudEvent with `specversion`, `id`, `source` and `type`")]
    NotAnEvent(usize),
    /// Too many.
    #[error("over {EVENTS_MAX} events: split the file")]
    TooMany,
}

impl Masker {
    /// Masks all events of a text, in the form in which they are written. The text is read twice: the first time only to
    /// meet names.
    ///
    /// # Errors
    /// See [`EventsError`].
    pub fn events(&self, text: &str) -> Result<String, EventsError> {
        let is_array = text.trim_start().starts_with('[');
        let events = read(text)?;
        for event in &events {
            self.event(event);
        }
        self.reset_counts();
        let masked: Vec<Value> = events.iter().map(|event| Value::Object(self.event(event))).collect();
        self.counts.borrow_mut().insert("event", u64::try_from(events.len()).unwrap_or(u64::MAX));
        if is_array {
            return Ok(Value::Array(masked).to_string() + "\n");
        }
        Ok(masked.iter().map(|event| event.to_string() + "\n").collect())
    }

    /// An event, also one of a case, which may lack attributes.
    pub(crate) fn event(&self, event: &Map<String, Value>) -> Map<String, Value> {
        event.iter().map(|(name, value)| (name.clone(), self.attribute(name, value))).collect()
    }

    fn attribute(&self, name: &str, value: &Value) -> Value {
        let path = [name.to_owned()];
        let Some(text) = value.as_str() else { return self.value(&mut data_path(name), value) };
        match name {
            "specversion" | "type" | "datacontenttype" => text.into(),
            "dataschema" => self.url(text).into(),
            "source" => self.parts(text, Words::None).into(),
            "id" | "subject" | "partitionkey" | "timer" => self.parts(text, Words::BeforeLast).into(),
            "data" => self.string(&[], text).into(),
            "data_base64" => self.base64(&[], text).into(),
            "at" | "time" => self.date(text).into(),
            _ if name.starts_with(HOSTS_OWN) && text.len() <= 8 => text.into(),
            _ => self.string(&path, text).into(),
        }
    }
}

/// Fields of data have their own names alone.
fn data_path(name: &str) -> Vec<String> {
    if name == "data" { Vec::new() } else { vec![name.to_owned()] }
}

fn read(text: &str) -> Result<Vec<Map<String, Value>>, EventsError> {
    let mut events = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        let value = value.map_err(|error| EventsError::NotJson { line: error.line(), column: error.column() })?;
        match value {
            Value::Array(items) => events.extend(items),
            one => events.push(one),
        }
        if events.len() > EVENTS_MAX {
            return Err(EventsError::TooMany);
        }
    }
    let is_event = |event: &Map<String, Value>| {
        ["specversion", "id", "source", "type"].iter().all(|name| event.get(*name).is_some_and(Value::is_string))
    };
    events
        .into_iter()
        .enumerate()
        .map(|(index, value)| match value {
            Value::Object(event) if is_event(&event) => Ok(event),
            _ => Err(EventsError::NotAnEvent(index + 1)),
        })
        .collect()
}
