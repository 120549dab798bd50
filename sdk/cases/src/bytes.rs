//! How a case writes bytes: as JSON if they are JSON, else as an object with one field: `$text`, `$hex` or `$file`. Reads
//! no file itself.

use serde_json::{Map, Value, json};

/// Reads what a case wrote.
///
/// `file` returns the content of a file beside the case.
pub fn read(value: &Value, file: impl FnOnce(&str) -> Result<Vec<u8>, String>) -> Result<Vec<u8>, String> {
    let Some((word, content)) = marked(value) else {
        return serde_json::to_vec(value).map_err(|error| error.to_string());
    };
    let text = content.as_str().ok_or_else(|| format!("`{word}` is followed by a text"))?;
    match word {
        "$text" => Ok(text.as_bytes().to_vec()),
        "$hex" => hex(text).ok_or_else(|| "`$hex` is followed by pairs of hexadecimal digits".to_owned()),
        "$file" => file(text),
        _ => Err(format!("`{word}` is not one of `$text`, `$hex`, `$file`")),
    }
}

/// Writes bytes as [`read`] reads them. JSON keeps its meaning, but not the order of its fields.
pub fn shown(bytes: &[u8]) -> Value {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(value) if !value.is_null() && marked(&value).is_none() && is_same(&value, bytes) => value,
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => json!({ "$text": text }),
            Err(_) => json!({ "$hex": hex_text(bytes) }),
        },
    }
}

/// Whether the value is written with `$text`, `$hex` or `$file`.
pub fn is_marked(value: &Value) -> bool {
    marked(value).is_some()
}

/// JSON in its one form, whatever the order of its fields; other bytes as they are.
#[must_use]
pub fn canonical(bytes: &[u8]) -> Vec<u8> {
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

/// The bytes of pairs of hexadecimal digits.
pub(crate) fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    pairs.collect()
}

/// Bytes as hexadecimal digits.
#[must_use]
pub fn hex_text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The word and the content of an object with one field that begins with `$`.
fn marked(value: &Value) -> Option<(&str, &Value)> {
    let fields: &Map<String, Value> = value.as_object()?;
    let (word, content) = fields.iter().next().filter(|_| fields.len() == 1)?;
    word.starts_with('$').then_some((word.as_str(), content))
}

/// Whether the value writes the same bytes, up to the order of fields: a number that would be rounded, a duplicate field
/// or white space does not.
fn is_same(value: &Value, bytes: &[u8]) -> bool {
    let count = |bytes: &[u8]| {
        let mut counts = [0_usize; 256];
        bytes.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
        counts
    };
    count(value.to_string().as_bytes()) == count(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_json_only_if_nothing_is_lost() {
        for (bytes, written) in [
            (&br#"{"b":1,"a":[true,"x"]}"#[..], json!({ "a": [true, "x"], "b": 1 })),
            (b"\"R-7\"", json!("R-7")),
            (b"null", json!({ "$text": "null" })),
            (b"", json!({ "$text": "" })),
            (b"{ }", json!({ "$text": "{ }" })),
            (b"18446744073709551617", json!({ "$text": "18446744073709551617" })),
            (br#"{"a":1,"a":1}"#, json!({ "$text": "{\"a\":1,\"a\":1}" })),
            (br#"{"$text":1}"#, json!({ "$text": "{\"$text\":1}" })),
            (b"\x00\xff", json!({ "$hex": "00ff" })),
        ] {
            assert_eq!(shown(bytes), written);
            let mut back = read(&written, |_| Err("no file".to_owned())).unwrap_or_default();
            let mut was = bytes.to_vec();
            // Up to the order of fields.
            back.sort_unstable();
            was.sort_unstable();
            assert_eq!(back, was);
        }
        for wrong in [json!({ "$text": 1 }), json!({ "$hex": "0" }), json!({ "$base64": "" })] {
            assert!(read(&wrong, |_| Ok(Vec::new())).is_err(), "{wrong}");
        }
    }
}
