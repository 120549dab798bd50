//! Checks events of a real host against their published schemas. It knows no host.

use std::sync::LazyLock;

use handoff_event_schemas::Events;
use serde_json::{Map, Value, json};

/// Checks an event as `handoff events POSITION --json` shows it. Answers its type if it has a schema.
///
/// # Panics
/// If it does not fit. Events from outside may have any content.
pub(super) fn check(shown: &Value) -> Option<String> {
    static EVENTS: LazyLock<Events> = LazyLock::new(Events::closed);
    let source = shown["source"].as_str().unwrap_or_default();
    let type_name = shown["type"].as_str().unwrap_or_default();
    if !source.starts_with('/') || !EVENTS.names().any(|name| name == type_name) {
        return None;
    }
    let event = cloud_event(shown);
    EVENTS.check(&event).unwrap_or_else(|problem| panic!("{problem}\n{event:#}"));
    Some(type_name.to_owned())
}

/// The event in the JSON format of CloudEvents.
fn cloud_event(shown: &Value) -> Value {
    let mut event = Map::from_iter([("specversion".to_owned(), json!("1.0"))]);
    let attributes = [
        ("id", "id"),
        ("source", "source"),
        ("type", "type"),
        ("subject", "subject"),
        ("time", "time"),
        ("datacontenttype", "dataContentType"),
        ("dataschema", "dataSchema"),
        ("data_base64", "dataBase64"),
    ];
    for (name, shown_as) in attributes {
        event.extend(shown.get(shown_as).map(|value| (name.to_owned(), value.clone())));
    }
    event.extend(shown["extensions"].as_object().cloned().unwrap_or_default());
    if let Some(data) = shown["data"].as_str() {
        let is_json = shown["dataContentType"].as_str().is_some_and(|kind| kind.starts_with("application/json"));
        let parsed = serde_json::from_str(data).ok().filter(|_| is_json);
        event.insert("data".to_owned(), parsed.unwrap_or_else(|| data.into()));
    }
    event.into()
}
