//! The permissions that a version requests and the config that it accepts, from its manifest alone: before
//! installation, so without a settings file or grants. Judges nothing.

use handoff_package::Manifest;
use serde_json::{Map, Value};

use handoff_config::{Asks, HttpAsk};
use handoff_control::installations::install::AskKind;
use handoff_control::registry::{AskedView, ConfigFieldView, OfferView};

/// Maximum number of listed config fields. The whole schema is included anyway.
const FIELDS_MAX: usize = 100;
/// Maximum nesting of listed tables and lists.
const LEVELS_MAX: usize = 6;
/// Maximum length of a field's kind and default in characters.
const WORDS_CHARS_MAX: usize = 120;

/// Summarizes a manifest.
#[must_use]
pub fn offer(manifest: &Manifest) -> OfferView {
    let asks = Asks::from(manifest);
    let schema = manifest.config.as_ref().map(|config| config.schema.as_json().clone());
    OfferView {
        title: manifest.package.title.to_string(),
        summary: manifest.package.summary.to_string(),
        asks: asked(&asks),
        state_schema: manifest.state.schema,
        config: schema.as_ref().map(fields).unwrap_or_default(),
        config_schema: schema,
    }
}

fn asked(asks: &Asks) -> Vec<AskedView> {
    let plain = |kind: AskKind, what: &String| AskedView { kind, what: what.clone(), why: None };
    let mut all: Vec<AskedView> = asks.accepts.iter().map(|what| plain(AskKind::Accept, what)).collect();
    all.extend(asks.emits.iter().map(|what| plain(AskKind::Emit, what)));
    if let Some(kinds) = &asks.hook_verify {
        all.push(plain(AskKind::Hook, &format!("webhooks, proved by {}", kinds.join(" or "))));
    }
    all.extend(asks.http.iter().map(target));
    all
}

fn target(ask: &HttpAsk) -> AskedView {
    let methods: Vec<&str> = ask.methods.iter().map(String::as_str).collect();
    let host = if ask.host == "*" { "a host that you name" } else { ask.host.as_str() };
    let mut what = format!("{}: {} on {host} {}", ask.name, methods.join(", "), ask.paths.join(", "));
    if !ask.look_ups.is_empty() {
        what.push_str(&format!("; looks up {}", ask.look_ups.join(", ")));
    }
    if !ask.auth.is_empty() {
        let profiles: Vec<&str> = ask.auth.iter().map(String::as_str).collect();
        what.push_str(&format!("; with the auth profile {}", profiles.join(" or ")));
    }
    AskedView { kind: AskKind::Http, what, why: Some(ask.why.clone()) }
}

/// The fields of a config, outer before inner, as far as its schema names them.
fn fields(schema: &Value) -> Vec<ConfigFieldView> {
    let mut found = Vec::new();
    below(schema, schema, "", 0, &mut found);
    found
}

fn below(root: &Value, schema: &Value, path: &str, level: usize, found: &mut Vec<ConfigFieldView>) {
    if level >= LEVELS_MAX {
        return;
    }
    let schema = resolved(root, schema);
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if found.len() >= FIELDS_MAX {
            return;
        }
        let field = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let target = resolved(root, property);
        let word = |key: &str| property.get(key).or_else(|| target.get(key));
        found.push(ConfigFieldView {
            field: field.clone(),
            kind: cut(kind(root, target)),
            required: required.contains(&name.as_str()),
            default: word("default").map(|value| cut(value.to_string())),
            about: word("description").and_then(Value::as_str).map(str::to_owned),
        });
        below(root, target, &field, level + 1, found);
    }
    if let Some(items) = schema.get("items") {
        below(root, items, &format!("{path}[]"), level + 1, found);
    }
    if let Some(others) = schema.get("additionalProperties").filter(|others| others.is_object()) {
        below(root, others, &format!("{path}.*"), level + 1, found);
    }
}

/// Resolves the reference of a schema; the schema itself if it has none. A manifest's schema refers only to its own
/// `$defs`, without cycles.
fn resolved<'v>(root: &'v Value, schema: &'v Value) -> &'v Value {
    let mut schema = schema;
    for _ in 0..LEVELS_MAX {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix("#/$defs/"));
        match name.and_then(|name| root.get("$defs")?.get(name)) {
            Some(target) => schema = target,
            None => break,
        }
    }
    schema
}

