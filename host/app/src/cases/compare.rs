//! Compares what a case expects with what the connector did: the places where the two differ, as JSON. Knows no meaning
//! of a field but that of an absent failure message.

use serde::Serialize;
use serde_json::Value;

use handoff_cases::{ExpectedFile, Outcome};

/// Most differences that are listed. The rest follows once these are fixed.
const DIFFERENCES_MAX: usize = 50;

/// One place where the two differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The place, such as `deliveries[0].commit.emitted[0].data.score`.
    pub path: String,
    /// What the case expects; none: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Value>,
    /// What the connector did; none: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual: Option<Value>,
}

/// All differences, at most 50; empty if there are none.
#[must_use]
pub fn differences(expected: &ExpectedFile, actual: &ExpectedFile) -> Vec<Difference> {
    let mut actual = actual.clone();
    actual.schema.clone_from(&expected.schema);
    for (expected, actual) in expected.deliveries.iter().zip(&mut actual.deliveries) {
        if let (Outcome::Failure(expected), Outcome::Failure(actual)) = (expected, actual)
            && expected.message.is_none()
        {
            actual.message = None;
        }
    }
    if let (Some(expected), Some(actual)) = (&expected.validation, &mut actual.validation)
        && let (Some(expected), Some(actual)) = (&expected.failure, &mut actual.failure)
        && expected.message.is_none()
    {
        actual.message = None;
    }
    let mut found = Vec::new();
    // Plain data always has a JSON form.
    let json = |file: &ExpectedFile| serde_json::to_value(file).unwrap_or_default();
    between("", Some(&json(expected)), Some(&json(&actual)), &mut found);
    found.truncate(DIFFERENCES_MAX);
    found
}

fn between(path: &str, expected: Option<&Value>, actual: Option<&Value>, found: &mut Vec<Difference>) {
    if expected == actual || found.len() > DIFFERENCES_MAX {
        return;
    }
    match (expected, actual) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let added = after.keys().filter(|name| !before.contains_key(*name));
            for name in before.keys().chain(added) {
                between(&field(path, name), before.get(name), after.get(name), found);
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => {
            for index in 0..before.len().max(after.len()) {
                between(&format!("{path}[{index}]"), before.get(index), after.get(index), found);
            }
        }
        _ => found.push(Difference { path: path.to_owned(), expected: expected.cloned(), actual: actual.cloned() }),
    }
}

fn field(path: &str, name: &str) -> String {
    let is_plain =
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_$".contains(letter));
    match (is_plain, path.is_empty()) {
        (true, true) => name.to_owned(),
        (true, false) => format!("{path}.{name}"),
        (false, _) => format!("{path}[{}]", Value::from(name)),
    }
}
