//! The names of a component's imports and exports, which the config of a Wasm artifact lists for people and tools. It
//! reads names only and does not validate the component.

use serde::Serialize;
use wasmparser::{Parser, Payload};

/// Limit on the names in a config; a connector has a handful.
const NAMES_MAX: usize = 256;

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Names {
    pub(super) exports: Vec<String>,
    pub(super) imports: Vec<String>,
}

/// The names of the outermost component, as far as it can be read.
pub(super) fn names(component: &[u8]) -> Names {
    let (mut names, mut depth) = (Names::default(), 0_u32);
    for payload in Parser::new(0).parse_all(component) {
        let Ok(payload) = payload else { break };
        match payload {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                add(&mut names.imports, section.into_iter().flatten().map(|import| import.name.name));
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                add(&mut names.exports, section.into_iter().flatten().map(|export| export.name.name));
            }
            _ => {}
        }
    }
    names
}

fn add<'a>(to: &mut Vec<String>, names: impl Iterator<Item = &'a str>) {
    let room = NAMES_MAX.saturating_sub(to.len());
    to.extend(names.take(room).map(str::to_owned));
}
