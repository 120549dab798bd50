//! The SDK of a language as it lies in a project: complete, and independent of this workspace.

use crate::language::Language;
use crate::{carried, wheel};

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

fn rust() -> Vec<(String, Vec<u8>)> {
    carried::SDK_RUST
        .iter()
        .map(|(path, bytes)| {
            let bytes = if *path == "Cargo.toml" { manifest(bytes).into_bytes() } else { bytes.to_vec() };
            ((*path).to_owned(), bytes)
        })
        .collect()
}

/// The SDK's `Cargo.toml` with what it inherits from the workspace written out.
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
        }
    }
}
