//! The program and the connectors under test, built once for a whole test run. With `HANDOFF_BIN` the program is not
//! built.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use bad_release::Fault;
use handoff_build::{Options, build_all, componentize};
use handoff_package::Manifest;

/// Connectors and their folders.
const CONNECTORS: [(&str, &str); 5] = [
    ("adf-leads", "connectors/adf-leads"),
    ("identity", "connectors/identity"),
    ("bdc-list", "connectors/bdc-list"),
    ("tally", "tests/guests/tally"),
    ("bad-release", "tests/guests/bad-release"),
];

struct Built {
    binary: PathBuf,
    target: PathBuf,
}

/// The workspace folder.
pub(super) fn workspace() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("tests/ lies in the workspace").to_owned()
}

/// The `handoff` program.
pub fn handoff_binary() -> PathBuf {
    built().binary.clone()
}

/// The package of a connector of this workspace.
pub fn component(name: &str) -> PathBuf {
    let _ = folder_of(name);
    built().target.join("connectors").join(format!("{name}-1.0.0.wasm"))
}

fn folder_of(name: &str) -> PathBuf {
    let known = CONNECTORS.iter().find(|(known, _)| *known == name);
    workspace().join(known.unwrap_or_else(|| panic!("`{name}` is none of {CONNECTORS:?}")).1)
}

/// The same connector with another version: the same code with another manifest.
pub fn restamped(name: &str, version: &str, folder: &Path) -> PathBuf {
    restamped_with(name, version, folder, |_| {})
}

/// The same connector with another version, and a manifest changed in its JSON form.
pub fn restamped_with(
    name: &str,
    version: &str,
    folder: &Path,
    change: impl FnOnce(&mut serde_json::Value),
) -> PathBuf {
    let path = folder.join(format!("{name}-{version}.wasm"));
    release(&module_of(name), name, version, &path, change);
    path
}

/// Where long-running programs keep files between runs.
pub fn kept_folder(name: &str) -> PathBuf {
    built().target.join(name)
}

/// Version 1.1.0 of `bdc-list` with a fault.
pub fn bad_release(fault: Fault, folder: &Path) -> PathBuf {
    let module = fault.put_into(&module_of("bad-release")).expect("one place for a fault in the module");
    let path = folder.join(format!("bdc-list-1.1.0-{}.wasm", fault.name()));
    release(&module, "bdc-list", "1.1.0", &path, |manifest| {
        manifest["state"]["schema"] = fault.state_schema().into();
        let emits = manifest["events"]["emits"].as_array_mut().expect("a list");
        emits.extend(fault.also_emits().map(serde_json::Value::from));
    });
    path
}

fn module_of(name: &str) -> Vec<u8> {
    let module = format!("guests/wasm32-unknown-unknown/guest/{}.wasm", name.replace('-', "_"));
    fs::read(built().target.join(module)).expect("the connector's module")
}

/// A module with the manifest of a connector, except for its version and a change.
fn release(module: &[u8], name: &str, version: &str, path: &Path, change: impl FnOnce(&mut serde_json::Value)) {
    let mut manifest = handoff_build::read_manifest(&folder_of(name)).expect("the connector's manifest");
    manifest.package.version = version.parse().expect("a version");
    let mut json = serde_json::from_str(&manifest.to_json()).expect("JSON");
    change(&mut json);
    let manifest = Manifest::from_json(json.to_string().as_bytes()).expect("a manifest with a change");
    fs::write(path, componentize(module, &manifest).expect("a component")).expect("written");
}

/// The package of the guest that attacks the host, from `tests/guests/escape`.
pub fn escape_package() -> PathBuf {
    let target = &built().target;
    let lock = File::create(target.join("connectors/.escape.lock")).expect("a lock file");
    lock.lock().expect("the lock");
    let options =
        Options { output: Some(target.join("escape")), target: Some(target.join("guests")), ..Options::default() };
    let built = handoff_build::build(&workspace().join("tests/guests/escape"), &options, &mut |_| {});
    built.unwrap_or_else(|error| panic!("the guest does not build: {error}")).component_path
}

fn built() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(build)
}

/// nextest runs each test in its own process: the first process builds, the others find its marker.
fn build() -> Built {
    let profile = profile_folder();
    let target = profile.parent().expect("the profile's folder lies in the target folder").to_owned();
    fs::create_dir_all(target.join("connectors")).expect("the target folder is writable");
    let lock = File::create(target.join("connectors/.tests.lock")).expect("a lock file");
    lock.lock().expect("the lock");
    let binary = std::env::var_os("HANDOFF_BIN").map_or_else(|| profile.join("handoff"), PathBuf::from);
    let mark = target.join("connectors/.tests.run");
    let run = std::env::var("NEXTEST_RUN_ID").ok();
    if run.is_none() || fs::read_to_string(&mark).ok() != run {
        if std::env::var_os("HANDOFF_BIN").is_none() {
            build_program(&target);
        }
        build_connectors(&target);
        // Only a complete build writes the marker.
        fs::write(mark, run.unwrap_or_default()).expect("a mark");
    }
    assert!(binary.is_file(), "no program at {}: check HANDOFF_BIN", binary.display());
    Built { binary, target }
}

/// `target/debug`: the folder of this program.
fn profile_folder() -> PathBuf {
    let this = std::env::current_exe().expect("this program has a path");
    let folder = this.parent().expect("a folder");
    let folder = if folder.ends_with("deps") { folder.parent().expect("a folder") } else { folder };
    folder.to_owned()
}

fn build_program(target: &Path) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // The whole workspace, as everywhere: with `--package` cargo would choose other features and recompile
    // dependencies.
    let output = Command::new(cargo)
        .args(["build", "--workspace", "--bins", "--target-dir"])
        .arg(target)
        .current_dir(workspace())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "`handoff` does not build:\n{}", String::from_utf8_lossy(&output.stderr));
}

fn build_connectors(target: &Path) {
    let folders: Vec<PathBuf> = CONNECTORS.iter().map(|(name, _)| folder_of(name)).collect();
    let options =
        Options { output: Some(target.join("connectors")), target: Some(target.join("guests")), ..Options::default() };
    if let Err(error) = build_all(&folders, &options, &mut |_| {}) {
        panic!("the connectors do not build: {error}");
    }
}
