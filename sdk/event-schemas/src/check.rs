//! Checks real events against the schemas.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jsonschema::{Registry, Validator};
use serde_json::{Map, Value, json};

use crate::texts;

/// The schemas of all events, ready to check events.
#[derive(Debug)]
pub struct Events(BTreeMap<String, Validator>);

impl Events {
    /// The schemas as they are published: an event may have further fields.
    #[must_use]
    pub fn published() -> Self {
        Self::load(false)
    }

    /// The same, where an object has no other fields than those that the schema names: what this repository emits is
    /// described completely.
    #[must_use]
    pub fn closed() -> Self {
        Self::load(true)
    }

    fn load(closed: bool) -> Self {
        let read = |(name, text): &(String, String)| -> Value {
            let mut schema = serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            if closed {
                close(&mut schema);
            }
            schema
        };
        let schemas: Vec<Value> = texts().iter().map(read).collect();
        let mut registry = Registry::new();
        for schema in &schemas {
            let id = schema["$id"].as_str().unwrap_or_default();
            registry = registry.add(id, schema).unwrap_or_else(|error| panic!("{id}: {error}"));
        }
        let registry = registry.prepare().unwrap_or_else(|error| panic!("{error}"));
        let validator = |schema: &Value| {
            let name = schema["title"].as_str().unwrap_or_default().to_owned();
            let options = jsonschema::draft202012::options().should_validate_formats(true);
            let built = options.with_registry(&registry).build(schema);
            (name.clone(), built.unwrap_or_else(|error| panic!("{name}: {error}")))
        };
        Self(schemas.iter().map(validator).collect())
    }

    /// The types that have a schema, and `timer`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Checks an event in the JSON format of CloudEvents. An event without a schema fits.
    ///
    /// # Errors
    /// Where it does not fit.
    pub fn check(&self, event: &Value) -> Result<(), String> {
        self.check_as(event["type"].as_str().unwrap_or_default(), event)
    }

    /// Checks an event against the schema of a name.
    ///
    /// # Errors
    /// Where it does not fit.
    pub fn check_as(&self, name: &str, event: &Value) -> Result<(), String> {
        let Some(validator) = self.0.get(name) else { return Ok(()) };
        let faults: Vec<String> =
            validator.iter_errors(event).map(|error| format!("{}: {error}", error.instance_path())).collect();
        if faults.is_empty() { Ok(()) } else { Err(format!("{name}: {}", faults.join("; "))) }
    }
}

/// Checks an event that a connector emitted or scheduled in a test, strictly: with no other fields than those of the schema.
///
/// # Panics
/// If it does not fit.
pub fn assert_emitted(type_name: &str, subject: Option<&str>, partition_key: Option<&str>, data: &[u8]) {
    static EVENTS: LazyLock<Events> = LazyLock::new(Events::closed);
    let event = emitted(type_name, subject, partition_key, data);
    EVENTS.check(&event).unwrap_or_else(|problem| panic!("{problem}\n{event:#}"));
}

/// The first example of a schema.
///
/// # Panics
/// If there is no such schema.
#[must_use]
pub fn example(name: &str) -> Value {
    let file = format!("{name}.schema.json");
    let text = texts().into_iter().find(|(known, _)| *known == file).unwrap_or_else(|| panic!("there is no {file}")).1;
    let schema: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
    schema["examples"][0].clone()
}

/// The event with what the host adds.
fn emitted(type_name: &str, subject: Option<&str>, partition_key: Option<&str>, data: &[u8]) -> Value {
    let mut event = json!({
        "specversion": "1.0", "id": "5f2b1c0d9e8a7b6c5d4e3f2a1b0c9d8e", "source": "/rooftops/main-street/installations/test",
        "type": type_name, "time": "2026-03-30T15:00:00Z", "datacontenttype": "application/json", "handoffhops": "1",
        "data": serde_json::from_slice::<Value>(data).unwrap_or_default(),
    });
    let optional = [("subject", subject), ("partitionkey", partition_key)];
    let optional = optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
    event.as_object_mut().unwrap_or(&mut Map::new()).extend(optional);
    event
}

/// Forbids other fields in the types of data.
fn close(schema: &mut Value) {
    let definitions =
        schema.get_mut("$defs").and_then(Value::as_object_mut).into_iter().flat_map(|map| map.values_mut());
    for definition in definitions.filter_map(Value::as_object_mut).filter(|node| node.contains_key("properties")) {
        definition.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
}
