//! The SDK of a language as it lies in a project: complete, and independent of this workspace.

use crate::carried;

/// The SDK's files, by path relative to its folder, with the JSON Schemas of cases.
pub(crate) fn files(language: &str) -> Vec<(String, Vec<u8>)> {
    let sdk: Vec<(String, Vec<u8>)> = match language {
        "rust" => rust(),
        _ => Vec::new(),
    };
    let schemas = carried::SCHEMAS.iter().map(|(path, bytes)| (format!("schemas/{path}"), bytes.to_vec()));
    sdk.into_iter().chain(schemas).collect()
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
