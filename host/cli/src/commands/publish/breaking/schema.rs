//! Whether a config schema refuses what an earlier one took. A change that is not understood counts as narrower: a false
//! alarm costs a major version, a missed one an installation.

use serde_json::{Map, Value};

/// Keywords that change no verdict.
const ANNOTATIONS: [&str; 8] =
    ["$comment", "$schema", "title", "description", "default", "deprecated", "examples", "$defs"];
/// Limits that may rise, and those that may fall.
const MAY_RISE: [&str; 6] = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains"];
const MAY_FALL: [&str; 6] = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains"];
/// References followed at most: schemas have no cycles, but may be deep.
const DEPTH_MAX: usize = 64;

/// Adds what the new schema takes no longer, by the path of the field.
pub(super) fn narrowed(path: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    Compared { old, new, found }.schemas(path, old, new, 0);
}

struct Compared<'a> {
    old: &'a Value,
    new: &'a Value,
    found: &'a mut Vec<String>,
}

impl Compared<'_> {
    fn schemas(&mut self, path: &str, old: &Value, new: &Value, depth: usize) {
        let (old, new) = (resolved(self.old, old).clone(), resolved(self.new, new).clone());
        if old == new && self.old.get("$defs") == self.new.get("$defs") || depth > DEPTH_MAX {
            return;
        }
        let (Some(before), Some(after)) = (old.as_object(), new.as_object()) else {
            // `true` takes everything, and what `false` took cannot become less.
            if old != new && new != Value::Bool(true) && old != Value::Bool(false) {
                self.found.push(format!("{path} takes other values"));
            }
            return;
        };
        let (before, after) = (before.clone(), after.clone());
        self.properties(path, &before, &after, depth);
        let handled = ["properties", "additionalProperties", "required"];
        let is_handled = |name: &str| ANNOTATIONS.contains(&name) || handled.contains(&name) || name.starts_with("x-");
        let added = after.keys().filter(|name| !before.contains_key(*name));
        for name in before.keys().chain(added).filter(|name| !is_handled(name)) {
            self.keyword(path, name, before.get(name), after.get(name), depth);
        }
    }

    fn properties(&mut self, path: &str, before: &Map<String, Value>, after: &Map<String, Value>, depth: usize) {
        let required = |schema: &Map<String, Value>| {
            let names = schema.get("required").and_then(Value::as_array);
            names.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
        };
        let old = required(before);
        for name in required(after).into_iter().filter(|name| !old.contains(name)) {
            self.found.push(format!("{path}.{name} is required now"));
        }
        let none = Map::new();
        let fields =
            |schema: &Map<String, Value>| schema.get("properties").and_then(Value::as_object).unwrap_or(&none).clone();
        let (old_fields, new_fields) = (fields(before), fields(after));
        let is_closed = |schema: &Map<String, Value>| schema.get("additionalProperties") == Some(&Value::Bool(false));
        for (name, field) in &old_fields {
            let path = format!("{path}.{name}");
            match new_fields.get(name) {
                Some(other) => self.schemas(&path, field, other, depth + 1),
                None if is_closed(after) => self.found.push(format!("{path} is unknown now")),
                None => {}
            }
        }
        if is_closed(after) && !is_closed(before) {
            self.found.push(format!("{path} takes no other fields now"));
        }
    }

    fn keyword(&mut self, path: &str, name: &str, before: Option<&Value>, after: Option<&Value>, depth: usize) {
        let narrower = match (before, after) {
            // A keyword that is gone took something away before.
            (_, None) => false,
            (None, Some(_)) => true,
            // Also if they are equal: they may refer to definitions that are not.
            (Some(before), Some(after)) if ["items", "contains", "propertyNames"].contains(&name) => {
                return self.schemas(&format!("{path}[]"), before, after, depth + 1);
            }
            (Some(before), Some(after)) if before == after => false,
            (Some(before), Some(after)) => match name {
                "enum" => !is_subset(before, after),
                "type" => !is_subset(&list(before), &list(after)),
                name if MAY_RISE.contains(&name) => before.as_f64() > after.as_f64(),
                name if MAY_FALL.contains(&name) => before.as_f64() < after.as_f64(),
                _ => true,
            },
        };
        if narrower {
            self.found.push(format!("{path} is narrower: `{name}` {}", told(before, after)));
        }
    }
}

fn told(before: Option<&Value>, after: Option<&Value>) -> String {
    let short = |value: &Value| value.to_string().chars().take(60).collect::<String>();
    match (before, after) {
        (None, Some(after)) => format!("is {} now", short(after)),
        (Some(before), Some(after)) => format!("is {} instead of {}", short(after), short(before)),
        _ => "is gone".to_owned(),
    }
}

/// `#/$defs/NAME` in its document.
fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix("#/$defs/"));
    target.and_then(|name| root.get("$defs")?.get(name)).unwrap_or(schema)
}

fn list(value: &Value) -> Value {
    if value.is_array() { value.clone() } else { Value::Array(vec![value.clone()]) }
}

fn is_subset(before: &Value, after: &Value) -> bool {
    let (Some(before), Some(after)) = (before.as_array(), after.as_array()) else { return false };
    before.iter().all(|item| after.contains(item))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(old: Value, new: Value) -> Vec<String> {
        let mut found = Vec::new();
        narrowed("config", &old, &new, &mut found);
        found
    }

    #[test]
    fn a_schema_that_takes_less_is_found() {
        let old = json!({
            "type": "object", "additionalProperties": false, "required": ["url"],
            "properties": {
                "url": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 90},
                "mode": {"enum": ["a", "b"]}, "routes": {"type": "array", "items": {"$ref": "#/$defs/route"}},
            },
            "$defs": {"route": {"type": "object", "properties": {"to": {"type": "string"}}}},
        });
        let with = |path: &str, value: Value| {
            let mut new = old.clone();
            if let Some(place) = new.pointer_mut(path) {
                *place = value;
            }
            found(old.clone(), new)
        };
        assert_eq!(with("/required", json!(["url", "days"])), ["config.days is required now"]);
        assert_eq!(
            with("/properties", json!({"url": {"type": "string"}})),
            ["config.days is unknown now", "config.mode is unknown now", "config.routes is unknown now"]
        );
        assert_eq!(
            with("/properties/days/maximum", json!(30)),
            ["config.days is narrower: `maximum` is 30 instead of 90"]
        );
        assert_eq!(
            with("/properties/mode", json!({"enum": ["a"]})),
            ["config.mode is narrower: `enum` is [\"a\"] instead of [\"a\",\"b\"]"]
        );
        assert_eq!(
            with("/properties/url", json!({"type": "string", "pattern": "^https:"})),
            ["config.url is narrower: `pattern` is \"^https:\" now"]
        );
        assert_eq!(
            with("/$defs/route/properties/to", json!({"type": "integer"})),
            ["config.routes[].to is narrower: `type` is \"integer\" instead of \"string\""]
        );
        for (path, wider) in [
            ("/required", json!([])),
            ("/properties/days", json!({"type": ["integer", "string"], "minimum": 0, "description": "Days."})),
            ("/properties/mode", json!({"enum": ["b", "a", "c"]})),
            ("/additionalProperties", json!(true)),
        ] {
            assert_eq!(with(path, wider), Vec::<String>::new(), "{path}");
        }
    }
}
