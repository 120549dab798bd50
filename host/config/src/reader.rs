//! Walks a TOML document field by field and collects every problem with its position, instead of stopping at the first.
//! It knows TOML and positions, not the meaning of fields.

mod field;

use std::cell::RefCell;
use std::ops::Range;

pub(super) use field::Field;
use toml::de::{DeTable, DeValue};

use super::problem::{ConfigErrors, Location, Problem, nearest};
use super::secret_patterns;

/// The text of a file and its problems so far.
pub(super) struct Source<'t> {
    file: &'t str,
    text: &'t str,
    problems: RefCell<Vec<Problem>>,
}

impl<'t> Source<'t> {
    pub(super) fn new(file: &'t str, text: &'t str) -> Self {
        Self { file, text, problems: RefCell::default() }
    }

    /// Parses the text and passes the root to `read`, which reports problems; the result counts only if there are none.
    pub(super) fn parse<T>(file: &str, text: &str, read: impl FnOnce(&Section<'_>) -> T) -> Result<T, ConfigErrors> {
        let source = Source::new(file, text);
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let found = format!("text that is not TOML: {}", error.message().replace('\n', " "));
            source.report(
                source.location(&error.span().unwrap_or(0..0), ""),
                found,
                "TOML 1.0".to_owned(),
                "correct the marked position; strings need quotes, dates and numbers do not".to_owned(),
            );
        }
        let section = Section {
            source: &source,
            path: String::new(),
            span: 0..0,
            table: Some(root.get_ref()),
            known: RefCell::default(),
        };
        let value = read(&section);
        let problems = source.problems.into_inner();
        if problems.is_empty() { Ok(value) } else { Err(ConfigErrors::new(problems)) }
    }

    /// Line, column and masked excerpt of a range of bytes.
    pub(super) fn location(&self, span: &Range<usize>, field: &str) -> Location {
        let start = floor(self.text, span.start);
        let end = floor(self.text, span.end.max(start));
        let before = self.text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = self.text.get(line_start..).unwrap_or_default().lines().next().unwrap_or_default();
        // The section's name may reveal what the line does not.
        let guarded = field.split('.').any(secret_patterns::is_secret_key) && line.contains('=');
        let excerpt = if guarded { secret_patterns::hide(line) } else { secret_patterns::mask(line.trim_end()) };
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        let marked = self.text.get(start..end).unwrap_or_default().lines().next().unwrap_or_default().chars().count();
        let width = marked.min(excerpt.chars().count().saturating_sub(column - 1)).max(1);
        Location {
            file: self.file.to_owned(),
            line: before.matches('\n').count() + 1,
            column,
            field: field.to_owned(),
            // A masked or very long line would misplace the mark or flood the screen.
            excerpt: if line.len() > 200 { String::new() } else { excerpt },
            width,
        }
    }

    pub(super) fn report(&self, location: Location, found: String, expected: String, advice: String) {
        self.problems.borrow_mut().push(Problem { location, found, expected, advice });
    }
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// A table of the file; if it is absent, all its fields are absent.
pub(super) struct Section<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) path: String,
    span: Range<usize>,
    table: Option<&'a DeTable<'a>>,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    /// Whether the file has this table.
    pub(super) fn is_present(&self) -> bool {
        self.table.is_some()
    }

    /// An optional field.
    pub(super) fn field(&self, key: &'static str) -> Option<Field<'a>> {
        self.known.borrow_mut().push(key);
        let (key, value) = self.table?.get_key_value(key)?;
        Some(self.make_field(key.get_ref(), value))
    }

    /// A required field.
    pub(super) fn required(&self, key: &'static str, expected: &str, example: &str) -> Option<Field<'a>> {
        let field = self.field(key);
        if field.is_none() {
            let location = self.source.location(&self.span, &self.path_of(key));
            self.source.report(location, "nothing".to_owned(), expected.to_owned(), format!("add `{example}`"));
        }
        field
    }

    /// A sub-table; an absent one reads as empty.
    pub(super) fn section(&self, key: &'static str) -> Section<'a> {
        match self.field(key) {
            Some(field) => field.section().unwrap_or_else(|| self.absent(key)),
            None => self.absent(key),
        }
    }

    /// An array of tables, `[[key]]`; absent reads as empty.
    pub(super) fn sections(&self, key: &'static str) -> Vec<Section<'a>> {
        self.field(key).map(|field| field.sections()).unwrap_or_default()
    }

    /// All fields, for tables whose keys are names that the operator chooses.
    pub(super) fn entries(&self) -> Vec<(&'a str, Field<'a>)> {
        let table = self.table.into_iter().flatten();
        table.map(|(key, value)| (key.get_ref().as_ref(), self.make_field(key.get_ref(), value))).collect()
    }

    /// Reports a problem with the table as a whole.
    pub(super) fn wrong(&self, found: impl Into<String>, expected: impl Into<String>, advice: impl Into<String>) {
        self.source.report(self.location(), found.into(), expected.into(), advice.into());
    }

    pub(super) fn location(&self) -> Location {
        self.source.location(&self.span, &self.path)
    }

    /// Reports every field that was not requested. Called last.
    pub(super) fn finish(&self) {
        let known = self.known.borrow();
        for (key, value) in self.table.into_iter().flatten() {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let location = self.source.location(&key.span(), &self.path_of(name));
            let text = value.get_ref().as_str();
            if secret_patterns::is_secret_key(name) && text.is_some() {
                self.source.report(
                    location,
                    "what looks like a secret in the file itself".to_owned(),
                    "secrets outside the file, referenced by name".to_owned(),
                    "define it in `[secrets.NAME]` as `file = …`, `env = …` or `command = …`, reference NAME, and change \
                     the secret, because files get copied"
                        .to_owned(),
                );
                continue;
            }
            let advice = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "remove it, or choose one of these".to_owned(),
            };
            let mut words: Vec<_> = known.iter().map(|word| format!("`{word}`")).collect();
            words.sort();
            words.dedup();
            self.source.report(
                location,
                format!("the unknown field `{name}`"),
                format!("one of {}", words.join(", ")),
                advice,
            );
        }
    }

    fn absent(&self, key: &'static str) -> Section<'a> {
        Section {
            source: self.source,
            path: self.path_of(key),
            span: self.span.clone(),
            table: None,
            known: RefCell::default(),
        }
    }

    fn make_field(&self, key: &str, value: &'a toml::Spanned<DeValue<'a>>) -> Field<'a> {
        Field { source: self.source, path: self.path_of(key), span: value.span(), value: value.get_ref() }
    }

    fn path_of(&self, key: &str) -> String {
        let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        let key = if bare { key.to_owned() } else { format!("{key:?}") };
        if self.path.is_empty() { key } else { format!("{}.{key}", self.path) }
    }
}
