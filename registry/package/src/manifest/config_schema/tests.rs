//! Which schemas a manifest may carry, and the messages for a config that violates one.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;
use serde_json::json;

fn schema(value: Value) -> ConfigSchema {
    let schema = ConfigSchema(value);
    schema.check().unwrap();
    schema
}

fn lines(schema: &ConfigSchema, config: Value) -> Vec<String> {
    schema
        .violations(&config)
        .into_iter()
        .map(|violation| format!("{}: {}", violation.field, violation.detail))
        .collect()
}

#[test]
fn a_violation_names_its_field_and_no_value() {
    let schema = schema(json!({
        "$schema": DIALECT,
        "type": "object",
        "required": ["crm-url"],
        "additionalProperties": false,
        "properties": {
            "crm-url": {"type": "string", "pattern": "^https://"},
            "escalations": {"type": "array", "items": {"$ref": "#/$defs/escalation"}},
        },
        "$defs": {"escalation": {
            "type": "object", "required": ["to"],
            "properties": {"to": {"type": "string"}, "after-minutes": {"type": "integer", "minimum": 1}},
        }},
    }));
    assert!(schema.violations(&json!({"crm-url": "https://crm", "escalations": [{"to": "lead"}]})).is_empty());
    let config = json!({"crm": "x", "escalations": [{"to": "a", "after-minutes": 0}, {"after-minutes": "hunter2"}]});
    assert_eq!(
        lines(&schema, config),
        [
            "crm: is unknown to this version: remove it or correct its spelling",
            "crm-url: is missing; this version requires it",
            "escalations[0].after-minutes: the value is less than the minimum of 1",
            "escalations[1].after-minutes: the value is not of type \"integer\"",
            "escalations[1].to: is missing; this version requires it",
        ],
    );
    let told = lines(&schema, json!({"crm-url": "ftp://user:hunter2@crm"}));
    assert_eq!(told, ["crm-url: the value does not match \"^https://\""]);
}

#[test]
fn schemas_with_outside_or_cyclic_references_are_refused() {
    for (value, expected) in [
        (json!(true), "must be a JSON Schema"),
        (json!({"$schema": "http://json-schema.org/draft-07/schema#"}), "`$schema` must be `https://json-schema.org"),
        (json!({"$ref": "https://example.com/schema.json"}), "`$ref` must be `#/$defs/NAME`"),
        (json!({"$ref": "file:///etc/passwd"}), "`$ref` must be `#/$defs/NAME`"),
        (json!({"$ref": "#"}), "`$ref` must be `#/$defs/NAME`"),
        (json!({"$ref": "#/$defs/a"}), "does not contain"),
        (json!({"$id": "https://example.com/a"}), "`$id` is not allowed"),
        (json!({"properties": {"a": {"$dynamicRef": "#x"}}}), "`$dynamicRef` is not allowed"),
        (json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"items": {"$ref": "#/$defs/a"}}}}), "in a cycle"),
        (json!({"type": "nothing"}), "is not a valid JSON Schema at `type`"),
        (json!({"properties": {"a": {"pattern": "("}}}), "is not a valid JSON Schema"),
        (json!({"properties": {"a": {"pattern": "((a{200}){200}){200}"}}}), "is not a valid JSON Schema"),
        (json!({"description": "x".repeat(ConfigSchema::BYTES_MAX)}), "at most 16384 are allowed"),
    ] {
        let error = ConfigSchema(value.clone()).check().unwrap_err();
        assert!(error.contains(expected), "{value}: {error}");
    }
}

#[test]
fn a_small_schema_cannot_expand_beyond_the_limits() {
    // Each definition refers to the next one twice: expanded, there would be a billion.
    let mut defs = Map::new();
    for level in 0..30 {
        let next = json!({"$ref": format!("#/$defs/d{}", level + 1)});
        defs.insert(format!("d{level}"), json!({"allOf": [next, next]}));
    }
    defs.insert("d30".to_owned(), json!({"type": "string"}));
    let error = ConfigSchema(json!({"$ref": "#/$defs/d0", "$defs": defs})).check().unwrap_err();
    assert!(error.contains("more than"), "{error}");

    let mut chain: Map<String, Value> =
        (0..300).map(|link| (format!("c{link}"), json!({"$ref": format!("#/$defs/c{}", link + 1)}))).collect();
    chain.insert("c300".to_owned(), json!({}));
    let error = ConfigSchema(json!({"$ref": "#/$defs/c0", "$defs": chain})).check().unwrap_err();
    assert!(error.contains("nested objects"), "{error}");

    let many: Map<String, Value> = (0..65).map(|name| (format!("p{name}"), json!({"pattern": "a{1000}"}))).collect();
    assert!(ConfigSchema(json!({"properties": many})).check().unwrap_err().contains("more than 64 patterns"));

    let deep = (0..100).fold(json!({}), |inner, _| json!({"not": inner}));
    assert!(ConfigSchema(deep).check().unwrap_err().contains("nested objects"));
}

#[test]
fn a_pattern_takes_linear_time_on_hostile_text() {
    let schema = schema(json!({"properties": {"a": {"pattern": "^(a+)+$"}}}));
    let text = "a".repeat(50_000) + "!";
    assert_eq!(schema.violations(&json!({"a": text})).len(), 1);
}

#[test]
fn a_misspelt_keyword_is_an_error_with_the_right_one() {
    for (value, expected) in [
        (
            json!({"properties": {"age": {"type": "integer", "minimun": 1}}}),
            "`minimun` at `/properties/age/minimun` is not a keyword of JSON Schema: did you mean `minimum`?",
        ),
        (
            json!({"$defs": {"a": {"anyOf": [{"requires": ["b"]}]}}}),
            "`requires` at `/$defs/a/anyOf/requires` is not a keyword of JSON Schema: did you mean `required`?",
        ),
        (
            json!({"secret": true}),
            "`secret` at `/secret` is not a keyword of JSON Schema: a keyword of your own begins with `x-`",
        ),
    ] {
        assert_eq!(ConfigSchema(value).check_keywords(), Err(expected.to_owned()));
    }
    let good = json!({
        "x-unit": "cents", "if": {"properties": {"minimun": {"const": 1, "default": {"minimun": 1}}}}, "items": false,
        "patternProperties": {"^a": {"enum": [{"typ": 1}]}},
    });
    assert_eq!(ConfigSchema(good).check_keywords(), Ok(()));
}
