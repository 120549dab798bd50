//! Creates a stamped component from a core module. It handles bytes only: no files, no cargo.

mod heap_space;

use crate::BuildError;
use handoff_package::package::{INTERFACE_NAME, INTERFACE_SECTION, stamp};
use handoff_package::{Manifest, Package};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

/// Creates a component from a core module, with the interface section moved to it and the manifest stamped. Equal input
/// gives equal bytes.
///
/// # Errors
/// The module exports no connector, imports something beyond `handoff:connector`, or does not match the contract.
pub fn componentize(module: &[u8], manifest: &Manifest) -> Result<Vec<u8>, BuildError> {
    let interface = read_module(module)?;
    let text = |error: &dyn std::fmt::Display| BuildError::Componentize(format!("{error:#}"));
    let component = ComponentEncoder::default()
        .module(&heap_space::with_heap_space(module).map_err(|error| text(&error))?)
        .and_then(|encoder| encoder.validate(true).encode())
        .map_err(|error| text(&error))?;
    imported_versions(&component)?;
    stamped(&component, manifest, &interface)
}

/// Stamps a component that another tool built: with the manifest, and with the newest version of the interface among its
/// imports.
///
/// # Errors
/// The component imports something beyond `handoff:connector`, or is not a valid package.
pub fn stamp_component(component: &[u8], manifest: &Manifest) -> Result<Vec<u8>, BuildError> {
    let newest = imported_versions(component)?.into_iter().max().unwrap_or(OLDEST);
    stamped(component, manifest, &format!("{INTERFACE_NAME}@{newest}"))
}

/// What a component without imports is built against.
const OLDEST: semver::Version = semver::Version::new(1, 0, 0);

fn stamped(component: &[u8], manifest: &Manifest, interface: &str) -> Result<Vec<u8>, BuildError> {
    let stamped = stamp(component, manifest, interface).map_err(BuildError::Package)?;
    Package::read(&stamped).map_err(BuildError::Package)?;
    Ok(stamped)
}

/// The interface that the module is built against. Foreign imports are refused here already, because their names are
/// still those of the dependency.
fn read_module(module: &[u8]) -> Result<String, BuildError> {
    let mut interface = None;
    let mut foreign = None;
    for payload in Parser::new(0).parse_all(module) {
        match payload.map_err(|error| BuildError::Componentize(error.to_string()))? {
            Payload::CustomSection(section) if section.name() == INTERFACE_SECTION => {
                interface = Some(String::from_utf8_lossy(section.data()).into_owned());
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import.map_err(|error| BuildError::Componentize(error.to_string()))?;
                    if !of_contract(import.module) {
                        foreign.get_or_insert(format!("{}#{}", import.module, import.name));
                    }
                }
            }
            _ => {}
        }
    }
    match (foreign, interface) {
        (Some(import), _) => Err(BuildError::ForeignImport { import }),
        (None, Some(interface)) => Ok(interface),
        (None, None) => Err(BuildError::NotExported),
    }
}

/// The versions of the interface that a component imports; an error if it imports anything else.
fn imported_versions(component: &[u8]) -> Result<Vec<semver::Version>, BuildError> {
    let mut depth = 0_u32;
    let mut versions = Vec::new();
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|error| BuildError::Componentize(error.to_string()))? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 1 => {
                for import in imports {
                    let import = import.map_err(|error| BuildError::Componentize(error.to_string()))?;
                    if !of_contract(import.name.name) {
                        return Err(BuildError::ForeignImport { import: import.name.name.to_owned() });
                    }
                    let version = import.name.name.rsplit_once('@').map(|(_, version)| version.parse());
                    versions.extend(version.and_then(Result::ok));
                }
            }
            _ => {}
        }
    }
    Ok(versions)
}

fn of_contract(name: &str) -> bool {
    name.strip_prefix(INTERFACE_NAME).is_some_and(|rest| rest.starts_with('/'))
}
