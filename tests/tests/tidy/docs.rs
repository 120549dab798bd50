//! The documentation is correct: its commands exist and are those of continuous integration, its links work, its TOML
//! parses.

use crate::tree::{File, files_ending, none, read, root};

#[test]
fn the_readme_shows_the_commands_that_ci_runs() {
    let makefile = read("Makefile");
    let is_target = |name: &str| makefile.lines().any(|line| line.starts_with(&format!("{name}:")));
    let readme = File { path: "README.md".to_owned(), bytes: read("README.md").into_bytes() };
    let commands: Vec<String> =
        fences(&readme).filter(|fence| fence.kind == "sh").flat_map(|fence| fence.lines).collect();
    let makes: Vec<&str> = commands.iter().filter_map(|line| line.strip_prefix("make ")).map(first_word).collect();
    for needed in ["demo", "test"] {
        assert!(makes.contains(&needed), "README.md does not show `make {needed}` in a separate block");
    }
    for name in makes {
        assert!(is_target(name), "README.md shows `make {name}`, which the Makefile does not define");
    }
    let ci = read(".ci/run");
    // What only saves disk space is not a command.
    let is_command = |line: &&str| !line.starts_with('#') && !line.is_empty() && !line.starts_with("export ");
    let runs: Vec<&str> = ci.lines().filter(is_command).collect();
    assert_eq!(
        runs,
        ["set -eu", "cd \"$(dirname \"$0\")/..\"", "make test"],
        ".ci/run must run exactly the commands of the README"
    );
}

#[test]
fn commands_in_the_documentation_exist() {
    let known = commands();
    let mut found = Vec::new();
    for file in documents() {
        for fence in fences(&file).filter(|fence| matches!(fence.kind.as_str(), "sh" | "console")) {
            for line in fence.lines {
                let command = line.trim_start().trim_start_matches("$ ");
                if let Some(arguments) = command.strip_prefix("handoff ") {
                    let name = first_word(arguments);
                    if !name.starts_with('-') && !known.iter().any(|known| known == name) {
                        found.push(format!("{}: handoff {name}", file.path));
                    }
                }
            }
        }
    }
    none(&found, "document existing commands only");
}

#[test]
fn links_between_documents_work() {
    let mut found = Vec::new();
    for file in documents() {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for target in links(&prose(&file)) {
            let path = target.split(['#', '?']).next().unwrap_or_default();
            if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
                continue;
            }
            if !root().join(folder).join(path).exists() {
                found.push(format!("{}: {target}", file.path));
            }
        }
    }
    none(&found, "use the current name of the file");
}

#[test]
fn files_named_by_the_architecture_exist() {
    let file = File { path: "ARCHITECTURE.md".to_owned(), bytes: read("ARCHITECTURE.md").into_bytes() };
    let text = prose(&file);
    let named = text.split('`').skip(1).step_by(2).filter(|name| {
        let is_path = name.contains('/') && (name.ends_with(".rs") || name.ends_with(".wit") || name.ends_with('/'));
        is_path && !name.starts_with('/') && !name.contains(['*', '{', ' '])
    });
    let missing: Vec<String> = named.filter(|name| !root().join(name).exists()).map(str::to_owned).collect();
    none(&missing, "use the current name of the file");
}

#[test]
fn toml_in_the_documentation_parses() {
    let mut found = Vec::new();
    for file in documents() {
        for fence in fences(&file).filter(|fence| fence.kind == "toml") {
            if let Err(error) = fence.lines.join("\n").parse::<toml::Table>() {
                found.push(format!("{}: {error}", file.path));
            }
        }
    }
    none(&found, "readers copy it, so it must parse");
}

#[test]
fn json_in_the_documentation_parses() {
    let mut found = Vec::new();
    for file in documents() {
        for fence in fences(&file).filter(|fence| fence.kind == "json") {
            if let Err(error) = serde_json::from_str::<serde_json::Value>(&fence.lines.join("\n")) {
                found.push(format!("{}: {error}", file.path));
            }
        }
    }
    none(&found, "readers copy it, so it must parse");
}

struct Fence {
    kind: String,
    lines: Vec<String>,
}

fn documents() -> Vec<File> {
    files_ending("", ".md")
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// Blocks between ``` lines.
fn fences(file: &File) -> impl Iterator<Item = Fence> + use<> {
    let mut all = Vec::new();
    let mut open: Option<Fence> = None;
    for line in file.text().lines() {
        match (line.trim_start().strip_prefix("```"), open.take()) {
            (Some(_), Some(fence)) => all.push(fence),
            (Some(kind), None) => open = Some(Fence { kind: kind.trim().to_owned(), lines: Vec::new() }),
            (None, Some(mut fence)) => {
                fence.lines.push(line.to_owned());
                open = Some(fence);
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{}: unterminated code block", file.path);
    all.into_iter()
}

/// The text without its code blocks.
fn prose(file: &File) -> String {
    let mut is_code = false;
    let mut lines = Vec::new();
    for line in file.text().lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            lines.push(line.to_owned());
        }
    }
    lines.join("\n")
}

/// Targets of `[text](target)`.
fn links(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.map(|target| first_word(target).to_owned()).collect()
}

/// The subcommands, from the command line's declaration.
fn commands() -> Vec<String> {
    let declared = read("host/cli/src/args.rs");
    let body = declared
        .split("pub(crate) enum Command {")
        .nth(1)
        .and_then(|rest| rest.split("\n}").next())
        .unwrap_or_default();
    let names = body.lines().map(str::trim).filter(|line| line.starts_with(|letter: char| letter.is_ascii_uppercase()));
    let known: Vec<String> = names.map(|line| kebab(line.split(['(', ',', ' ']).next().unwrap_or_default())).collect();
    assert!(known.iter().any(|name| name == "install"), "the declaration of the commands has moved");
    known
}

fn kebab(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}
