//! What is wrong with a config or settings file: where, what was found, what was expected and what to do. Renders
//! itself for people and for programs, and never shows a value that may be a secret.

use std::fmt;

use serde::Serialize;

/// Where in a file something stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The file, as the caller named it.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// The field, for example `rooftops.main-street.time-zone`; empty for the whole file.
    pub field: String,
    /// The line's text, with whatever may be a secret masked.
    pub excerpt: String,
    /// How many characters to mark from `column` on.
    pub width: usize,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// What stands there.
    pub found: String,
    /// What should stand there.
    pub expected: String,
    /// What to do about it.
    pub advice: String,
}

/// Text first, one block for each problem, in the order of the file.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { file, line, column, field, excerpt, width } = &self.place;
        let field = if field.is_empty() { "the file" } else { field };
        writeln!(f, "{file}:{line}:{column}: {field}: found {}, expected {}", self.found, self.expected)?;
        if !excerpt.is_empty() {
            let gutter = line.to_string();
            let pad = " ".repeat(gutter.len());
            writeln!(f, " {pad} |")?;
            writeln!(f, " {gutter} | {excerpt}")?;
            writeln!(f, " {pad} | {}{}", " ".repeat(column.saturating_sub(1)), "^".repeat((*width).max(1)))?;
        }
        write!(f, "   do: {}", self.advice)
    }
}

/// Everything that is wrong with a file. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigErrors {
    /// The problems, in the order of the file.
    pub problems: Vec<Problem>,
}

impl std::error::Error for ConfigErrors {}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "{problem}\n")?;
        }
        let count = self.problems.len();
        write!(f, "{count} problem{} found; nothing was changed", if count == 1 { "" } else { "s" })
    }
}

impl ConfigErrors {
    /// Sorts by place, because checks across sections report late. What the file's own text adds is cut and made safe to
    /// show: it goes to terminals and logs.
    #[must_use]
    pub fn new(mut problems: Vec<Problem>) -> Self {
        for problem in &mut problems {
            let Problem { place, found, expected, advice } = problem;
            for text in [&mut place.field, found, expected, advice] {
                *text = printable(text);
            }
            // One for one, so that the mark stays under its column.
            place.excerpt = place.excerpt.replace('\t', " ").replace(char::is_control, "\u{fffd}");
        }
        problems.sort_by_key(|problem| (problem.place.line, problem.place.column));
        problems.dedup();
        Self { problems }
    }

    /// One problem with a whole file, for example that it cannot be read.
    #[must_use]
    pub fn whole_file(file: &str, found: String, expected: &str, advice: &str) -> Self {
        let place = Place { file: file.to_owned(), line: 1, column: 1, ..Place::default() };
        Self { problems: vec![Problem { place, found, expected: expected.to_owned(), advice: advice.to_owned() }] }
    }

    /// For `handoff check --json`: `{"problems": [{file, line, column, field, excerpt, width, found, expected, advice}]}`.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// Longest part of a problem. The longest list of fields has 600 bytes.
const PART_BYTES_MAX: usize = 1_000;

/// A text on one line and of bounded length, control characters as escapes.
fn printable(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        if shown.len() >= PART_BYTES_MAX {
            shown.push('…');
            break;
        }
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// "did you mean `x`?" for the nearest of the words, if any is near enough.
#[must_use]
pub(super) fn nearest<'w>(word: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    words
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).clamp(1, 4))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
