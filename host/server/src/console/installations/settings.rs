//! The settings of an installation as a flat list. They name secrets and hold none.

use serde_json::Value;

/// Most settings that are shown.
const SHOWN_MAX: usize = 200;

/// Each value with its path.
pub(super) fn settings(value: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(value, String::new(), &mut found);
    found
}

fn collect(value: &Value, path: String, found: &mut Vec<(String, String)>) {
    if found.len() >= SHOWN_MAX {
        return;
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(value, path, found);
            }
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, format!("{path}[{index}]"), found);
            }
        }
        Value::Array(items) => found.push((path, items.iter().map(text).collect::<Vec<_>>().join(", "))),
        value => found.push((path, text(value))),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