/// Describes the allowed values in words.
fn kind(root: &Value, schema: &Value) -> String {
    let Some(object) = schema.as_object() else { return "anything".to_owned() };
    if let Some(values) = object.get("enum").and_then(Value::as_array) {
        let values: Vec<String> = values.iter().map(Value::to_string).collect();
        return format!("one of {}", values.join(", "));
    }
    if let Some(value) = object.get("const") {
        return value.to_string();
    }
    let types = match object.get("type") {
        Some(Value::String(name)) => named(name, root, object),
        Some(Value::Array(names)) => {
            let names: Vec<String> =
                names.iter().filter_map(Value::as_str).map(|name| named(name, root, object)).collect();
            names.join(" or ")
        }
        _ => "anything".to_owned(),
    };
    let number = |key: &str| object.get(key).filter(|value| value.is_number());
    let [least, most] = match types.as_str() {
        "integer" | "number" => [number("minimum"), number("maximum")],
        "text" => [number("minLength"), number("maxLength")],
        _ => [number("minItems"), number("maxItems")],
    };
    let unit = if types == "text" { " characters" } else { "" };
    match (least, most) {
        (Some(least), Some(most)) => format!("{types}, {least} to {most}{unit}"),
        (Some(least), None) => format!("{types}, at least {least}{unit}"),
        (None, Some(most)) => format!("{types}, at most {most}{unit}"),
        (None, None) => types,
    }
}

fn named(name: &str, root: &Value, object: &Map<String, Value>) -> String {
    match name {
        "string" => "text".to_owned(),
        "boolean" => "true or false".to_owned(),
        "object" => "table".to_owned(),
        "array" => match object.get("items").map(|items| resolved(root, items)).and_then(|items| items.get("type")) {
            Some(Value::String(of)) if of == "string" => "list of texts".to_owned(),
            Some(Value::String(of)) if of == "object" => "list of tables".to_owned(),
            Some(Value::String(of)) => format!("list of {of}"),
            _ => "list".to_owned(),
        },
        other => other.to_owned(),
    }
}

fn cut(text: String) -> String {
    if text.chars().count() <= WORDS_CHARS_MAX {
        return text;
    }
    text.chars().take(WORDS_CHARS_MAX - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use expect_test::expect;

    use super::*;

    const MANIFEST: &str = r##"
[package]
name = "acme/leads"
version = "1.0.0"
title = "Leads"
summary = "Takes leads."
license = "MIT"
[events]
accepts = ["com.handoff.hook.received.v1"]
emits = ["com.acme.lead.v1"]
[hook]
verify = ["jwt"]
[[http]]
name = "crm"
host = "*"
methods = ["POST"]
paths = ["/leads"]
lookUps = ["/search"]
auth = ["crm"]
why = "Posts leads."
[config.schema]
type = "object"
required = ["crm-url"]
[config.schema.properties]
crm-url = { type = "string", description = "Base of the CRM." }
mode = { enum = ["fast", "safe"], default = "safe" }
levels = { type = "array", maxItems = 10, items = { "$ref" = "#/$defs/level" } }
[config.schema."$defs".level]
type = "object"
required = ["after"]
properties = { after = { type = "integer", minimum = 1, maximum = 60 }, to = { type = ["string", "null"] } }
"##;

    #[test]
    fn an_offer_tells_what_is_asked_for_and_each_field_of_the_config() {
        let offer = offer(&Manifest::from_toml(MANIFEST).unwrap());
        let asks: Vec<&str> = offer.asks.iter().map(|ask| ask.what.as_str()).collect();
        expect![[r#"
            [
                "com.handoff.hook.received.v1",
                "com.acme.lead.v1",
                "webhooks, proved by jwt",
                "crm: POST on a host that you name /leads; looks up /search; with the auth profile crm",
            ]
        "#]]
        .assert_debug_eq(&asks);
        let line = |field: &ConfigFieldView| {
            let ConfigFieldView { field, kind, required, default, about } = field;
            format!(
                "{field} | {kind} | {required} | {} | {}\n",
                default.as_deref().unwrap_or("-"),
                about.as_deref().unwrap_or("-")
            )
        };
        let mut lines: Vec<String> = offer.config.iter().map(line).collect();
        lines.sort();
        expect![[r#"
            crm-url | text | true | - | Base of the CRM.
            levels | list of tables, at most 10 | false | - | -
            levels[].after | integer, 1 to 60 | true | - | -
            levels[].to | text or null | false | - | -
            mode | one of "fast", "safe" | false | "safe" | -
        "#]]
        .assert_eq(&lines.concat());
    }
}
