//! The JSON Schema of a connector's config: which schemas a manifest may carry, and where a config violates one. The
//! schema comes from an untrusted publisher, so it is limited before it is used: it refers to nothing outside itself,
//! contains no reference cycle, and stays small when all references are expanded.

mod keywords;

use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::LocationSegment;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

use super::rules::printable;

/// The only dialect: JSON Schema 2020-12, <https://json-schema.org/draft/2020-12>.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Nesting depth of objects and arrays, references included.
const DEPTH_MAX: usize = 64;
/// Values with every reference expanded; limits the cost of checking a config.
const VALUES_MAX: usize = 8_192;
/// Patterns with every reference expanded, and the size of one compiled pattern: together they limit memory.
const PATTERNS_MAX: usize = 64;
const PATTERN_BYTES_MAX: usize = 256 << 10;
/// Maximum number of violations that one check reports.
const VIOLATIONS_MAX: usize = 20;
/// Maximum length of one violation's text, which quotes the schema.
const DETAIL_BYTES_MAX: usize = 300;
/// Keywords that refer outside the schema or change what a reference means.
const FORBIDDEN: [&str; 7] =
    ["$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveAnchor", "$recursiveRef", "$vocabulary"];

/// The JSON Schema (2020-12) for the config of this version.
///
/// At most 16 KiB as JSON. `$ref` may only be `#/$defs/NAME`, without cycles; no other reference keyword is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConfigSchema(Value);

/// One violation of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaViolation {
    /// The field below `[config]`, such as `escalations[0].after-minutes`; empty for the config as a whole.
    pub field: String,
    /// What is wrong and what was expected. Never repeats a value of the config, which may be confidential.
    pub detail: String,
}

impl ConfigSchema {
    /// Size limit as JSON, in bytes.
    pub const BYTES_MAX: usize = 16 * 1024;

    /// The schema.
    #[must_use]
    pub fn as_json(&self) -> &Value {
        &self.0
    }

    /// Where a config (a JSON object) violates the schema; empty if it is valid. At most 20 violations.
    #[must_use]
    pub fn violations(&self, config: &Value) -> Vec<SchemaViolation> {
        let validator = match validator(&self.0) {
            Ok(validator) => validator,
            // The schema was checked when the manifest was read, so this is a bug in that check.
            Err(detail) => return vec![SchemaViolation { field: String::new(), detail }],
        };
        let mut violations: Vec<SchemaViolation> =
            validator.iter_errors(config).flat_map(|error| describe(&error)).collect();
        violations.sort_by(|a, b| a.field.cmp(&b.field));
        violations.dedup();
        violations.truncate(VIOLATIONS_MAX);
        violations
    }

    /// Whether a config has a text at a path such as `targets.url`, as far as `properties`, `items` and `$ref` say.
    pub(super) fn has_text(&self, path: &str) -> bool {
        let mut schema = self.resolved(&self.0);
        for name in path.split('.') {
            let Some(property) = schema.get("properties").and_then(|properties| properties.get(name)) else {
                return false;
            };
            schema = self.resolved(property);
        }
        schema.get("type").is_some_and(|kind| {
            kind == "string" || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "string"))
        })
    }

    /// Follows references and the items of lists. References have no cycles.
    fn resolved<'s>(&'s self, mut schema: &'s Value) -> &'s Value {
        for _ in 0..DEPTH_MAX {
            let reference = schema.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix("#/$defs/"));
            let next = match reference {
                Some(name) => self.0.get("$defs").and_then(|definitions| definitions.get(name)),
                None => schema.get("items"),
            };
            let Some(next) = next else { break };
            schema = next;
        }
        schema
    }

    /// In `connector.toml`, the name of the file that holds the schema.
    pub(super) fn file(&self) -> Option<&str> {
        self.0.as_str()
    }

    /// Replaces the file name with the schema.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if text.len() > Self::BYTES_MAX * 4 {
            return Err(format!("the schema file has {} bytes: {}", text.len(), too_large()));
        }
        serde_json::from_str(text).map(Self).map_err(|error| format!("the schema file is not valid JSON: {error}"))
    }

    /// Checks the limits and that this is a valid schema.
    pub(super) fn check(&self) -> Result<(), String> {
        let Some(root) = self.0.as_object() else {
            return Err("must be a JSON Schema: a table, or the name of a JSON file beside connector.toml".to_owned());
        };
        let text = self.0.to_string();
        if text.len() > Self::BYTES_MAX {
            return Err(format!("the schema has {} bytes as JSON: {}", text.len(), too_large()));
        }
        // What is read back from the section must equal what was written.
        if serde_json::from_str::<Value>(&text).ok().as_ref() != Some(&self.0) {
            return Err("a number in the schema has more digits than a 64-bit float can hold: round it".to_owned());
        }
        match root.get("$schema").map(Value::as_str) {
            None => {}
            Some(Some(dialect)) if dialect.trim_end_matches('#') == DIALECT => {}
            Some(_) => return Err(format!("`$schema` must be `{DIALECT}` or absent")),
        }
        Sizes::of(root)?;
        validator(&self.0).map(drop)
    }
}

impl ConfigSchema {
    /// Checks that every keyword is one of JSON Schema: a misspelt one would allow everything. Call it after `check`.
    pub(super) fn check_keywords(&self) -> Result<(), String> {
        keywords::check(&self.0, "")
    }
}

fn too_large() -> String {
    format!("at most {} are allowed; remove examples and long texts", ConfigSchema::BYTES_MAX)
}

