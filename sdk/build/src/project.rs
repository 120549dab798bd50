//! Reads cargo's metadata and `connector.toml` of a connector's folder, before anything is compiled.

use crate::{BuildError, Toolchain};
use handoff_package::Manifest;
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// A parsed connector folder.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) manifest: Manifest,
    /// Cargo's name and id of the package.
    pub(crate) crate_name: String,
    pub(crate) package_id: String,
    pub(crate) workspace: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) profiles: Profiles,
}

/// The profiles that the workspace defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Profiles {
    pub(crate) guest: bool,
    pub(crate) release: bool,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    crate_types: Vec<String>,
}

/// Reads a connector's `connector.toml` and the files that it names: the part of a build that fails fastest.
/// # Errors
/// The manifest is missing, unreadable or invalid; the error says where.
pub fn read_manifest(folder: &Path) -> Result<Manifest, BuildError> {
    let path = folder.join("connector.toml");
    if !path.is_file() {
        return Err(BuildError::NoConnector(folder.to_owned()));
    }
    let text = fs::read_to_string(&path).map_err(|source| BuildError::File { action: "read", path, source })?;
    let beside = |name: &str| fs::read_to_string(folder.join(name)).map_err(|error| error.to_string());
    Manifest::from_toml_with(&text, beside).map_err(|error| BuildError::Manifest { folder: folder.to_owned(), error })
}

impl Project {
    pub(crate) fn read(folder: &Path, toolchain: &Toolchain) -> Result<Self, BuildError> {
        let manifest = read_manifest(folder)?;
        let metadata = metadata(folder, toolchain)?;
        let unknown = |stderr: &str| BuildError::Metadata { folder: folder.to_owned(), stderr: stderr.to_owned() };
        let cargo_toml = folder.join("Cargo.toml");
        let cargo_toml = fs::canonicalize(&cargo_toml).unwrap_or(cargo_toml);
        let package = metadata
            .packages
            .into_iter()
            .find(|package| fs::canonicalize(&package.manifest_path).is_ok_and(|path| path == cargo_toml))
            .ok_or_else(|| unknown("its Cargo.toml contains no package"))?;
        let is_cdylib = |target: &Target| target.crate_types.iter().any(|kind| kind == "cdylib");
        if !package.targets.iter().any(is_cdylib) {
            return Err(BuildError::NoCdylib(package.name));
        }
        Ok(Self {
            manifest,
            crate_name: package.name,
            package_id: package.id,
            profiles: Profiles::read(&metadata.workspace_root),
            workspace: metadata.workspace_root,
            target: metadata.target_directory,
        })
    }
}

impl Profiles {
    /// Cargo's metadata does not list profiles; they are in the workspace's Cargo.toml.
    fn read(workspace: &Path) -> Self {
        let text = fs::read_to_string(workspace.join("Cargo.toml")).unwrap_or_default();
        let table: toml::Table = text.parse().unwrap_or_default();
        let has = |name: &str| table.get("profile").and_then(|profiles| profiles.get(name)).is_some();
        Self { guest: has("guest"), release: has("release") }
    }
}

fn metadata(folder: &Path, toolchain: &Toolchain) -> Result<Metadata, BuildError> {
    let mut cargo = toolchain.cargo(folder);
    // The guests' folder is placed in the target folder of the outer build.
    if let Some(target) = std::env::var_os("CARGO_TARGET_DIR") {
        cargo.env("CARGO_TARGET_DIR", target);
    }
    let output = cargo
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .map_err(|source| BuildError::Spawn { program: toolchain.cargo.clone(), source })?;
    let failed = |stderr: String| BuildError::Metadata { folder: folder.to_owned(), stderr };
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| failed(format!("`cargo metadata` answered: {error}")))
}
