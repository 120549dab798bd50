//! Rules for every file: size, opening sentence, and forbidden content.

use crate::tree::{File, files, files_ending, none, without_comments};

/// A longer file has more than one job.
const LINES_MAX: usize = 500;

/// Written in parts, so that this file does not find itself.
const UNFINISHED: [&str; 4] =
    [concat!("to", "do!("), concat!("unimpl", "emented!("), concat!("db", "g!("), concat!("#[ig", "nore")];
const SLEEP: &str = concat!("thread::", "sleep");
const MACHINE_PATHS: [&str; 4] =
    [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/"), concat!("/wo", "rk/")];

#[test]
fn every_rust_file_opens_with_its_job() {
    let opens = |file: &File| {
        let text = file.text();
        // The documentation of a crate may be its README.
        text.starts_with("//! ") || text.starts_with("#![doc = include_str!(")
    };
    let found = rust(|file| (!opens(file)).then(|| file.path.clone()));
    none(&found, "open with a `//!` sentence on the file's job and what it must not do");
}

#[test]
fn no_rust_file_is_too_long() {
    let lines = |file: &File| file.text().lines().count();
    let found = rust(|file| (lines(file) > LINES_MAX).then(|| format!("{}: {} lines", file.path, lines(file))));
    none(&found, &format!("split by noun, then by verb; at most {LINES_MAX} lines"));
}

#[test]
fn modules_are_named_files() {
    let found = rust(|file| (file.name() == "mod.rs").then(|| file.path.clone()));
    none(&found, "write `foo.rs` beside `foo/`");
}

#[test]
fn nothing_is_unfinished_or_disabled() {
    let found = rust(|file| line_with(file, &UNFINISHED));
    none(&found, "finish or remove it");
}

#[test]
fn no_thread_sleeps() {
    let found = rust(|file| line_with(file, &[SLEEP]));
    none(&found, "wait for an event: a reply, a file, or a manual clock");
}

#[test]
fn no_compiled_code_is_committed() {
    let kept = |file: &File| {
        let is_compiled =
            [".wasm", ".cwasm", ".o", ".a", ".so", ".rlib"].iter().any(|ending| file.path.ends_with(ending));
        is_compiled || file.bytes.starts_with(b"\0asm") || file.bytes.starts_with(b"\x7fELF")
    };
    let found: Vec<String> = files("").into_iter().filter(kept).map(|file| file.path).collect();
    none(&found, "build everything from source");
}

#[test]
fn no_merge_conflict_is_committed() {
    let is_marker = |line: &str| ["<<<<<<< ", ">>>>>>> "].iter().any(|marker| line.starts_with(marker));
    let found = files("").into_iter().filter(|file| file.text().lines().any(is_marker));
    none(&found.map(|file| file.path).collect::<Vec<_>>(), "resolve the conflict");
}

#[test]
fn no_machine_specific_path_is_committed() {
    let found = files("").into_iter().filter_map(|file| {
        let text = file.text();
        let mut lines = text.lines().enumerate();
        // A path, not the middle of a longer one or of a URL.
        let names = |line: &str| {
            MACHINE_PATHS.iter().any(|path| {
                line.match_indices(path).any(|(at, _)| {
                    !line[..at].ends_with(|letter: char| {
                        letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_' | '}' | '*')
                    })
                })
            })
        };
        lines.find(|(_, line)| names(line)).map(|(index, line)| format!("{}:{}: {}", file.path, index + 1, line.trim()))
    });
    none(&found.collect::<Vec<_>>(), "make it relative to the repository or a variable");
}

fn rust(finding: impl Fn(&File) -> Option<String>) -> Vec<String> {
    files_ending("", ".rs").iter().filter_map(finding).collect()
}

fn line_with(file: &File, words: &[&str]) -> Option<String> {
    let code = without_comments(&file.text());
    let mut lines = code.lines().enumerate();
    // A measurement is not a test: nothing depends on its result, and `make bench` runs it.
    let has = |line: &str| words.iter().any(|word| line.contains(word)) && !line.contains("= \"a measurement");
    lines.find(|(_, line)| has(line)).map(|(index, line)| format!("{}:{}: {}", file.path, index + 1, line.trim()))
}
