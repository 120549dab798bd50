//! The JSON Schema of a connector's config: which schemas a manifest may carry, and where a config does not fit one. The
//! schema comes from a publisher whom nobody trusts yet, so it is bounded before anything works with it: it names nothing
//! outside itself, never refers to itself, and is small even with everything written out that it refers to.

use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::LocationSegment;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

use super::rules::printable;

/// The only dialect: JSON Schema 2020-12, <https://json-schema.org/draft/2020-12>.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Tables and lists inside each other, over references.
const DEPTH_MAX: usize = 64;
/// Values with every reference written out: bounds what one check of a config costs.
const VALUES_MAX: usize = 8_192;
/// Patterns, with every reference written out, and one compiled pattern: together what they may take of memory.
const PATTERNS_MAX: usize = 64;
const PATTERN_BYTES_MAX: usize = 256 << 10;
/// Misfits that are told at once.
const MISFITS_MAX: usize = 20;
/// One misfit's text: the schema's own words stand in it.
const DETAIL_BYTES_MAX: usize = 300;
/// Words that reach outside, or bend what a reference means.
const FORBIDDEN: [&str; 7] =
    ["$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveAnchor", "$recursiveRef", "$vocabulary"];

/// The JSON Schema (2020-12) that configs of this version fit.
///
/// At most 16 KiB as JSON. `$ref` only to `#/$defs/NAME`, without circles; no other word that refers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConfigSchema(Value);

/// One place where a config does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The field below `[config]`, such as `escalations[0].after-minutes`; empty for the config as a whole.
    pub field: String,
    /// What is wrong and what was expected. Repeats no value of the config: it may be nobody's business.
    pub detail: String,
}

impl ConfigSchema {
    /// Bytes as JSON.
    pub const BYTES_MAX: usize = 16 * 1024;

    /// The schema.
    #[must_use]
    pub fn as_json(&self) -> &Value {
        &self.0
    }

    /// Where a config (a JSON object) does not fit; empty if it fits. At most 20.
    #[must_use]
    pub fn misfits(&self, config: &Value) -> Vec<Misfit> {
        let validator = match validator(&self.0) {
            Ok(validator) => validator,
            // Checked when the manifest was read: only a mistake here leads to this.
            Err(detail) => return vec![Misfit { field: String::new(), detail }],
        };
        let mut misfits: Vec<Misfit> = validator.iter_errors(config).flat_map(|error| told(&error)).collect();
        misfits.sort_by(|a, b| a.field.cmp(&b.field));
        misfits.dedup();
        misfits.truncate(MISFITS_MAX);
        misfits
    }

    /// In the source form, the file beside `connector.toml` in which the schema stands.
    pub(super) fn file(&self) -> Option<&str> {
        self.0.as_str()
    }

    /// Takes the place of the file's name.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if text.len() > Self::BYTES_MAX * 4 {
            return Err(format!("the schema's file has {} bytes: {}", text.len(), too_large()));
        }
        serde_json::from_str(text).map(Self).map_err(|error| format!("the schema's file is no JSON: {error}"))
    }

    /// Whether it keeps the bounds and is a schema at all.
    pub(super) fn check(&self) -> Result<(), String> {
        let Some(root) = self.0.as_object() else {
            return Err("must be a JSON Schema: a table, or the name of a JSON file beside connector.toml".to_owned());
        };
        let text = self.0.to_string();
        if text.len() > Self::BYTES_MAX {
            return Err(format!("the schema has {} bytes as JSON: {}", text.len(), too_large()));
        }
        // Whoever reads the section gets what was written.
        if serde_json::from_str::<Value>(&text).ok().as_ref() != Some(&self.0) {
            return Err("a number in the schema has more digits than a computer's float holds: round it".to_owned());
        }
        match root.get("$schema").map(Value::as_str) {
            None => {}
            Some(Some(dialect)) if dialect.trim_end_matches('#') == DIALECT => {}
            Some(_) => return Err(format!("`$schema` must be `{DIALECT}`, or left out")),
        }
        Sizes::of(root)?;
        validator(&self.0).map(drop)
    }
}

