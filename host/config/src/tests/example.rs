//! The examples are valid, contain every field, and name the limits that are enforced.

use std::path::Path;

use expect_test::expect_file;
use handoff_package::Manifest;

use crate::{Config, Settings, example, example_manifest, example_settings};

/// Alternatives, written behind `#` and four spaces, block by block.
fn alternatives(text: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in text.lines() {
        match (line.strip_prefix("#    "), blocks.last_mut()) {
            (Some(line), Some(block)) => block.push_str(&format!("{line}\n")),
            (None, Some(block)) if !block.is_empty() => blocks.push(String::new()),
            _ => {}
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

/// The example with an alternative in place of a section, or of a line with the same field.
fn with(text: &str, block: &str) -> String {
    let first = block.lines().next().expect("a line");
    if !first.starts_with('[') {
        let field = first.split(" =").next().expect("a field");
        // A group takes the place of the rooftop.
        let field = if field == "group" { "rooftop" } else { field };
        let replaced =
            |line: &str| if line.starts_with(&format!("{field} =")) { first.to_owned() } else { line.to_owned() };
        return text.lines().map(replaced).collect::<Vec<_>>().join("\n");
    }
    let mut in_section = false;
    let mut kept: Vec<&str> = Vec::new();
    for line in text.lines() {
        if line.starts_with('[') {
            in_section = line == first;
        }
        if !in_section {
            kept.push(line);
        }
    }
    format!("{}\n{block}", kept.join("\n"))
}

fn uncommented(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(field) if !field.is_empty() && !field.starts_with(' ') => format!("{field}\n"),
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[test]
fn the_example_settings_are_valid_and_contain_every_field() {
    let text = example_settings();
    let parse = |text: &str| Settings::parse(text, "/etc/handoff/leads.toml");
    let settings = parse(text).unwrap_or_else(|errors| panic!("{errors}"));
    let spelled_out = parse(&uncommented(text)).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(spelled_out.ingress, settings.ingress, "commented fields show defaults");

    let alternatives = alternatives(text);
    assert_eq!(alternatives.len(), 7, "{alternatives:#?}");
    for text in std::iter::once(text.to_owned()).chain(alternatives.iter().map(|block| with(text, block))) {
        parse(&text).unwrap_or_else(|errors| panic!("{text}\n{errors}"));
        // An unknown field makes the reader list the valid ones.
        let unknown: String = text
            .lines()
            .map(|line| if line.starts_with('[') { format!("{line}\nzz-other = 1\n") } else { format!("{line}\n") })
            .collect();
        let errors = parse(&format!("zz-other = 1\n{unknown}")).expect_err("problems");
        let mut known = 0;
        for problem in errors.problems.iter().filter(|problem| problem.found.contains("zz-other")) {
            for field in problem.expected.split('`').skip(1).step_by(2) {
                let named = [format!("{field} = "), format!("[{field}]"), format!(".{field}]")];
                let shown = example_settings();
                assert!(named.iter().any(|named| shown.contains(named)), "the example does not name `{field}`");
                known += 1;
            }
        }
        assert!(known > 25, "{errors}");
    }
}

#[test]
fn the_example_of_the_configuration_names_every_field() {
    let text = example();
    // An unknown field makes the reader list the valid ones.
    let unknown: String = text
        .lines()
        .map(|line| if line.starts_with('[') { format!("{line}\nzz-other = 1\n") } else { format!("{line}\n") })
        .collect();
    let errors = Config::parse(&unknown, "/etc/handoff/handoff.toml").expect_err("problems");
    let mut known = 0;
    for problem in errors.problems.iter().filter(|problem| problem.found.contains("zz-other")) {
        for field in problem.expected.split('`').skip(1).step_by(2) {
            let named = [format!("{field} = "), format!("[{field}]"), format!(".{field}]"), format!("`{field}`")];
            assert!(named.iter().any(|named| text.contains(named)), "the example does not name `{field}`: {problem:?}");
            known += 1;
        }
    }
    assert!(known >= 50, "{known} fields: {errors}");
}

fn manifest(text: &str) -> Result<Manifest, String> {
    // The schema has the fields that these tests name as URLs.
    let names = (0..20).map(|n| format!("n{n}")).chain(["crm-url".to_owned()]);
    let fields = names.map(|name| format!("\"{name}\": {{ \"type\": \"string\" }}")).collect::<Vec<_>>().join(", ");
    let schema = format!("{{ \"properties\": {{ {fields} }} }}");
    Manifest::from_toml_with(text, |_| Ok(schema.clone())).map_err(|error| error.to_string())
}

#[test]
fn the_example_manifest_is_valid_and_contains_every_field() {
    let text = example_manifest();
    manifest(text).unwrap_or_else(|error| panic!("{error}"));
    for block in alternatives(text) {
        manifest(&with(text, &block)).unwrap_or_else(|error| panic!("{block}\n{error}"));
    }
    // An unknown field makes the reader list the valid ones; it stops at the first.
    let sections = text.lines().filter(|line| line.starts_with('['));
    let unknown =
        sections.map(|section| text.replacen(&format!("\n{section}\n"), &format!("\n{section}\nzz-other = 1\n"), 1));
    let mut known = 0;
    for text in unknown.chain([format!("zz-other = 1\n{text}")]) {
        let error = manifest(&text).expect_err("an unknown field");
        let (_, expected) =
            error.split_once("unknown field `zz-other`, expected ").unwrap_or_else(|| panic!("{error}"));
        // The component's form of the manifest writes these names.
        let is_written = |field: &&str| !["lookUps", "configUrls"].contains(field);
        for field in expected.split('`').skip(1).step_by(2).filter(is_written) {
            let named = [format!("{field} = "), format!("[{field}]")];
            let shown = example_manifest();
            assert!(named.iter().any(|named| shown.contains(named)), "the example does not name `{field}`");
            known += 1;
        }
    }
    assert_eq!(known, 26, "the fields of all sections, and the sections");
}

#[test]
fn the_example_manifest_names_the_limits_that_are_enforced() {
    let text = example_manifest();
    let list = |length: usize, item: fn(usize) -> String| {
        format!("[{}]", (0..length).map(|n| format!("\"{}\"", item(n))).collect::<Vec<_>>().join(", "))
    };
    let line = |length: usize| format!("\"{}\"", "x".repeat(length));
    type Value<'a> = Box<dyn Fn(usize) -> String + 'a>;
    let (types, paths, names) = (|n| format!("com.acme.n{n}"), |n| format!("/n{n}"), |n| format!("n{n}"));
    let limits: [(&str, usize, Value<'_>); 11] = [
        ("title", 80, Box::new(line)),
        ("summary", 300, Box::new(line)),
        ("license", 100, Box::new(line)),
        ("accepts", 64, Box::new(move |length| list(length, types))),
        ("emits", 64, Box::new(move |length| list(length, types))),
        ("paths", 64, Box::new(move |length| list(length, paths))),
        ("look-ups", 64, Box::new(move |length| list(length, paths))),
        ("auth", 16, Box::new(move |length| list(length, names))),
        ("config-urls", 16, Box::new(move |length| list(length, names))),
        ("why", 300, Box::new(line)),
        ("codes", 64, Box::new(move |length| list(length, names))),
    ];
    for (field, limit, value) in limits {
        let start = format!("{field} = ");
        let replaced = |value: String| {
            let line = |line: &str| if line.starts_with(&start) { format!("{start}{value}") } else { line.to_owned() };
            // The hook's type is not among these.
            let text = if field == "accepts" {
                text.replace("[hook]\nverify", "#").replace("[hook]\n", "")
            } else {
                text.to_owned()
            };
            text.lines()
                .map(line)
                .filter(|line| field != "accepts" || !line.starts_with("verify"))
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(manifest(&replaced(value(limit))).err(), None, "{field}");
        assert!(manifest(&replaced(value(limit + 1))).is_err(), "{field} with {} is accepted", limit + 1);
        let (before, _) = text.split_once(&format!("\n{start}")).expect("the field");
        let comment: Vec<&str> = before.lines().rev().take_while(|line| line.starts_with("# ")).collect();
        assert!(
            comment.iter().any(|line| line.contains(&limit.to_string())),
            "{field}: its comment does not say {limit}"
        );
    }
}

#[test]
fn the_documentation_contains_the_example_manifest() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/docs/manifest.md");
    let page = std::fs::read_to_string(&path).expect("the page");
    let (before, rest) = page.split_once("```toml\n").expect("a block");
    let (_, after) = rest.split_once("```\n").expect("the end of the block");
    expect_file![path].assert_eq(&format!("{before}```toml\n{}```\n{after}", example_manifest()));
}
