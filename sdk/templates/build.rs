//! Puts the files of templates, SDK and schemas into the program, so that it creates projects without a checkout.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() {
    let own = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default()).join("carried.rs");
    let mut text = String::new();
    for (name, folder) in [
        ("TEMPLATES", "files"),
        ("SDK_RUST", "../rust"),
        ("SDK_CASES", "../cases"),
        ("SDK_JS", "../js"),
        ("SDK_PYTHON", "../python"),
        ("SCHEMAS", "../schemas"),
    ] {
        let folder = own.join(folder);
        let mut files = Vec::new();
        walk(&folder, &folder, &mut files);
        files.sort();
        let _ = writeln!(text, "pub(crate) const {name}: &[(&str, &[u8])] = &[");
        for (relative, path) in files {
            let _ = writeln!(text, "    ({relative:?}, include_bytes!({path:?})),");
        }
        let _ = writeln!(text, "];");
        println!("cargo:rerun-if-changed={}", folder.display());
    }
    let workspace = own.join("../../Cargo.toml");
    let _ = writeln!(text, "pub(crate) const WORKSPACE: &str = include_str!({:?});", workspace);
    println!("cargo:rerun-if-changed={}", workspace.display());
    if let Err(error) = std::fs::write(&out, text) {
        println!("cargo:error=cannot write {}: {error}", out.display());
    }
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<(String, PathBuf)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_template = root.ends_with("files");
        // Build products of any language, and the SDKs' own tests.
        let is_product = ["target", "node_modules", "__pycache__", "dist"].contains(&name.as_str())
            || name.ends_with(".egg-info")
            || name.starts_with('.');
        if !is_template && (is_product || name == "tests") {
            continue;
        }
        if path.is_dir() {
            walk(root, &path, files);
        } else if let Ok(relative) = path.strip_prefix(root) {
            files.push((relative.to_string_lossy().replace('\\', "/"), path.clone()));
        }
    }
}
