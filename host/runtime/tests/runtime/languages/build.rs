//! Builds the guests of `tests/guests` in JavaScript and Python with the SDKs of this checkout, and caches them by the
//! checksum of all sources. The tools come from `make setup`.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use handoff_build::{BuildError, Built, Options};
use handoff_model::limits::CallLimits;
use handoff_runtime::{Prepared, Runtime};
use sha2::{Digest as _, Sha256};

use crate::bench::options;
use crate::guest::{Guest, scratch};

/// A language whose tools are not part of the Rust toolchain.
pub(crate) struct Language {
    /// As in the names of guests.
    pub(crate) name: &'static str,
    /// Folder of the SDK.
    sdk: &'static str,
    /// A file that the installed tools contain.
    sign: &'static str,
}

pub(crate) const JAVASCRIPT: Language =
    Language { name: "javascript", sdk: "sdk/js", sign: "node_modules/componentize-qjs/package.json" };
pub(crate) const PYTHON: Language = Language { name: "python", sdk: "sdk/python/src", sign: "bin/componentize-py" };

/// A guest of `tests/guests`, built and prepared; none if the language's tools are not there.
pub(crate) async fn prepared(language: &Language, name: &str) -> Option<Prepared> {
    // Tests run in parallel processes, and building and compiling a large guest takes a while: the first one does both.
    let lock = File::create(scratch().join(format!("{name}.lock"))).expect("the scratch folder can be written");
    lock.lock().expect("the lock");
    let component = component(language, name)?;
    let guest = Guest::of(component);
    // A generous deadline: machines that test are busy.
    let limits = CallLimits { deadline_ms: 60_000, ..CallLimits::default() };
    let runtime = Runtime::new(options(limits)).expect("the runtime starts");
    let prepared = runtime.prepare(&guest.digest, &guest.component).await;
    Some(prepared.unwrap_or_else(|error| panic!("{name}: {error}")))
}

fn component(language: &Language, name: &str) -> Option<Vec<u8>> {
    let tools = tools(language)?;
    let (guest, sdk) = (root().join("tests/guests").join(name), root().join(language.sdk));
    let kept = scratch().join(format!("{name}-{}.wasm", sum(&[&guest, &sdk])));
    if let Ok(component) = fs::read(&kept) {
        return Some(component);
    }
    let built = build(language, &tools, name, |_| {}).unwrap_or_else(|error| panic!("{name}: {error}"));
    let partial = kept.with_extension("partial");
    fs::write(&partial, &built.bytes).expect("the scratch folder can be written");
    fs::rename(&partial, &kept).expect("the component can be moved into place");
    Some(built.bytes)
}

/// Why a changed guest is not built; none if the language's tools are not there.
pub(crate) fn refusal(language: &Language, name: &str, file: &str, from: &str, to: &str) -> Option<String> {
    let change = |project: &Path| {
        let file = project.join(file);
        let text = fs::read_to_string(&file).expect("a source");
        assert!(text.contains(from), "{}: no {from}", file.display());
        fs::write(&file, text.replacen(from, to, 1)).expect("a source can be written");
    };
    Some(build(language, &tools(language)?, name, change).expect_err("it is refused").to_string())
}

/// The folder of a language's tools.
fn tools(language: &Language) -> Option<PathBuf> {
    let tools = scratch().join("../languages").join(language.name);
    if !tools.join(language.sign).is_file() {
        assert!(std::env::var_os("CI").is_none(), "the tools for {} are missing: run `make setup`", language.name);
        println!("nothing is shown: the tools for {} are missing, run `make setup`", language.name);
        return None;
    }
    Some(fs::canonicalize(tools).expect("the tools' folder"))
}

/// Builds a copy of a guest, with the SDK of this checkout.
fn build(language: &Language, tools: &Path, name: &str, change: impl Fn(&Path)) -> Result<Built, BuildError> {
    let folder = tempfile::tempdir_in(tools).expect("a folder beside the tools");
    let project = folder.path().join("project");
    copy(&root().join("tests/guests").join(name), &project);
    change(&project);
    if language.name == PYTHON.name {
        symlink(tools, project.join(".venv")).expect("the environment");
    } else {
        // Node looks for packages in the folders above a file: the SDK's dependencies are beside the project.
        copy(&root().join(language.sdk), &folder.path().join("node_modules/handoff-sdk"));
    }
    let options = Options { output: Some(folder.path().join("built")), ..Options::default() };
    handoff_build::build(&project, &options, &mut |line| println!("{line}"))
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
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

fn sum(folders: &[&Path]) -> String {
    let mut sum = Sha256::new();
    for file in folders.iter().flat_map(|folder| files(folder)) {
        sum.update(fs::read(file).expect("a source"));
    }
    sum.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
