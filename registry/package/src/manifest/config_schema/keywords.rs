//! The keywords of JSON Schema 2020-12: which ones there are, and where other schemas are inside them. Validates nothing.

use serde_json::{Map, Value};

use crate::manifest::printable;

/// Keywords whose value is a schema.
const SCHEMA: [&str; 11] = [
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// Keywords whose value is a list of schemas.
const SCHEMAS: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords whose value is an object of schemas by name.
const NAMED_SCHEMAS: [&str; 4] = ["$defs", "dependentSchemas", "patternProperties", "properties"];
/// Keywords whose value contains no schema.
const PLAIN: [&str; 33] = [
    "$comment",
    "$ref",
    "$schema",
    "const",
    "contentEncoding",
    "contentMediaType",
    "default",
    "dependentRequired",
    "deprecated",
    "description",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "readOnly",
    "required",
    "title",
    "type",
    "uniqueItems",
    "writeOnly",
];
/// Keywords of other programs begin so.
const OTHER: &str = "x-";

/// Names the first keyword that does not exist. The schema is not deep: `Sizes` was there before.
pub(super) fn check(schema: &Value, place: &str) -> Result<(), String> {
    // `true` and `false` are schemas, too.
    let Some(members) = schema.as_object() else { return Ok(()) };
    for (name, value) in members {
        let place = format!("{place}/{name}");
        let word = name.as_str();
        if SCHEMA.contains(&word) {
            check(value, &place)?;
        } else if SCHEMAS.contains(&word) {
            value.as_array().into_iter().flatten().try_for_each(|schema| check(schema, &place))?;
        } else if NAMED_SCHEMAS.contains(&word) {
            let named = value.as_object().into_iter().flat_map(Map::iter);
            named.into_iter().try_for_each(|(name, schema)| check(schema, &format!("{place}/{name}")))?;
        } else if !PLAIN.contains(&word) && !word.starts_with(OTHER) {
            return Err(unknown(name, &place));
        }
    }
    Ok(())
}

fn unknown(name: &str, place: &str) -> String {
    let all = || SCHEMA.iter().chain(&SCHEMAS).chain(&NAMED_SCHEMAS).chain(&PLAIN);
    let nearest = all().min_by_key(|known| distance(name, known)).filter(|known| distance(name, known) <= 2);
    let advice = match nearest {
        Some(known) => format!("did you mean `{known}`?"),
        None => format!("a keyword of your own begins with `{OTHER}`"),
    };
    printable(&format!("`{name}` at `{place}` is not a keyword of JSON Schema: {advice}"), 400)
}

/// The number of letters to add, remove or replace (Levenshtein). Long names are not compared.
fn distance(one: &str, other: &str) -> usize {
    if one.len() > 64 {
        return usize::MAX;
    }
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut next = vec![index + 1];
        for (column, known) in other.iter().enumerate() {
            let replaced = row.get(column).copied().unwrap_or(0) + usize::from(letter != *known);
            let added = next.last().copied().unwrap_or(0) + 1;
            let removed = row.get(column + 1).copied().unwrap_or(0) + 1;
            next.push(replaced.min(added).min(removed));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
