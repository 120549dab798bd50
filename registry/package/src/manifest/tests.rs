//! The manifest's two forms, and the messages for an invalid one.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;

const GOOD: &str = r#"[package]
name = "handoff/adf-leads"
version = "1.0.0"
title = "Web leads (ADF)"
summary = "Turns lead mails into leads."
license = "Apache-2.0 OR MIT"
[events]
accepts = ["com.handoff.hook.received.v1", "com.handoff.file.dropped.v1"]
emits = ["com.handoff.lead.received.v1"]
[hook]
verify = ["standard-webhooks", "body-hmac", "jwt"]
[[http]]
name = "crm"
host = "*"
methods = ["GET", "POST"]
paths = ["/leads/*"]
look-ups = ["/search"]
auth = ["crm"]
why = "Posts call-list entries."
[state]
schema = 1
"#;

#[test]
fn toml_and_json_forms_hold_the_same_manifest() {
    let manifest = Manifest::from_toml(GOOD).unwrap();
    let json = manifest.to_json();
    assert!(json.contains(r#""lookUps":["/search"]"#), "{json}");
    assert_eq!(Manifest::from_json(json.as_bytes()).unwrap(), manifest);
}

#[test]
fn only_package_and_accepted_events_are_required() {
    let (package, _) = GOOD.split_once("[events]").unwrap();
    let manifest = Manifest::from_toml(&format!("{package}[events]\naccepts = [\"com.a\"]\n")).unwrap();
    assert_eq!((manifest.state.schema, manifest.http.len(), &manifest.hook), (1, 0, &None));
    assert_eq!(Manifest::from_json(manifest.to_json().as_bytes()).unwrap().state.schema, 1);
}

#[test]
fn a_config_schema_is_inline_or_in_a_file_beside_the_manifest() {
    let inline = format!("{GOOD}[config.schema]\ntype = \"object\"\nrequired = [\"crm-url\"]\n");
    let inline = Manifest::from_toml(&inline).unwrap();
    let named = format!("{GOOD}[config]\nschema = \"config.schema.json\"\n");
    let file = |name: &str| {
        assert_eq!(name, "config.schema.json");
        Ok(r#"{"required": ["crm-url"], "type": "object"}"#.to_owned())
    };
    let read = Manifest::from_toml_with(&named, file).unwrap();
    assert_eq!(read, inline);
    assert_eq!(Manifest::from_json(read.to_json().as_bytes()).unwrap(), read);

    let wrong = |source: &str, text: Result<&str, &str>| {
        let text = text.map(str::to_owned).map_err(str::to_owned);
        Manifest::from_toml_with(source, |_| text.clone()).unwrap_err().to_string()
    };
    for (source, text, expected) in [
        (
            named.clone(),
            Err("no such file"),
            "connector.toml:23:10: field `config.schema`: `config.schema.json` cannot be read: no such file",
        ),
        (named.clone(), Ok("{"), "field `config.schema`: `config.schema.json`: the schema file is not valid JSON"),
        (named.clone(), Ok(r#"{"$ref": "https://x"}"#), "field `config.schema`: `$ref` must be"),
        (
            named.replace("config.schema.json", "../config.json"),
            Ok("{}"),
            "must be the name of a JSON file beside connector.toml",
        ),
        (
            named.replace("config.schema.json", "/etc/passwd"),
            Ok("{}"),
            "must be the name of a JSON file beside connector.toml",
        ),
        (format!("{GOOD}[config]\nschema = 7\n"), Ok("{}"), "must be a JSON Schema"),
    ] {
        let error = wrong(&source, text);
        assert!(error.contains(expected), "{error}\n expected {expected}");
    }
    // The section of a component cannot refer to files.
    let json = inline.to_json().replace(r#"{"required":["crm-url"],"type":"object"}"#, "\"config.schema.json\"");
    assert!(Manifest::from_json(json.as_bytes()).unwrap_err().to_string().contains("must be a JSON Schema"));
}

#[test]
fn errors_name_line_column_and_field() {
    for (from, to, expected) in [
        (
            "handoff/adf-leads",
            "adf-leads",
            "connector.toml:2:8: field `package.name`: `adf-leads` must be `publisher/name`",
        ),
        (
            "handoff/adf-leads",
            "Handoff/adf",
            "connector.toml:2:8: field `package.name`: the publisher `Handoff` must consist of",
        ),
        ("1.0.0", "1.0", "connector.toml:3:11: field `package.version`: `1.0`: unexpected end"),
        ("1.0.0", "1.0.0+7", "connector.toml:3:11: field `package.version`: `1.0.0+7` has build metadata"),
        ("title = ", "titel = ", "connector.toml:4:9: field `package.titel`: unknown field `titel`"),
        ("license = \"Apache-2.0 OR MIT\"", "", "connector.toml:1:1: field `package`: missing field `license`"),
        (
            "com.handoff.file.dropped.v1",
            "dropped!",
            "connector.toml:8:44: field `events.accepts[1]`: `dropped!` must be words",
        ),
        (
            "com.handoff.lead.received.v1",
            "com.handoff.hook.received.v1",
            "connector.toml:9:10: field `events.emits[0]`: only the",
        ),
        (
            "[hook]\nverify = [\"standard-webhooks\", \"body-hmac\", \"jwt\"]",
            "",
            "connector.toml:8:11: field `events.accepts`: `com",
        ),
        ("\"jwt\"", "\"hope\"", "field `hook.verify[2]`: unknown variant `hope`"),
        ("\"GET\", \"POST\"", "", "connector.toml:15:11: field `http[0].methods`: must not be empty"),
        ("\"GET\", \"POST\"", "\"GET\", \"GET\"", "field `http[0].methods`: duplicate value"),
        (
            "host = \"*\"",
            "host = \"*.example.com\"",
            "connector.toml:14:8: field `http[0].host`: `*.example.com` must be one host",
        ),
        ("host = \"*\"", "host = \"10.0.0.1\"", "field `http[0].host`"),
        (
            "/leads/*",
            "/leads/../*",
            "connector.toml:16:10: field `http[0].paths[0]`: `/leads/../*` is not a path pattern",
        ),
        ("schema = 1", "schema = 0", "connector.toml:21:10: field `state.schema`: must be 1 or higher"),
        ("schema = 1", "schema = -1", "field `state.schema`: invalid value"),
        (
            "[state]",
            "[[http]]\nname=\"crm\"\nhost=\"*\"\nmethods=[\"GET\"]\npaths=[\"/\"]\nwhy=\"x\"\n[state]",
            "`http[1].name`: `crm` appears twice",
        ),
        (
            "auth = [\"crm\"]",
            "config-urls = [\"crm url\"]",
            "field `http[0].config-urls[0]`: `crm url` must be a field of the config",
        ),
        (
            "auth = [\"crm\"]",
            "config-urls = [\"crm-url\"]",
            "field `http[0].config-urls[0]`: the config schema has no field `crm-url` of type `string`",
        ),
        ("[state]", "[state", "connector.toml:20:7: "),
    ] {
        let error = Manifest::from_toml(&GOOD.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(expected), "{to}\n    gives {error}\n expected {expected}");
    }
}

#[test]
fn texts_and_lists_are_bounded() {
    let long = |field: &str, with: &str| GOOD.replacen(field, with, 1);
    let many: Vec<String> = (0..65).map(|n| format!("\"com.x{n}\"")).collect();
    for source in [
        long("Web leads (ADF)", &"x".repeat(81)),
        long("Turns lead mails into leads.", &"x".repeat(301)),
        long("Turns lead mails into leads.", "two\\nlines"),
        long("\"com.handoff.lead.received.v1\"", &many.join(",")),
        long("Posts", &"x".repeat(Manifest::BYTES_MAX)),
    ] {
        assert!(Manifest::from_toml(&source).is_err());
    }
}

#[test]
fn manifest_errors_are_short_and_without_control_characters() {
    let long = "x".repeat(5_000);
    for field in ["\\u001b]0;owned\\u0007", &long] {
        let json = format!("{{\"package\":{{\"{field}\":1}}}}");
        let toml = format!("[package]\n\"{field}\" = 1\n");
        for error in [Manifest::from_json(json.as_bytes()).unwrap_err(), Manifest::from_toml(&toml).unwrap_err()] {
            let message = error.to_string();
            assert!(!message.contains(char::is_control) && message.len() < 1_000, "{message:?}");
        }
    }
}
