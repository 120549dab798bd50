//! A problem in a config or settings file: where it is, what was found, what was expected and what to do. It renders
//! for people and for programs, and never shows a value that may be a secret.

use std::fmt;

use serde::Serialize;

/// A position in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// The file, as the caller named it.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// The field, for example `rooftops.main-street.time-zone`; empty for the whole file.
    pub field: String,
    /// The text of the line, with possible secrets masked.
    pub excerpt: String,
    /// Number of characters to mark from `column`.
    pub width: usize,
}

/// A problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Position.
    #[serde(flatten)]
    pub location: Location,
    /// What was found.
    pub found: String,
    /// What was expected.
    pub expected: String,
    /// What to do.
    pub advice: String,
}

/// As text, one block per problem, in the order of the file.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Location { file, line, column, field, excerpt, width } = &self.location;
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

/// All problems of a file. Never empty.
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
    /// Sorts by position, because checks across sections report late. Quoted text of the file is shortened and escaped:
    /// it is written to terminals and logs.
    #[must_use]
    pub fn new(mut problems: Vec<Problem>) -> Self {
        for problem in &mut problems {
            let Problem { location, found, expected, advice } = problem;
            for text in [&mut location.field, found, expected, advice] {
                *text = printable(text);
            }
            // Replaced one for one, so that the mark stays under its column.
            location.excerpt = location.excerpt.replace('\t', " ").replace(char::is_control, "\u{fffd}");
        }
        problems.sort_by_key(|problem| (problem.location.line, problem.location.column));
        problems.dedup();
        Self { problems }
    }

    /// A problem with a whole file, for example that it cannot be read.
    #[must_use]
    pub fn whole_file(file: &str, found: String, expected: &str, advice: &str) -> Self {
        let location = Location { file: file.to_owned(), line: 1, column: 1, ..Location::default() };
        Self { problems: vec![Problem { location, found, expected: expected.to_owned(), advice: advice.to_owned() }] }
    }

    /// For `handoff check --json`: `{"problems": [{file, line, column, field, excerpt, width, found, expected, advice}]}`.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// Longest part of a problem. The longest list of fields has 600 bytes.
const PART_BYTES_MAX: usize = 1_000;

/// A single line of limited length, control characters escaped.
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

/// "did you mean `x`?" for the most similar word, if one is similar enough.
#[must_use]
pub(super) fn nearest<'w>(word: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    words
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).clamp(1, 4))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
