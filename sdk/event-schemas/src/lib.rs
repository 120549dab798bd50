//! The schemas of events in `sdk/schemas/events`, for this repository's tests: the types of the SDKs and pages of the
//! documentation are generated from them, and events of host and connectors are checked against them. Nothing that is
//! released depends on this crate.
//!
//! A schema describes a whole event in the JSON format of CloudEvents. It uses a small part of JSON Schema, which [`schema`]
//! lists, so that types can be generated from every schema.

mod check;
mod documentation;
mod names;
mod python;
mod rust;
pub mod schema;
mod types;
mod typescript;

use std::fs;
use std::path::{Path, PathBuf};

pub use check::{Events, assert_emitted, example};
use schema::Document;
use types::Model;

/// The folder of the schemas.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/events")
}

/// The texts of all schemas, by file name.
///
/// # Panics
/// If the folder cannot be read.
#[must_use]
pub fn texts() -> Vec<(String, String)> {
    let entries = fs::read_dir(folder()).unwrap_or_else(|error| panic!("{}: {error}", folder().display()));
    let mut texts: Vec<(String, String)> = entries
        .filter_map(Result::ok)
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let text = fs::read_to_string(entry.path()).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, text)
        })
        .collect();
    texts.sort();
    texts
}

/// A generated file, by its path from the repository's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// For example `sdk/python/src/handoff_sdk/events.py`.
    pub path: String,
    /// The whole file.
    pub text: String,
}

/// Everything that is generated from the schemas.
///
/// # Errors
/// Names the schema and the part that types cannot be generated from.
pub fn generate(texts: &[(String, String)]) -> Result<Vec<Generated>, String> {
    let documents = texts.iter().map(|(name, text)| Document::read(name, text)).collect::<Result<Vec<_>, _>>()?;
    let model = Model::of(&documents)?;
    let mut files = rust::files(&model);
    files.push(Generated { path: "sdk/js/events.d.ts".to_owned(), text: typescript::declarations(&model) });
    files.push(Generated { path: "sdk/js/src/events.js".to_owned(), text: typescript::module(&model) });
    files.push(Generated { path: "sdk/python/src/handoff_sdk/events.py".to_owned(), text: python::module(&model) });
    files.push(Generated { path: "sdk/docs/host-events.md".to_owned(), text: documentation::host_events(&documents) });
    Ok(files)
}
