//! Which language a connector's folder holds, and what the projects of all languages have in common.

use crate::{BuildError, compile, read_manifest};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A language with tools of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Rust,
    /// TypeScript as well.
    JavaScript,
    Python,
}

impl Language {
    /// The language of the project beside `connector.toml`.
    pub(crate) fn of(folder: &Path) -> Result<Self, BuildError> {
        let files = [("Cargo.toml", Self::Rust), ("package.json", Self::JavaScript), ("pyproject.toml", Self::Python)];
        let found = files.into_iter().find(|(file, _)| folder.join(file).is_file());
        found.map(|(_, language)| language).ok_or_else(|| BuildError::NoProject(folder.to_owned()))
    }
}

/// Reads a project's file.
pub(crate) fn read(path: &Path) -> Result<String, BuildError> {
    fs::read_to_string(path).map_err(|source| BuildError::File { action: "read", path: path.to_owned(), source })
}

/// Runs a build that writes the component to the file in its last argument, which is added here. Returns the component.
pub(crate) fn component_of(mut command: Command, progress: &mut dyn FnMut(&str)) -> Result<Vec<u8>, BuildError> {
    let scratch = tempfile::tempdir().map_err(|source| BuildError::File {
        action: "create",
        path: std::env::temp_dir(),
        source,
    })?;
    let output = scratch.path().join("component.wasm");
    command.arg(&output);
    compile::run(command, progress)?;
    fs::read(&output).map_err(|source| BuildError::File { action: "read", path: output, source })
}

/// Compares the version of a project with the manifest's.
pub(crate) fn check_version(folder: &Path, path: &Path, version: Option<&str>) -> Result<(), BuildError> {
    let manifest = read_manifest(folder)?.package.version.to_string();
    match version {
        Some(version) if version == manifest => Ok(()),
        Some(version) => {
            Err(BuildError::VersionMismatch { path: path.to_owned(), found: version.to_owned(), manifest })
        }
        None => Err(BuildError::ProjectFile {
            path: path.to_owned(),
            problem: format!("it has no version: expected {manifest}, the version in connector.toml"),
        }),
    }
}

/// A program in one of the folders of `PATH`.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}
