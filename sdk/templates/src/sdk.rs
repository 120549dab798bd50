//! The SDK of a language as it lies in a project: complete, and independent of this workspace.

use crate::language::Language;
use crate::{carried, wheel};

/// Where the workspace has the crate of the format of cases.
const CASES: &str = "sdk/cases";

/// The SDK's files, by path relative to its folder, with the JSON Schemas of cases.
pub(crate) fn files(language: Language) -> Vec<(String, Vec<u8>)> {
    let sdk = match language {
        Language::Rust => rust(),
        // npm links the folder.
        Language::JavaScript | Language::TypeScript => owned(carried::SDK_JS),
        Language::Python => python(),
    };
    let schemas = carried::SCHEMAS.iter().map(|(path, bytes)| (format!("schemas/{path}"), bytes.to_vec()));
    sdk.into_iter().chain(schemas).collect()
}

fn owned(files: &[(&str, &[u8])]) -> Vec<(String, Vec<u8>)> {
    files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect()
}

/// The documentation, and a wheel: pip installs it without a build.
fn python() -> Vec<(String, Vec<u8>)> {
    let readme = carried::SDK_PYTHON.iter().filter(|(path, _)| *path == "README.md");
    let mut files: Vec<_> = readme.map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect();
    files.push((wheel_name(), wheel::of(carried::SDK_PYTHON)));
    files
}

/// The file name of the Python SDK's wheel.
pub(crate) fn wheel_name() -> String {
    wheel::file_name(carried::SDK_PYTHON)
}

/// The crate, and in its folder `cases` the crate of the format of cases, which its test kit reads.
fn rust() -> Vec<(String, Vec<u8>)> {
    let file = |folder: &str, (path, bytes): &(&str, &[u8])| {
        let bytes = if *path == "Cargo.toml" { manifest(bytes).into_bytes() } else { bytes.to_vec() };
        (format!("{folder}{path}"), bytes)
    };
    let sdk = carried::SDK_RUST.iter().map(|part| file("", part));
    sdk.chain(carried::SDK_CASES.iter().map(|part| file("cases/", part))).collect()
}

/// A `Cargo.toml` of the SDK with what it inherits from the workspace written out.
fn manifest(bytes: &[u8]) -> String {
    let parse = |text: &str| text.parse::<toml::Table>().unwrap_or_default();
    let workspace = parse(carried::WORKSPACE);
    let workspace = workspace.get("workspace").and_then(toml::Value::as_table).cloned().unwrap_or_default();
    let section = |name: &str| workspace.get(name).and_then(toml::Value::as_table).cloned().unwrap_or_default();
    let mut manifest = parse(std::str::from_utf8(bytes).unwrap_or_default());
    // Lints are for its own workspace.
    manifest.remove("lints");
    inherit(manifest.get_mut("package"), &section("package"));
    let dependencies = section("dependencies");
    inherit(manifest.get_mut("dependencies"), &dependencies);
    if let Some(targets) = manifest.get_mut("target").and_then(toml::Value::as_table_mut) {
        targets.iter_mut().for_each(|(_, target)| inherit(target.get_mut("dependencies"), &dependencies));
    }
    manifest.to_string()
}

/// Replaces `name = { workspace = true }` by the workspace's value.
fn inherit(table: Option<&mut toml::Value>, workspace: &toml::Table) {
    for (name, value) in table.and_then(toml::Value::as_table_mut).into_iter().flatten() {
        let inherits = value.get("workspace").and_then(toml::Value::as_bool) == Some(true);
        if let Some(found) = workspace.get(name).filter(|_| inherits) {
            *value = found.clone();
            // The one crate of ours that another one uses lies in its folder.
            if let Some(path) = value.get_mut("path").filter(|path| path.as_str() == Some(CASES)) {
                *path = toml::Value::from("cases");
            }
        }
    }
}
