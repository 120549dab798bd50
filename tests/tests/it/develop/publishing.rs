//! The SDKs can be published as they are: complete, with licence, types, documentation and the contract, and without stray files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::project::offline;
use crate::language::{JAVASCRIPT, PYTHON, files, root, tools};

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Panics unless a package has these files, and nothing of a build.
fn has(what: &str, found: &BTreeSet<String>, needed: &[&str]) {
    for needed in needed {
        assert!(found.contains(*needed), "{what}: no {needed} in {found:#?}");
    }
    for path in found {
        let is_stray =
            ["__pycache__", "node_modules", "egg-info", "target/", ".pyc"].iter().any(|part| path.contains(part));
        assert!(!is_stray, "{what}: {path}");
    }
}

/// The files of an SDK that are part of the repository, in a folder in which tools may write.
fn copy(sdk: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let from = root().join(sdk);
    for file in files(&from) {
        let target = folder.path().join(file.strip_prefix(&from).expect("it is below"));
        fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
        fs::copy(&file, target).expect("copied");
    }
    folder
}

#[test]
fn the_rust_sdk_can_be_published() {
    let target = tempfile::tempdir().expect("a folder");
    let cargo = |more: &[&str]| {
        let mut command = Command::new("cargo");
        command.args(["package", "--offline", "--no-verify", "--allow-dirty"]).args(more);
        run(command.arg("--target-dir").arg(target.path()).current_dir(root()))
    };
    // The format of cases is a crate of its own, which is published before.
    cargo(&["--package", "handoff-cases", "--package", "handoff-sdk"]);
    for name in ["handoff-cases", "handoff-sdk"] {
        assert!(target.path().join(format!("package/{name}-0.1.0.crate")).is_file(), "{name}");
    }
    let listed = String::from_utf8_lossy(&cargo(&["--package", "handoff-sdk", "--list"]).stdout).into_owned();
    let found = listed.lines().map(str::to_owned).collect();
    let contract = ["wit/handoff-connector-1.0.0/connector.wit", "wit/handoff-connector-1.1.0-rc/connector.wit"];
    has(
        "handoff-sdk",
        &found,
        &["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md", "src/lib.rs", "src/testkit.rs"],
    );
    has("handoff-sdk", &found, &contract);
    assert!(!found.iter().any(|path| path.starts_with("tests/")), "{found:#?}");
}

#[test]
fn the_javascript_sdk_can_be_published() {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("..");
    let Some(tools) = tools(&JAVASCRIPT, &target) else { return };
    let sdk = copy(JAVASCRIPT.sdk);
    let mut npm = Command::new("npm");
    let output = run(offline(npm.args(["pack", "--dry-run", "--json"]).current_dir(sdk.path()), &tools));
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    let package = report.get(0).or_else(|| report.get("handoff-sdk")).unwrap_or(&report);
    assert_eq!((&package["name"], &package["version"]), (&"handoff-sdk".into(), &"0.1.0".into()), "{report:#}");
    let listed = package["files"].as_array().into_iter().flatten().filter_map(|file| file["path"].as_str());
    let found: BTreeSet<String> = listed.map(str::to_owned).collect();
    // All that a project gets is published, too.
    let all: BTreeSet<String> = files(sdk.path())
        .iter()
        .filter_map(|path| Some(path.strip_prefix(sdk.path()).ok()?.display().to_string()))
        .collect();
    assert_eq!(found, all);
    let needed = ["LICENSE-APACHE", "README.md", "index.d.ts", "testing.d.ts", "testing/index.js", "wit/connector.wit"];
    has("npm", &found, &needed);
}

#[test]
fn the_python_sdk_can_be_published() {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("..");
    let Some(tools) = tools(&PYTHON, &target) else { return };
    let sdk = copy("sdk/python");
    let mut pip = Command::new(tools.join("bin/pip"));
    pip.args(["wheel", "--quiet", "--no-deps", "--wheel-dir", "out", "."]).current_dir(sdk.path());
    run(offline(&mut pip, &tools));
    let name = "handoff_sdk-0.1.0-py3-none-any.whl";
    let built = names(&tools, &sdk.path().join("out").join(name));
    let needed = ["handoff_sdk/py.typed", "handoff_sdk/testing/__init__.py", "handoff_sdk/wit/connector.wit"];
    has("pip", &built, &needed);
    has("pip", &built, &["handoff_sdk-0.1.0.dist-info/licenses/LICENSE-MIT", "handoff_sdk/schemas/case-1.schema.json"]);
    // The wheel that new projects get has the same files; what setuptools adds nobody reads.
    let Some(project) = super::project::Project::in_language("python", "order-wheel", "webhook") else { return };
    let carried = names(&tools, &project.path("handoff-sdk").join(name));
    let own: BTreeSet<String> = built.into_iter().filter(|path| !path.ends_with("top_level.txt")).collect();
    assert_eq!(carried, own);
}

/// The files in a zip archive, read by Python.
fn names(tools: &Path, archive: &Path) -> BTreeSet<String> {
    let script = "import sys, zipfile; a = zipfile.ZipFile(sys.argv[1]); assert a.testzip() is None; print(*a.namelist(), sep='\\n')";
    let output = run(Command::new(tools.join("bin/python")).args(["-c", script]).arg(archive));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn what_the_sdks_share_is_equal() {
    let root = root();
    let read = |path: String| fs::read(root.join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    for sdk in ["sdk/rust", "sdk/js", "sdk/python"] {
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            assert!(read(format!("{sdk}/{licence}")) == read(licence.to_owned()), "{sdk}/{licence}: copy {licence}");
        }
    }
    for schemas in ["sdk/js/schemas", "sdk/python/src/handoff_sdk/schemas"] {
        for name in ["case-1.schema.json", "expected-1.schema.json"] {
            let original = format!("sdk/schemas/{name}");
            assert!(read(format!("{schemas}/{name}")) == read(original.clone()), "{schemas}/{name}: copy {original}");
        }
    }
}
