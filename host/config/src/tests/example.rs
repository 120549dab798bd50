//! The example of a settings file is valid and contains every field.

use crate::{Config, Settings, example, example_settings};

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
