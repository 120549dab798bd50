//! Builds connectors: finds the tools of the language, makes a component, stamps the manifest into it.
//!
//! It runs cargo, node or python and writes one file; it never installs anything. In reading order: [`build`] and
//! [`build_all`], then the steps for Rust in `toolchain`, `project`, `compile` and `component`, and those of the other
//! languages, whose SDKs contain the rest, in `javascript` and `python`.

mod build;
mod compile;
mod component;
mod error;
mod javascript;
mod language;
mod pack;
mod project;
mod python;
mod toolchain;

pub use build::{Built, Options, build, build_all};
pub use component::{componentize, stamp_component};
pub use error::BuildError;
pub use pack::pack;
pub use project::read_manifest;
pub use toolchain::Toolchain;
