//! How a case writes bytes: as JSON, or as an object with one field: `$text`, `$hex` or `$file`.

use serde_json::Value;
use std::path::{Component, Path};

/// The bytes of a value, for the field that an error names.
pub(super) fn read(value: &Value, field: &str, folder: &Path) -> Result<Vec<u8>, String> {
    let problem = |text: &str| format!("{field}: {text}");
    let Some((word, content)) = marked(value) else {
        return serde_json::to_vec(value).map_err(|error| problem(&error.to_string()));
    };
    let text = content.as_str().ok_or_else(|| problem(&format!("`{word}` is followed by a text")))?;
    match word {
        "$text" => Ok(text.as_bytes().to_vec()),
        "$hex" => hex(text).ok_or_else(|| problem("`$hex` is followed by pairs of hexadecimal digits")),
        "$file" if Path::new(text).components().all(|part| matches!(part, Component::Normal(_))) => {
            std::fs::read(folder.join(text)).map_err(|error| problem(&format!("{text}: {error}")))
        }
        "$file" => Err(problem("`$file` is followed by the name of a file in the case's folder")),
        _ => Err(problem(&format!("`{word}` is not one of `$text`, `$hex`, `$file`"))),
    }
}

/// Whether the value is written with `$text`, `$hex` or `$file`.
pub(super) fn is_marked(value: &Value) -> bool {
    marked(value).is_some()
}

/// JSON in its one form, whatever the order of its fields; other bytes as they are.
pub(in crate::testkit) fn canonical(bytes: &[u8]) -> Vec<u8> {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(value) => sorted(&value).to_string().into_bytes(),
        Err(_) => bytes.to_vec(),
    }
}

/// Maps keep the order of insertion if any crate asks for it.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort();
            names.into_iter().filter_map(|name| Some((name.clone(), sorted(fields.get(name)?)))).collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        plain => plain.clone(),
    }
}

pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    pairs.collect()
}

fn marked(value: &Value) -> Option<(&str, &Value)> {
    let fields = value.as_object()?;
    let (word, content) = fields.iter().next().filter(|_| fields.len() == 1)?;
    word.starts_with('$').then_some((word.as_str(), content))
}
