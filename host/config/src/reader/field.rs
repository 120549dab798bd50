//! A value of a file, and the types that it can be parsed as. A failure is reported with what was found, what was
//! expected and what to do.

use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;

use toml::de::DeValue;

use super::{Section, Source};
use crate::problem::{Location, nearest};
use crate::secret_patterns;

/// One value of the file.
#[derive(Clone)]
pub(crate) struct Field<'a> {
    pub(crate) source: &'a Source<'a>,
    pub(crate) path: String,
    pub(crate) span: Range<usize>,
    pub(crate) value: &'a DeValue<'a>,
}

impl<'a> Field<'a> {
    /// Reports that the value is not what was expected.
    pub(crate) fn wrong(&self, expected: impl Into<String>, advice: impl Into<String>) {
        self.wrong_found(self.describe(), expected, advice);
    }

    /// The same with another description of what was found.
    pub(crate) fn wrong_found(&self, found: impl Into<String>, expected: impl Into<String>, advice: impl Into<String>) {
        self.source.report(self.location(), found.into(), expected.into(), advice.into());
    }

    pub(crate) fn location(&self) -> Location {
        self.source.location(&self.span, &self.path)
    }

    /// A string that is not empty.
    pub(crate) fn text(&self) -> Option<&'a str> {
        match self.value.as_str() {
            Some(text) if !text.trim().is_empty() && !text.contains('\0') => Some(text),
            _ => {
                self.wrong("a non-empty string in quotes", "write it as \"…\"");
                None
            }
        }
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        let value = self.value.as_bool();
        if value.is_none() {
            self.wrong("`true` or `false`", "write it without quotes");
        }
        value
    }

    /// An integer in a range.
    pub(crate) fn integer<T>(&self, range: RangeInclusive<T>) -> Option<T>
    where
        T: TryFrom<i64> + PartialOrd + std::fmt::Display,
    {
        let number = self.value.as_integer().and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok());
        let number = number.and_then(|n| T::try_from(n).ok()).filter(|n| range.contains(n));
        if number.is_none() {
            let expected = format!("a whole number from {} to {}", range.start(), range.end());
            self.wrong(expected, "write a number of this range without quotes");
        }
        number
    }

    /// A string in the format of a type, for example a name or an address.
    pub(crate) fn parse<T: FromStr>(&self, expected: &str, example: &str) -> Option<T> {
        let text = self.text()?;
        let value = text.trim().parse().ok();
        if value.is_none() {
            self.wrong(expected, format!("write it like `{example}`"));
        }
        value
    }

    /// One of several words.
    pub(crate) fn choice<T: Copy>(&self, choices: &[(&'static str, T)]) -> Option<T> {
        let text = self.text()?;
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let words: Vec<_> = choices.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        let advice = match nearest(text, choices.iter().map(|(word, _)| *word)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "choose one of these words".to_owned(),
        };
        self.wrong(format!("one of {}", words.join(", ")), advice);
        None
    }

    /// A list, each element with its own position. A single string is a list of one.
    pub(crate) fn list(&self) -> Vec<Field<'a>> {
        let one = |(index, value): (usize, &'a toml::Spanned<DeValue<'a>>)| Field {
            source: self.source,
            path: format!("{}[{index}]", self.path),
            span: value.span(),
            value: value.get_ref(),
        };
        match self.value.as_array() {
            Some(array) => array.iter().enumerate().map(one).collect(),
            None if self.value.is_str() => vec![self.clone()],
            None => {
                self.wrong("a list of strings", "write it as [\"…\", \"…\"]");
                Vec::new()
            }
        }
    }

    pub(crate) fn section(&self) -> Option<Section<'a>> {
        let table = self.value.as_table();
        if table.is_none() {
            self.wrong("a table", format!("write it as `[{}]` with its fields below", self.path));
        }
        Some(Section {
            source: self.source,
            path: self.path.clone(),
            span: self.span.clone(),
            table: Some(table?),
            known: RefCell::default(),
        })
    }

    pub(super) fn sections(&self) -> Vec<Section<'a>> {
        if self.value.as_array().is_none() {
            self.wrong("a list of tables", format!("write each as `[[{}]]` with double brackets", self.path));
            return Vec::new();
        }
        self.list().iter().filter_map(Field::section).collect()
    }

    /// Describes the value without revealing a possible secret.
    fn describe(&self) -> String {
        match self.value {
            DeValue::String(text) if text.trim().is_empty() => "an empty string".to_owned(),
            DeValue::String(text) => {
                let last = self.path.rsplit('.').next().unwrap_or_default();
                if secret_patterns::may_be_secret(text) || secret_patterns::is_secret_key(last) || text.len() > 80 {
                    format!("a string of {} characters", text.chars().count())
                } else {
                    format!("{text:?}")
                }
            }
            DeValue::Integer(number) => format!("the number {number}"),
            DeValue::Float(number) => format!("the number {number}"),
            DeValue::Boolean(value) => format!("`{value}`"),
            DeValue::Datetime(time) => format!("the date {time}"),
            DeValue::Array(_) => "a list".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        }
    }
}
