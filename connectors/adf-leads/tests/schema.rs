//! The published schema of a lead describes every field that the connector emits, and only those.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The schema. With `closed`, an object may have no other fields than those that it names.
fn schema(closed: bool) -> Value {
    let text = fs::read_to_string(folder().join("lead.schema.json")).expect("the schema");
    let mut schema: Value = serde_json::from_str(&text).expect("JSON");
    if closed {
        close(&mut schema);
    }
    schema
}

fn close(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(close);
            if fields.get("type").is_some_and(|kind| kind == "object") {
                fields.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// All leads of the cases.
fn leads() -> Vec<(String, Value)> {
    let cases = fs::read_dir(folder().join("tests/cases")).expect("the cases").flatten();
    let leads = cases.filter_map(|case| {
        let text = fs::read_to_string(case.path().join("expected.json")).ok()?;
        let leads: Vec<Value> = serde_json::from_str(&text).expect("JSON");
        Some((case.file_name().to_string_lossy().into_owned(), leads))
    });
    leads.flat_map(|(case, leads)| leads.into_iter().map(move |lead| (case.clone(), lead))).collect()
}

#[test]
fn every_lead_of_the_cases_fits_the_published_schema() {
    let validator = jsonschema::draft202012::new(&schema(true)).expect("a schema");
    let all = leads();
    assert!(all.len() >= 60, "only {} leads", all.len());
    let faults = all.iter().flat_map(|(case, lead)| {
        validator.iter_errors(lead).map(move |error| format!("{case}: {} {error}", error.instance_path()))
    });
    let faults: Vec<String> = faults.collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_schema_names_no_field_that_no_lead_has() {
    fn named(schema: &Value, found: &mut BTreeSet<String>) {
        match schema {
            Value::Object(fields) => {
                if let Some(Value::Object(properties)) = fields.get("properties") {
                    found.extend(properties.keys().cloned());
                }
                fields.values().for_each(|value| named(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| named(value, found)),
            _ => {}
        }
    }
    fn given(lead: &Value, found: &mut BTreeSet<String>) {
        match lead {
            Value::Object(fields) => {
                found.extend(fields.keys().cloned());
                fields.values().for_each(|value| given(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| given(value, found)),
            _ => {}
        }
    }
    let (mut in_schema, mut in_leads) = (BTreeSet::new(), BTreeSet::new());
    named(&schema(false), &mut in_schema);
    leads().iter().for_each(|(_, lead)| given(lead, &mut in_leads));
    let unknown: Vec<_> = in_schema.difference(&in_leads).collect();
    assert!(unknown.is_empty(), "no case has {unknown:?}: add one, or correct the name");
}

#[test]
fn a_lead_with_a_wrong_field_does_not_fit() {
    let validator = jsonschema::draft202012::new(&schema(false)).expect("a schema");
    let (_, good) = leads().swap_remove(0);
    assert!(validator.is_valid(&good));
    for (field, value) in
        [("leadId", Value::from("7")), ("revision", 0.into()), ("status", "old".into()), ("requestedAt", "soon".into())]
    {
        let mut bad = good.clone();
        bad[field] = value;
        assert!(!validator.is_valid(&bad), "{field}");
    }
}
