//! The whole build: from connector folders to `<name>-<version>.wasm` files.

use crate::component::{componentize, stamp_component};
use crate::language::Language;
use crate::project::{Project, read_manifest};
use crate::{BuildError, Toolchain, compile, javascript, python};
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
    /// Target folder of compiled crates; the default is `guests` in the workspace's target folder. It is a separate
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
    // Before looking for a toolchain: a typing error is reported at once.
    let mut names = BTreeSet::new();
    for folder in folders {
        // The publisher is not part of the file's name.
        let package = read_manifest(folder)?.package;
        if !names.insert(package.name.name().to_owned()) {
            return Err(BuildError::SameName(package.name.name().to_owned()));
        }
    }
    let mut made: Vec<Option<Made>> = folders.iter().map(|_| None).collect();
    let mut crates = Vec::new();
    for (index, folder) in folders.iter().enumerate() {
        match Language::of(folder)? {
            Language::Rust => crates.push((index, folder.as_path())),
            Language::JavaScript => made[index] = Some(script(folder, javascript::component(folder, progress)?)?),
            Language::Python => made[index] = Some(script(folder, python::component(folder, progress)?)?),
        }
    }
    if let Some((_, first)) = crates.first() {
        let toolchain = match &options.toolchain {
            Some(toolchain) => toolchain.clone(),
            None => Toolchain::find(first)?,
        };
        progress(&format!("Building with {}", toolchain.describe()));
        let members: Vec<&Path> = crates.iter().map(|(_, folder)| *folder).collect();
        let components = compile_crates(&members, options, &toolchain, progress)?;
        for ((index, _), component) in crates.iter().zip(components) {
            made[*index] = Some(component);
        }
    }
    made.into_iter().flatten().map(|made| store(made, options, progress)).collect()
}

/// A component that is not written yet.
struct Made {
    manifest: Manifest,
    /// Folder of everything that is built from its sources.
    target: PathBuf,
    bytes: Vec<u8>,
}

/// Stamps what the tools of JavaScript or Python built.
fn script(folder: &Path, component: Vec<u8>) -> Result<Made, BuildError> {
    let manifest = read_manifest(folder)?;
    let bytes = stamp_component(&component, &manifest)?;
    Ok(Made { manifest, target: folder.join("target"), bytes })
}

/// Crates, those of one workspace in one run of cargo.
fn compile_crates(
    folders: &[&Path],
    options: &Options,
    toolchain: &Toolchain,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Made>, BuildError> {
    let projects =
        folders.iter().map(|folder| Project::read(folder, toolchain)).collect::<Result<Vec<_>, BuildError>>()?;
    let mut workspaces: BTreeMap<&Path, Vec<&Project>> = BTreeMap::new();
    for project in &projects {
        workspaces.entry(&project.workspace).or_default().push(project);
    }
    let mut modules = BTreeMap::new();
    for members in workspaces.values() {
        modules.append(&mut compile::compile(members, options, toolchain, progress)?);
    }
    projects
        .into_iter()
        .map(|project| {
            let bytes = make_component(&project, &modules)?;
            Ok(Made { manifest: project.manifest, target: project.target, bytes })
        })
        .collect()
}

fn make_component(project: &Project, modules: &BTreeMap<String, PathBuf>) -> Result<Vec<u8>, BuildError> {
    let path = modules.get(&project.package_id).ok_or_else(|| BuildError::NoArtifact(project.crate_name.clone()))?;
    let module = fs::read(path).map_err(|source| BuildError::File { action: "read", path: path.clone(), source })?;
    componentize(&module, &project.manifest)
}

fn store(made: Made, options: &Options, progress: &mut dyn FnMut(&str)) -> Result<Built, BuildError> {
    let Made { manifest, target, bytes } = made;
    let output = options.output.clone().unwrap_or_else(|| target.join("connectors"));
    let package = &manifest.package;
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
    Ok(Built { component_path, digest, manifest, bytes })
}
