//! The published schema of a lead names every field of the cases, and only those.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use handoff_event_schemas::{Events, assert_emitted, texts};
use serde_json::{Value, json};

const TYPE: &str = "com.handoff.lead.received.v1";

/// All leads of the cases.
fn leads() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let cases = fs::read_dir(folder).expect("the cases").flatten();
    let texts = cases.filter_map(|case| fs::read_to_string(case.path().join("expected.json")).ok());
    texts.flat_map(|text| serde_json::from_str::<Vec<Value>>(&text).expect("JSON")).collect()
}

#[test]
fn every_lead_of_the_cases_fits_the_published_schema() {
    let all = leads();
    assert!(all.len() >= 60, "only {} leads", all.len());
    for lead in &all {
        let id = lead["leadId"].as_str();
        assert_emitted(TYPE, id, id, lead.to_string().as_bytes());
    }
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
    let schemas = texts().into_iter().filter(|(name, _)| name.starts_with(TYPE) || name.starts_with("contact."));
    for (_, text) in schemas {
        let schema: Value = serde_json::from_str(&text).expect("JSON");
        named(&schema["$defs"], &mut in_schema);
    }
    leads().iter().for_each(|lead| given(lead, &mut in_leads));
    let unknown: Vec<_> = in_schema.difference(&in_leads).collect();
    assert!(unknown.is_empty(), "no case has {unknown:?}: add one, or correct the name");
}

#[test]
fn a_lead_with_a_wrong_field_does_not_fit() {
    let events = Events::published();
    let good = handoff_event_schemas::example(TYPE);
    assert_eq!(events.check(&good), Ok(()));
    for (field, value) in
        [("leadId", json!("7")), ("revision", json!(0)), ("status", json!("old")), ("requestedAt", json!("soon"))]
    {
        let mut bad = good.clone();
        bad["data"][field] = value;
        assert!(events.check(&bad).is_err(), "{field}");
    }
}
