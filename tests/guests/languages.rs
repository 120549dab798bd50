//! Builds the guests of this folder in JavaScript and Python with the SDKs of this checkout. The tools come from `make setup`.

#![allow(dead_code, reason = "each program that includes this file uses a part of it")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use handoff_build::{BuildError, Built, Options};

/// A language whose tools are not part of the Rust toolchain.
pub(crate) struct Language {
    /// As in the names of guests.
    pub(crate) name: &'static str,
    /// Folder of the SDK.
    pub(crate) sdk: &'static str,
    /// A file that the installed tools contain.
    sign: &'static str,
}

pub(crate) const JAVASCRIPT: Language =
    Language { name: "javascript", sdk: "sdk/js", sign: "node_modules/componentize-qjs/package.json" };
pub(crate) const PYTHON: Language = Language { name: "python", sdk: "sdk/python/src", sign: "bin/componentize-py" };

/// The folder of a language's tools in the target folder of the build; none if they are not there.
pub(crate) fn tools(language: &Language, target: &Path) -> Option<PathBuf> {
    let tools = target.join("languages").join(language.name);
    if !tools.join(language.sign).is_file() {
        assert!(std::env::var_os("CI").is_none(), "the tools for {} are missing: run `make setup`", language.name);
        println!("nothing is shown: the tools for {} are missing, run `make setup`", language.name);
        return None;
    }
    Some(fs::canonicalize(tools).expect("the tools' folder"))
}

/// Builds a copy of a guest, with the SDK of this checkout.
pub(crate) fn build(
    language: &Language,
    tools: &Path,
    name: &str,
    change: impl Fn(&Path),
) -> Result<Built, BuildError> {
    let folder = project(language, tools, name);
    let project = folder.path().join("project");
    change(&project);
    let options = Options { output: Some(folder.path().join("built")), ..Options::default() };
    handoff_build::build(&project, &options, &mut |line| println!("{line}"))
}

/// A copy of a guest in the folder `project`, with the SDK of this checkout installed.
pub(crate) fn project(language: &Language, tools: &Path, name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir_in(tools).expect("a folder beside the tools");
    let project = folder.path().join("project");
    copy(&root().join("tests/guests").join(name), &project);
    if language.name == PYTHON.name {
        symlink(tools, project.join(".venv")).expect("the environment");
    } else {
        // Node looks for packages in the folders above a file: the SDK's dependencies are beside the project.
        copy(&root().join(language.sdk), &folder.path().join("node_modules/handoff-sdk"));
    }
    folder
}

/// The repository: programs at different depths include this file.
pub(crate) fn root() -> PathBuf {
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    folders.find(|folder| folder.join("ARCHITECTURE.md").is_file()).expect("the repository").to_owned()
}

/// All files below a folder that are part of the repository.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for path in entries.map(|entry| entry.expect("a folder can be read").path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !["__pycache__", "node_modules", "target"].contains(&name.as_str()) && !name.ends_with(".egg-info") {
                found.append(&mut files(&path));
            }
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).expect("it is below"));
        fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
        fs::copy(&file, target).expect("a file can be copied");
    }
}
