//! The whole build: from connector folders to `<name>-<version>.wasm` files.

use crate::component::componentize;
use crate::project::{Project, read_manifest};
use crate::{BuildError, Toolchain, compile};
use handoff_files::{PUBLIC_FILE, PUBLIC_FOLDER};
use handoff_package::{Digest, Manifest};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Build options. The default suits both a single connector and one in a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Output folder of the component; the default is `connectors` in the workspace's target folder.
    pub output: Option<PathBuf>,
    /// Target folder of compiled guests; the default is `guests` in the workspace's target folder. It is a separate
    /// folder, so that a build within a build does not wait for itself.
    pub target: Option<PathBuf>,
    /// Cargo profile; the default is `guest` if the workspace defines it, otherwise `release`.
    pub profile: Option<String>,
    /// Never let cargo access the network.
    pub offline: bool,
    /// The toolchain; by default [`Toolchain::find`] finds one.
    pub toolchain: Option<Toolchain>,
}

/// A built connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The file, `<name>-<version>.wasm`.
    pub component_path: PathBuf,
    /// Digest of the file.
    pub digest: Digest,
    /// The stamped manifest.
    pub manifest: Manifest,
    /// The component.
    pub bytes: Vec<u8>,
}

/// Builds the connector in a folder. `progress` receives lines for people.
///
/// # Errors
/// See [`BuildError`]; every error says what to do.
pub fn build(folder: &Path, options: &Options, progress: &mut dyn FnMut(&str)) -> Result<Built, BuildError> {
    let mut built = build_all(&[folder.to_owned()], options, progress)?;
    built.pop().ok_or_else(|| BuildError::NoConnector(folder.to_owned()))
}

/// Builds the connectors in several folders, those of one workspace in one run of cargo, and returns them in the order
/// of the folders. Nothing is written unless all of them compile.
///
/// # Errors
/// See [`BuildError`]; every error says what to do.
pub fn build_all(
    folders: &[PathBuf],
    options: &Options,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Built>, BuildError> {
    let Some(first) = folders.first() else { return Ok(Vec::new()) };
    // Before looking for a toolchain: a typing error is reported at once.
    let mut names = BTreeSet::new();
    for folder in folders {
        // The publisher is not part of the file's name.
        let package = read_manifest(folder)?.package;
        if !names.insert(package.name.name().to_owned()) {
            return Err(BuildError::SameName(package.name.name().to_owned()));
        }
    }
    let toolchain = match &options.toolchain {
        Some(toolchain) => toolchain.clone(),
        None => Toolchain::find(first)?,
    };
    progress(&format!("Building with {}", toolchain.describe()));
    let projects =
        folders.iter().map(|folder| Project::read(folder, &toolchain)).collect::<Result<Vec<_>, BuildError>>()?;
    let mut workspaces: BTreeMap<&Path, Vec<&Project>> = BTreeMap::new();
    for project in &projects {
        workspaces.entry(&project.workspace).or_default().push(project);
    }
    let mut modules = BTreeMap::new();
    for members in workspaces.values() {
        modules.append(&mut compile::compile(members, options, &toolchain, progress)?);
    }
    let components =
        projects.iter().map(|project| make_component(project, &modules)).collect::<Result<Vec<_>, BuildError>>()?;
    projects.into_iter().zip(components).map(|(project, bytes)| store(project, bytes, options, progress)).collect()
}

fn make_component(project: &Project, modules: &BTreeMap<String, PathBuf>) -> Result<Vec<u8>, BuildError> {
    let path = modules.get(&project.package_id).ok_or_else(|| BuildError::NoArtifact(project.crate_name.clone()))?;
    let module = fs::read(path).map_err(|source| BuildError::File { action: "read", path: path.clone(), source })?;
    componentize(&module, &project.manifest)
}

fn store(
    project: Project,
    bytes: Vec<u8>,
    options: &Options,
    progress: &mut dyn FnMut(&str),
) -> Result<Built, BuildError> {
    let output = options.output.clone().unwrap_or_else(|| project.target.join("connectors"));
    let package = &project.manifest.package;
    let component_path = output.join(format!("{}-{}.wasm", package.name.name(), package.version));
    let failed = |source| BuildError::File { action: "write", path: component_path.clone(), source };
    // Readers of the file see the old bytes or the new ones, never a part; others may write in the output folder.
    handoff_files::replace(&component_path, &bytes, PUBLIC_FILE, PUBLIC_FOLDER).map_err(failed)?;
    let digest = Digest::of(&bytes);
    progress(&format!(
        "Built {} {}: {} ({} KiB, {digest})",
        package.name,
        package.version,
        component_path.display(),
        bytes.len().div_ceil(1024)
    ));
    Ok(Built { component_path, digest, manifest: project.manifest, bytes })
}