fn too_large() -> String {
    format!("at most {} are allowed; leave out examples and long texts", ConfigSchema::BYTES_MAX)
}

fn validator(schema: &Value) -> Result<Validator, String> {
    jsonschema::draft202012::options()
        .offline()
        // The engine without backtracking: a pattern takes time in proportion to the text, whoever wrote it.
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES_MAX))
        .build(schema)
        .map_err(|error| {
            let place = path(error.instance_path().iter());
            let place = if place.is_empty() { String::new() } else { format!(" at `{place}`") };
            printable(&format!("is no usable JSON Schema{place}: {error}"), DETAIL_BYTES_MAX)
        })
}

/// What is wrong at which field. What is missing and what is too much is told where it belongs, not at the table around it.
fn told(error: &ValidationError<'_>) -> Vec<Misfit> {
    let at = |names: &[&str], detail: &str| {
        let mut field = path(error.instance_path().iter());
        for name in names {
            push(&mut field, name);
        }
        Misfit { field: printable(&field, DETAIL_BYTES_MAX), detail: printable(detail, DETAIL_BYTES_MAX) }
    };
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            vec![at(&[property.as_str().unwrap_or_default()], "is missing, and this version needs it")]
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let unknown = "is not known to this version: leave it out, or correct its spelling";
            unexpected.iter().map(|name| at(&[name], unknown)).collect()
        }
        _ => vec![at(&[], &error.masked_with("the value").to_string())],
    }
}

/// A place as people write it: `routes[2].queue`.
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

/// What a part of a schema comes to with its references written out.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    values: usize,
    depth: usize,
    patterns: usize,
}

impl Size {
    const ONE: Self = Self { values: 1, depth: 1, patterns: 0 };

    /// With a part below it.
    fn with(self, part: Self) -> Result<Self, String> {
        let size = Self {
            values: self.values.saturating_add(part.values),
            depth: self.depth.max(part.depth + 1),
            patterns: self.patterns.saturating_add(part.patterns),
        };
        if size.values > VALUES_MAX {
            return Err(format!("the schema has more than {VALUES_MAX} values once its `$ref`s are written out"));
        }
        if size.patterns > PATTERNS_MAX {
            return Err(format!("the schema has more than {PATTERNS_MAX} patterns once its `$ref`s are written out"));
        }
        Ok(size)
    }
}

/// Writes references out, in numbers only: a few lines can stand for more than any machine holds.
struct Sizes<'a> {
    defs: Option<&'a Map<String, Value>>,
    known: BTreeMap<&'a str, Size>,
    open: BTreeSet<&'a str>,
}

impl<'a> Sizes<'a> {
    fn of(root: &'a Map<String, Value>) -> Result<(), String> {
        let defs = root.get("$defs").and_then(Value::as_object);
        let mut sizes = Self { defs, known: BTreeMap::new(), open: BTreeSet::new() };
        // Definitions count where they are used, and are looked at even if nobody uses them.
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
                return Err(format!(
                    "a config's schema has no `{key}`: it refers to its own `$defs` with `$ref` alone"
                ));
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
            None => Err("`$ref` must be `#/$defs/NAME`: a config's schema refers to nothing else".to_owned()),
        }
    }

    fn definition(&mut self, name: &'a str, level: usize) -> Result<Size, String> {
        let shown = printable(name, 80);
        let size = match self.known.get(name) {
            Some(size) => *size,
            None => {
                let Some(value) = self.defs.and_then(|defs| defs.get(name)) else {
                    return Err(format!("`$ref` names `{shown}`, and `$defs` has no such schema"));
                };
                if !self.open.insert(name) {
                    return Err(format!("`$defs` refer to `{shown}` in a circle: write out how deep it may go"));
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
    format!("the schema has more than {DEPTH_MAX} tables and lists inside each other, over its `$ref`s: flatten it")
}

#[cfg(test)]
mod tests;
