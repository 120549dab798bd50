//! Differences between two configs, by field path. For people and for the audit log, so it shows no value that may be a
//! secret.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use handoff_config::hides;
use handoff_control::installations::upgrade::ConfigChangeView;

/// Maximum number of listed fields.
const FIELDS_MAX: usize = 50;
/// Maximum length of a shown value in characters.
const VALUE_CHARS_MAX: usize = 80;

/// Every added, removed or changed field. Both texts are JSON objects.
pub(super) fn between(before: &str, after: &str) -> Vec<ConfigChangeView> {
    let read = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
    let mut changes = Vec::new();
    compare("", "", Some(&read(before)), Some(&read(after)), &mut changes);
    changes
}

/// `key` is the last name of the path. It tells whether the value is a secret.
fn compare(path: &str, key: &str, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<ConfigChangeView>) {
    if before == after || changes.len() >= FIELDS_MAX {
        return;
    }
    let sides = [before, after];
    // If a whole table is added or removed, its fields are listed too: each name tells whether its value is a secret.
    let are = |is: fn(&Value) -> bool| sides.iter().flatten().all(|side| is(side));
    let empty =
        |side: &Value| side.as_object().is_some_and(Map::is_empty) || side.as_array().is_some_and(Vec::is_empty);
    let tells_more = sides.iter().flatten().any(|side| !empty(side));
    if are(Value::is_object) && tells_more {
        let names: BTreeSet<&String> =
            sides.iter().flatten().filter_map(|side| side.as_object()).flat_map(Map::keys).collect();
        for name in names {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let [old, new] = sides.map(|side| side.and_then(|side| side.get(name)));
            compare(&path, name, old, new, changes);
        }
    } else if are(Value::is_array) && tells_more {
        let length = sides.iter().flatten().filter_map(|side| side.as_array()).map(Vec::len).max().unwrap_or(0);
        for index in 0..length {
            let [old, new] = sides.map(|side| side.and_then(|side| side.get(index)));
            compare(&format!("{path}[{index}]"), key, old, new, changes);
        }
    } else {
        changes.push(ConfigChangeView {
            field: path.to_owned(),
            before: before.map(|value| shown(key, value)),
            after: after.map(|value| shown(key, value)),
        });
    }
}

fn shown(key: &str, value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if hides(key, &text) {
        return "…".to_owned();
    }
    let mut short: String = text.chars().take(VALUE_CHARS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_told_by_path_and_secrets_not_at_all() {
        let before = r#"{"url":"https://crm","steps":[{"to":"a"},{"to":"b"}],"same":1,"crm-token":"abc","gone":true}"#;
        let after = r#"{"url":"https://user:hunter2@crm","new":{"password":"abc"},"steps":[{"to":"a"},{"to":"c"},{"to":"d"}],"same":1,"crm-token":"def"}"#;
        let told: Vec<String> = between(before, after)
            .into_iter()
            .map(|change| format!("{}: {:?} → {:?}", change.field, change.before, change.after))
            .collect();
        assert_eq!(
            told,
            [
                "crm-token: Some(\"…\") → Some(\"…\")",
                "gone: Some(\"true\") → None",
                "new.password: None → Some(\"…\")",
                "steps[1].to: Some(\"b\") → Some(\"c\")",
                "steps[2].to: None → Some(\"d\")",
                "url: Some(\"https://crm\") → Some(\"…\")",
            ]
        );
    }
}
