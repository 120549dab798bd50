//! Converts a TOML table into the JSON object that a connector reads as its config. Dates become RFC 3339 strings. It
//! refuses what JSON cannot represent and what looks like a secret: connectors never hold secrets.

use serde_json::{Map, Number, Value};
use toml::de::DeValue;

use super::reader::{Field, Section};
use super::secret_patterns;

/// Deeper tables are a mistake, and a hostile file must not overflow the stack.
const DEPTH_MAX: usize = 32;

/// The table as a JSON object, whatever it contains: for sections whose types check themselves.
pub(super) fn plain(section: &Section<'_>) -> Map<String, Value> {
    let member = |(key, field): (&str, Field<'_>)| value(&field, 0, false).map(|value| (key.to_owned(), value));
    section.entries().into_iter().filter_map(member).collect()
}

/// The table as a JSON object without secrets.
pub(super) fn object(section: &Section<'_>) -> Map<String, Value> {
    members(section, 0, true)
}

fn members(section: &Section<'_>, depth: usize, guarded: bool) -> Map<String, Value> {
    let mut object = Map::new();
    for (key, field) in section.entries() {
        if let Some(text) = field.value.as_str().filter(|_| guarded) {
            refuse_secret(key, text, &field);
        }
        if let Some(value) = value(&field, depth, guarded) {
            object.insert(key.to_owned(), value);
        }
    }
    object
}

fn value(field: &Field<'_>, depth: usize, guarded: bool) -> Option<Value> {
    if depth > DEPTH_MAX {
        field.wrong_found("nested tables and lists", format!("at most {DEPTH_MAX} levels"), "flatten it");
        return None;
    }
    Some(match field.value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(_) => Value::from(field.integer(i64::MIN..=i64::MAX)?),
        DeValue::Float(number) => match number.as_str().parse().ok().and_then(Number::from_f64) {
            Some(number) => Value::Number(number),
            None => {
                field.wrong("a finite number", "JSON has neither infinity nor `nan`");
                return None;
            }
        },
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(_) => {
            let key = field.path.rsplit('.').next().unwrap_or_default();
            let list = field.list();
            for (item, text) in list.iter().filter(|_| guarded).filter_map(|item| Some((item, item.value.as_str()?))) {
                refuse_secret(key, text, item);
            }
            list.iter().filter_map(|item| value(item, depth + 1, guarded)).collect()
        }
        DeValue::Table(_) => Value::Object(members(&field.section()?, depth + 1, guarded)),
    })
}

fn refuse_secret(key: &str, text: &str, field: &Field<'_>) {
    if secret_patterns::is_secret_value(text)
        || (secret_patterns::is_secret_key(key) && secret_patterns::is_literal(text))
    {
        field.wrong_found(
            "what looks like a secret",
            "no secrets in a connector's config: the host adds them when it sends",
            "define it in `[secrets.NAME]` and an `[auth.NAME]` profile of handoff.toml, grant the profile with \
             `auth = [\"NAME\"]`, and change the secret, because files get copied",
        );
    }
}
