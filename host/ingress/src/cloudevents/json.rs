//! The JSON event format: one event or an array of events. Data is passed through byte for byte, so that no number
//! loses digits.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{IngressError, empty, invalid, require, set};
use handoff_model::event::{Event, check_extension_name};

/// An object's members in order. A duplicate name is refused: parsers differ in which one they use.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(String, &RawValue)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    if members.len() >= 64 {
                        return Err(A::Error::custom("more than 64 members"));
                    }
                    if members.iter().any(|(other, _)| *other == name) {
                        return Err(A::Error::custom(format_args!("duplicate member `{}`", super::shorten(&name))));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// Parses one event.
pub(super) fn single(body: &[u8]) -> Result<Event, IngressError> {
    read(serde_json::from_slice(body).map_err(|error| not_json("a JSON object", &error))?)
}

/// Parses an array of events. It may be empty.
pub(super) fn batch(body: &[u8], events_max: usize) -> Result<Vec<Event>, IngressError> {
    let raw: Vec<&RawValue> =
        serde_json::from_slice(body).map_err(|error| not_json("a JSON array of events", &error))?;
    if raw.len() > events_max {
        let problem =
            format!("the batch has {} events; expected at most {events_max} (`limits.engine.batch-events`)", raw.len());
        return Err(IngressError::TooLarge { index: None, problem });
    }
    let one = |(index, raw): (usize, &RawValue)| {
        serde_json::from_str(raw.get())
            .map_err(|error| not_json("a JSON object", &error))
            .and_then(read)
            .map_err(|error| at(error, index))
    };
    raw.into_iter().enumerate().map(one).collect()
}

fn at(error: IngressError, position: usize) -> IngressError {
    match error {
        IngressError::Invalid { field, problem, .. } => IngressError::Invalid { index: Some(position), field, problem },
        IngressError::TooLarge { problem, .. } => IngressError::TooLarge { index: Some(position), problem },
        other => other,
    }
}

/// The parser quotes whole texts of the sender: shorten them, or the response would repeat a body of any size.
fn not_json(expected: &str, error: &serde_json::Error) -> IngressError {
    let message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    let (what, position) =
        message.strip_suffix(&position).map_or((message.as_str(), ""), |what| (what, position.as_str()));
    let mut short: String = what.chars().take(160).collect();
    if short.len() < what.len() {
        short.push('…');
    }
    invalid("body", format!("{short}{position}; expected {expected}"))
}

fn read(Members(members): Members<'_>) -> Result<Event, IngressError> {
    let mut event = empty();
    let find = |name: &str| members.iter().find(|(other, _)| other == name).map(|(_, raw)| *raw);
    let present = |name: &str| find(name).is_some_and(|raw| raw.get() != "null");
    require(&["specversion", "id", "source", "type"].map(|name| (name, present(name))))?;
    for (name, raw) in &members {
        if name == "data" || name == "data_base64" || raw.get() == "null" {
            continue;
        }
        let value = text(name, raw)?;
        set(&mut event, name, value)?;
    }
    // `"data": null` is data: JSON's null. Beside `data_base64` it is what a serializer writes for an unset field.
    match (find("data"), find("data_base64").filter(|_| present("data_base64"))) {
        (Some(data), Some(_)) if data.get() != "null" => {
            return Err(invalid("data_base64", "appears together with `data`; expected only one of them".to_owned()));
        }
        (Some(raw), None) => data(&mut event, raw)?,
        (_, Some(raw)) => {
            let text: String = serde_json::from_str(raw.get())
                .map_err(|_| invalid("data_base64", "is not a string; expected Base64".to_owned()))?;
            event.data = STANDARD
                .decode(text)
                .map_err(|error| invalid("data_base64", format!("is not Base64 with padding: {error}")))?;
        }
        (None, None) => {}
    }
    Ok(event)
}

/// An attribute's canonical string (CloudEvents 1.0.2 section 3.1, JSON format section 2.2).
fn text(name: &str, raw: &RawValue) -> Result<String, IngressError> {
    let own = ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema"];
    let is_own = own.contains(&name);
    if !is_own && let Err(error) = check_extension_name(name) {
        return Err(invalid(name, error.problem));
    }
    // An object or array is never built, whatever its depth.
    let scalar = !raw.get().starts_with(['{', '[']);
    match scalar.then(|| serde_json::from_str::<Value>(raw.get()).ok()).flatten() {
        Some(Value::String(text)) => Ok(text),
        _ if is_own => Err(invalid(name, "is not a string".to_owned())),
        Some(Value::Bool(value)) => Ok(value.to_string()),
        Some(Value::Number(number)) if number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()) => {
            Ok(number.to_string())
        }
        Some(Value::Number(_)) => {
            Err(invalid(name, "is not a 32-bit integer; write other numbers as strings".to_owned()))
        }
        _ => Err(invalid(name, "is not a string, number or boolean; put structured values into `data`".to_owned())),
    }
}

/// JSON data stays as it was written; with another media type, a string is that text (JSON format section 3.1), and null
/// no data.
fn data(event: &mut Event, raw: &RawValue) -> Result<(), IngressError> {
    let media_type = event.data_content_type.get_or_insert_with(|| "application/json".to_owned());
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = essence.ends_with("/json") || essence.ends_with("+json");
    event.data = if !is_json && raw.get().starts_with('"') {
        let text: String = serde_json::from_str(raw.get())
            .map_err(|error| invalid("data", format!("is an invalid string: {error}")))?;
        text.into_bytes()
    } else if !is_json && raw.get() == "null" {
        Vec::new()
    } else {
        raw.get().as_bytes().to_vec()
    };
    Ok(())
}
