//! JSON values by the names of their fields, and documents inside strings.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};

use crate::Masker;
use crate::date::is_date;
use crate::field::{Hint, hint};
use crate::phone::is_nanp;

/// Documents inside one another: deeper ones are masked as text.
const NESTING_MAX: usize = 8;
/// Milliseconds since 1970, of 1998 to 2100.
const EPOCH_MS: std::ops::Range<u64> = 900_000_000_000..4_200_000_000_000;
/// Seconds since 1970, of 1998 to 2033.
const EPOCH_SECONDS: std::ops::Range<u64> = 900_000_000..2_000_000_000;
/// From this many digits on, a whole number identifies something.
const ID_DIGITS: usize = 9;

impl Masker {
    /// A value of any kind.
    pub(crate) fn value(&self, path: &mut Vec<String>, value: &Value) -> Value {
        match value {
            Value::String(text) => self.string(path, text).into(),
            Value::Number(number) => self.number(path, number),
            Value::Array(items) => items.iter().map(|item| self.value(path, item)).collect(),
            Value::Object(fields) => self.object(path, fields).into(),
            Value::Null | Value::Bool(_) => value.clone(),
        }
    }

    fn object(&self, path: &mut Vec<String>, fields: &Map<String, Value>) -> Map<String, Value> {
        let masked = |(name, value): (&String, &Value)| {
            path.push(name.clone());
            let is_base64 = name.ends_with("_base64") || name.ends_with("Base64");
            let value = match value.as_str().filter(|_| is_base64) {
                Some(text) => self.base64(path, text).into(),
                None => self.value(path, value),
            };
            path.pop();
            (self.object_key(name), value)
        };
        fields.iter().map(masked).collect()
    }

    fn number(&self, path: &[String], number: &Number) -> Value {
        let hint = hint(path, &self.rules);
        let text = number.to_string();
        let digits = text.trim_start_matches('-');
        let is_whole = digits.bytes().all(|byte| byte.is_ascii_digit());
        let whole = number.as_u64().filter(|_| is_whole);
        let masked = match (hint, whole) {
            (Hint::Keep | Hint::KeepAlways, _) => return number.clone().into(),
            (Hint::Phone, Some(_)) if digits.len() >= 7 => self.phone(digits),
            (Hint::Mask | Hint::Digits | Hint::Phone, _) => self.digits_of(&text),
            (_, Some(ms)) if EPOCH_MS.contains(&ms) => return self.epoch_ms(ms).into(),
            (_, Some(seconds)) if EPOCH_SECONDS.contains(&seconds) => {
                return (self.epoch_ms(seconds * 1_000) / 1_000).into();
            }
            (_, Some(_)) if is_nanp(digits) => self.phone(digits),
            (_, Some(_)) if digits.len() == 8 && is_date(digits) => self.date(digits),
            (_, Some(_)) if digits.len() >= ID_DIGITS => self.digits_of(&text),
            _ => return number.clone().into(),
        };
        serde_json::from_str::<Number>(&masked).map_or(Value::from(0), Value::Number)
    }

    /// The digits of a number, with its sign and point.
    fn digits_of(&self, text: &str) -> String {
        self.count("number");
        text.split_inclusive(|letter: char| !letter.is_ascii_digit())
            .map(|run| {
                let digits = run.trim_end_matches(|letter: char| !letter.is_ascii_digit());
                // A number has no zero before other digits.
                let masked = self.digits(digits);
                format!("{masked}{}", &run[digits.len()..])
            })
            .collect()
    }

    /// A string that is a JSON or an XML document; none for any other.
    pub(crate) fn document(&self, path: &[String], text: &str) -> Option<String> {
        let start = text.trim_start().chars().next().filter(|first| "{[<".contains(*first))?;
        if self.nesting.get() >= NESTING_MAX {
            return None;
        }
        self.nesting.set(self.nesting.get() + 1);
        let masked = if start == '<' {
            self.xml(path, text.trim_start())
        } else {
            let value = serde_json::from_str::<Value>(text).ok();
            value.map(|value| self.value(&mut path.to_vec(), &value).to_string())
        };
        self.nesting.set(self.nesting.get() - 1);
        masked
    }

    /// Bytes: as text if they are text, else bytes that are drawn from them.
    pub(crate) fn bytes(&self, path: &[String], bytes: &[u8]) -> Vec<u8> {
        if let Ok(text) = std::str::from_utf8(bytes) {
            // A JSON document may be a string alone.
            return match serde_json::from_str::<Value>(text) {
                Ok(value) => self.value(&mut path.to_vec(), &value).to_string().into_bytes(),
                Err(_) => self.string(path, text).into_bytes(),
            };
        }
        self.count("binary data");
        let mut draw = self.key.draw("bytes", &STANDARD.encode(bytes));
        bytes.iter().map(|_| u8::try_from(draw.below(256)).unwrap_or_default()).collect()
    }

    pub(crate) fn base64(&self, path: &[String], text: &str) -> String {
        match STANDARD.decode(text) {
            Ok(bytes) => STANDARD.encode(self.bytes(path, &bytes)),
            Err(_) => self.whole(text),
        }
    }
}
