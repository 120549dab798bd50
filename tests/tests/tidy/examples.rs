//! The pages for developers of connectors show code that is tested, and stay short. `UPDATE_EXPECT=1` copies the code into
//! the pages.

use std::fs;

use crate::tree::{File, files_ending, none, read, root};

const FOLDER: &str = "sdk/docs";
const LINES_MAX: usize = 150;
/// A way with many steps, in three languages.
const TUTORIAL: &str = "tutorial.md";
/// Before code: `<!-- example: REGION -->`. It counts for the blocks that follow, one for each language.
const MARKER: &str = "<!-- example: ";
/// A region of a file is between lines with these words.
const START: &str = "region ";
const END: &str = "endregion";

#[test]
fn examples_of_the_pages_are_regions_of_tested_files() {
    let mut found = Vec::new();
    let mut regions = 0;
    for page in pages() {
        let text = page.text();
        let shown = with_regions(&text, &mut regions);
        if shown != text && std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(root().join(&page.path), shown).expect("the page can be written");
        } else if shown != text {
            found.push(page.path);
        }
    }
    none(&found, "run this test with UPDATE_EXPECT=1");
    assert!(regions >= 25, "only {regions} blocks of code come from files: the markers have moved");
}

#[test]
fn pages_for_developers_are_short() {
    let concepts = pages().into_iter().filter(|page| page.name() != TUTORIAL);
    let long = concepts.map(|page| (page.text().lines().count(), page.path));
    let found: Vec<String> =
        long.filter(|(lines, _)| *lines > LINES_MAX).map(|(lines, path)| format!("{path}: {lines} lines")).collect();
    none(&found, &format!("at most {LINES_MAX} lines: one concept, one example, units, limits, errors"));
}

#[test]
fn the_outline_links_to_every_page() {
    let outline = read(&format!("{FOLDER}/README.md"));
    let missing = |page: &File| page.name() != "README.md" && !outline.contains(&format!("]({})", page.name()));
    let found: Vec<String> = pages().into_iter().filter(missing).map(|page| page.path).collect();
    none(&found, "link it from sdk/docs/README.md");
}

fn pages() -> Vec<File> {
    files_ending(FOLDER, ".md")
}

/// The page with every marked block replaced by its region.
fn with_regions(page: &str, count: &mut usize) -> String {
    let (mut shown, mut region, mut lines) = (String::new(), None, page.lines());
    while let Some(line) = lines.next() {
        shown.push_str(&format!("{line}\n"));
        if let Some(name) = line.strip_prefix(MARKER) {
            region = name.strip_suffix(" -->");
        } else if let (Some(name), Some(language)) = (region, line.strip_prefix("```")) {
            lines.find(|line| *line == "```");
            shown.push_str(&format!("{}```\n", code(name, language)));
            *count += 1;
        } else if !line.is_empty() {
            region = None;
        }
    }
    shown
}

fn code(name: &str, language: &str) -> String {
    let ending = match language {
        "rust" => "rs",
        "python" => "py",
        other => other,
    };
    let path = match name {
        "bench" => "sdk/rust/tests/docs.rs".to_owned(),
        _ => format!("{FOLDER}/examples/order_desk.{ending}"),
    };
    let file = read(&path);
    let is = |line: &str, word: &str| line.trim_start().trim_start_matches(['/', '#']).trim() == word;
    let start = format!("{START}{name}");
    let lines: Vec<&str> =
        file.lines().skip_while(|line| !is(line, &start)).skip(1).take_while(|line| !is(line, END)).collect();
    assert!(!lines.is_empty(), "{path} has no region `{name}`");
    let indent = lines.iter().filter(|line| !line.is_empty()).map(|line| line.len() - line.trim_start().len()).min();
    lines.iter().map(|line| format!("{}\n", line.get(indent.unwrap_or(0)..).unwrap_or_default())).collect()
}