fn validator(schema: &Value) -> Result<Validator, String> {
    jsonschema::draft202012::options()
        .offline()
        // A regex engine without backtracking: matching takes linear time, even for hostile patterns.
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES_MAX))
        .build(schema)
        .map_err(|error| {
            let location = path(error.instance_path().iter());
            let location = if location.is_empty() { String::new() } else { format!(" at `{location}`") };
            printable(&format!("is not a valid JSON Schema{location}: {error}"), DETAIL_BYTES_MAX)
        })
}

/// Describes the error. A missing or unknown property is reported at its own path, not at the object around it.
fn describe(error: &ValidationError<'_>) -> Vec<SchemaViolation> {
    let at = |names: &[&str], detail: &str| {
        let mut field = path(error.instance_path().iter());
        for name in names {
            push(&mut field, name);
        }
        SchemaViolation { field: printable(&field, DETAIL_BYTES_MAX), detail: printable(detail, DETAIL_BYTES_MAX) }
    };
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            vec![at(&[property.as_str().unwrap_or_default()], "is missing; this version requires it")]
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let unknown = "is unknown to this version: remove it or correct its spelling";
            unexpected.iter().map(|name| at(&[name], unknown)).collect()
        }
        _ => vec![at(&[], &error.masked_with("the value").to_string())],
    }
}

/// A path in the notation of people: `routes[2].queue`.
fn path<'a>(segments: impl Iterator<Item = LocationSegment<'a>>) -> String {
    let mut text = String::new();
    for segment in segments {
        match segment {
            LocationSegment::Property(name) => push(&mut text, &name),
            LocationSegment::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

fn push(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(name);
}

/// The size of a part of a schema with its references expanded.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    values: usize,
    depth: usize,
    patterns: usize,
}

impl Size {
    const ONE: Self = Self { values: 1, depth: 1, patterns: 0 };

    /// Adds a nested part.
    fn with(self, part: Self) -> Result<Self, String> {
        let size = Self {
            values: self.values.saturating_add(part.values),
            depth: self.depth.max(part.depth + 1),
            patterns: self.patterns.saturating_add(part.patterns),
        };
        if size.values > VALUES_MAX {
            return Err(format!("the schema has more than {VALUES_MAX} values with its `$ref`s expanded"));
        }
        if size.patterns > PATTERNS_MAX {
            return Err(format!("the schema has more than {PATTERNS_MAX} patterns with its `$ref`s expanded"));
        }
        Ok(size)
    }
}

/// Computes expanded sizes without expanding: a few lines can expand beyond any machine's memory.
struct Sizes<'a> {
    defs: Option<&'a Map<String, Value>>,
    known: BTreeMap<&'a str, Size>,
    open: BTreeSet<&'a str>,
}

impl<'a> Sizes<'a> {
    fn of(root: &'a Map<String, Value>) -> Result<(), String> {
        let defs = root.get("$defs").and_then(Value::as_object);
        let mut sizes = Self { defs, known: BTreeMap::new(), open: BTreeSet::new() };
        // Definitions count where they are used, and are checked even if they are unused.
        for name in defs.into_iter().flat_map(Map::keys) {
            sizes.definition(name, 0)?;
        }
        let members = root.iter().filter(|(key, _)| key.as_str() != "$defs");
        sizes.members(members, 0).map(drop)
    }

    fn members(
        &mut self,
        members: impl Iterator<Item = (&'a String, &'a Value)>,
        level: usize,
    ) -> Result<Size, String> {
        let mut sum = Size::ONE;
        for (key, value) in members {
            if FORBIDDEN.contains(&key.as_str()) {
                return Err(format!("`{key}` is not allowed in a config schema: refer to `$defs` with `$ref`"));
            }
            let mut size = if key == "$ref" { self.reference(value, level)? } else { self.value(value, level + 1)? };
            size.patterns += match key.as_str() {
                "pattern" => 1,
                "patternProperties" => value.as_object().map_or(0, Map::len),
                _ => 0,
            };
            sum = sum.with(size)?;
        }
        Ok(sum)
    }

    fn value(&mut self, value: &'a Value, level: usize) -> Result<Size, String> {
        if level > DEPTH_MAX {
            return Err(too_deep());
        }
        match value {
            Value::Object(object) => self.members(object.iter(), level),
            Value::Array(items) => items.iter().try_fold(Size::ONE, |sum, item| sum.with(self.value(item, level + 1)?)),
            _ => Ok(Size::ONE),
        }
    }

    fn reference(&mut self, target: &'a Value, level: usize) -> Result<Size, String> {
        let name = target.as_str().and_then(|text| text.strip_prefix("#/$defs/"));
        match name.filter(|name| !name.contains(['/', '~', '%'])) {
            Some(name) => self.definition(name, level + 1),
            None => Err("`$ref` must be `#/$defs/NAME`: a config schema may refer to nothing else".to_owned()),
        }
    }

    fn definition(&mut self, name: &'a str, level: usize) -> Result<Size, String> {
        let shown = printable(name, 80);
        let size = match self.known.get(name) {
            Some(size) => *size,
            None => {
                let Some(value) = self.defs.and_then(|defs| defs.get(name)) else {
                    return Err(format!("`$ref` names `{shown}`, which `$defs` does not contain"));
                };
                if !self.open.insert(name) {
                    return Err(format!("`$defs` refer to `{shown}` in a cycle: write out the levels that you need"));
                }
                let size = self.value(value, level)?;
                self.open.remove(name);
                self.known.insert(name, size);
                size
            }
        };
        if level + size.depth > DEPTH_MAX { Err(too_deep()) } else { Ok(size) }
    }
}

fn too_deep() -> String {
    format!("the schema has more than {DEPTH_MAX} nested objects and arrays, with its `$ref`s expanded: flatten it")
}

#[cfg(test)]
mod tests;
