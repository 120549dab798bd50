//! Packages from registries: which registry is meant, fetching a package so that nothing unverified is kept, where a kept one
//! came from, and what registries recall. Speaks to registries and parses signatures only through the registry crates.

mod errors;
pub mod open;
pub(crate) mod provenance;
mod pull;
mod put;
pub mod recalls;
pub mod reference;
mod summary;
pub mod views;

pub use errors::registry_error;
pub use summary::offer;
