//! Stamps a component that another tool built. It handles bytes only, and compiles nothing: whether imports and exports
//! are those of the contract is for the host's own check.

use crate::BuildError;
use handoff_package::package::{INTERFACE_NAME, check_header, stamp};
use handoff_package::{Manifest, Package};
use wasmparser::{Parser, Payload};

/// The version of the contract that every connector uses.
const FIRST: &str = "1.0.0";

/// Stamps manifest and interface into a component of any language. Equal input gives equal bytes.
///
/// # Errors
/// It is not a component, is stamped already, or is built against another version of the contract.
pub fn pack(component: &[u8], manifest: &Manifest) -> Result<Vec<u8>, BuildError> {
    check_header(component).map_err(BuildError::Package)?;
    let stamped = stamp(component, manifest, &interface(component)?).map_err(BuildError::Package)?;
    Package::read(&stamped).map_err(BuildError::Package)?;
    Ok(stamped)
}

/// The interface that a component is built against: the newest of those that it imports.
fn interface(component: &[u8]) -> Result<String, BuildError> {
    let unreadable = |error: wasmparser::BinaryReaderError| BuildError::Componentize(error.to_string());
    let (mut depth, mut versions) = (0_u32, vec![FIRST.to_owned()]);
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(unreadable)? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 1 => {
                for import in imports {
                    let name = import.map_err(unreadable)?.name.name;
                    let of_contract = name.strip_prefix(INTERFACE_NAME).filter(|rest| rest.starts_with('/'));
                    versions.extend(of_contract.and_then(|rest| Some(rest.split_once('@')?.1.to_owned())));
                }
            }
            _ => {}
        }
    }
    // Within a major version, `1.1` is newer than `1.0`, and there are not ten of them.
    versions.sort();
    let newest = versions.pop().unwrap_or_else(|| FIRST.to_owned());
    Ok(format!("{INTERFACE_NAME}@{newest}"))
}
