//! Free text: masked as a whole. Only what has a form of its own becomes what it becomes elsewhere, so that a number in a
//! comment is still the number of the record; every other letter is drawn from the text and its place.

use crate::Masker;
use crate::phone::is_phone;
use crate::word::{letter, like};

/// What ends a word in a text.
const ENDS: &str = " \t\r\n,;\"<>[]{}";
/// What may follow a value without being part of it.
const AFTER: &str = ".,:;!?)]}'\"";

impl Masker {
    /// A text with the same lines, spaces and punctuation.
    pub(crate) fn whole(&self, text: &str) -> String {
        self.count("text");
        let mut draw = self.key.draw("text", text);
        let mut vowel = false;
        let mut masked = String::new();
        let mut rest = text;
        while !rest.is_empty() {
            let begins_word = masked.chars().next_back().is_none_or(|last| !last.is_alphanumeric());
            if let Some((phone, after)) = phone_at(rest).filter(|_| begins_word) {
                masked.push_str(&self.by_form(phone).unwrap_or_else(|| self.phone(phone)));
                rest = after;
                continue;
            }
            let end = rest.find(|letter| ENDS.contains(letter)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            let value = word.trim_matches(|letter| AFTER.contains(letter) || letter == '(');
            if let Some(known) = Some(value).filter(|value| value.len() > 4).and_then(|value| self.by_form(value)) {
                masked.push_str(&word.replacen(value, &known, 1));
                rest = after;
                continue;
            }
            let end = if word.is_empty() { rest.chars().next().map_or(rest.len(), char::len_utf8) } else { end };
            for old in rest[..end].chars() {
                masked.push(match old {
                    old if old.is_alphabetic() => like(old, letter(&mut draw, &mut vowel)),
                    old if old.is_numeric() => draw.digit(true),
                    old => old,
                });
            }
            rest = &rest[end..];
        }
        masked
    }
}

/// A telephone number at the start of a text, and the text after it.
fn phone_at(text: &str) -> Option<(&str, &str)> {
    text.chars().next().filter(|first| first.is_ascii_digit() || "+(".contains(*first))?;
    let end = text.find(|letter: char| !(letter.is_ascii_digit() || "+-./() \u{a0}".contains(letter)));
    let run = &text[..end.unwrap_or(text.len())];
    let run = run.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    (is_phone(run) && !text[run.len()..].starts_with(char::is_alphanumeric)).then(|| text.split_at(run.len()))
}
