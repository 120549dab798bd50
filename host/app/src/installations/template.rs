//! Settings for many installations from one template: the template's keys replace those of each installation's settings.

use handoff_model::installation::Installation;
use serde_json::Value;

/// Settings with the keys of a template. Tables are merged; everything else is replaced. `{{name}}` and `{{scope}}` in the
/// template's texts stand for the installation's.
pub(super) fn applied(settings: Value, template: &Value, installation: &Installation) -> Value {
    match (settings, template) {
        (Value::Object(mut settings), Value::Object(template)) => {
            for (key, value) in template {
                let known = settings.remove(key).unwrap_or(Value::Null);
                settings.insert(key.clone(), applied(known, value, installation));
            }
            Value::Object(settings)
        }
        (_, template) => filled(template, installation),
    }
}

fn filled(template: &Value, installation: &Installation) -> Value {
    match template {
        Value::String(text) => {
            let text = text.replace("{{name}}", installation.name.as_str());
            Value::String(text.replace("{{scope}}", &installation.scope.to_string()))
        }
        Value::Array(items) => items.iter().map(|item| filled(item, installation)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), filled(value, installation)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}
