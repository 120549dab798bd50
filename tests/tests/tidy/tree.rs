//! The repository's files, for the rules. It knows no rule.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that are not part of the repository: git's own, and those in `.gitignore`.
const SKIPPED: [&str; 5] = [".git", "target", "demo", "node_modules", "__pycache__"];

/// A file. Its path is relative to the root and uses `/`.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
}

impl File {
    /// The text; invalid UTF-8 is replaced.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The last part of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests have their own folder").to_owned()
}

/// All files below a folder of the root, sorted; `""` is the root itself.
pub(crate) fn files(folder: &str) -> Vec<File> {
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(!found.is_empty(), "`{folder}` contains no files: the rule would check nothing");
    found
}

/// The same with one file extension.
pub(crate) fn files_ending(folder: &str, ending: &str) -> Vec<File> {
    files(folder).into_iter().filter(|file| file.path.ends_with(ending)).collect()
}

/// A file of the root as text.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Fails with all findings at once and what to do.
pub(crate) fn none(findings: &[String], advice: &str) {
    assert!(findings.is_empty(), "{} found; {advice}:\n{}\n", findings.len(), findings.join("\n"));
}

/// Rust without its comments, as far as a line scan can tell; lines keep their numbers.
pub(crate) fn without_comments(text: &str) -> String {
    let code = |line: &str| match line.find("//") {
        // `https://` in a string is not a comment.
        Some(at) if !line[..at].ends_with(':') => line[..at].to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(code).collect::<Vec<_>>().join("\n")
}

fn walk(folder: &Path, found: &mut Vec<File>) {
    // A folder of build products contains a marker, whatever its name.
    if folder.join("CACHEDIR.TAG").exists() {
        return;
    }
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("a folder can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                walk(&path, found);
            }
        } else {
            // A file that is removed meanwhile (an editor's swap file) is not an error.
            let Ok(bytes) = fs::read(&path) else { continue };
            let path = path.strip_prefix(root()).expect("below the root");
            found.push(File { path: path.to_string_lossy().replace('\\', "/"), bytes });
        }
    }
}
