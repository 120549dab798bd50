//! Builds connectors: finds a toolchain, compiles for wasm32, makes a component, stamps the manifest into it.
//!
//! It runs cargo and writes one file; it never installs anything and never runs the connector. In reading order:
//! [`build`] and [`build_all`], then the steps in `toolchain`, `project`, `compile` and `component`.

mod build;
mod compile;
mod component;
mod error;
mod pack;
mod project;
mod toolchain;

pub use build::{Built, Options, build, build_all};
pub use component::componentize;
pub use error::BuildError;
pub use pack::pack;
pub use project::read_manifest;
pub use toolchain::Toolchain;
