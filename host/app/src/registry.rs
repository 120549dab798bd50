//! Packages from registries: selects the registry, fetches and verifies packages before it stores them, records their
//! provenance, and watches for recalls. Talks to registries and parses signatures only through the registry crates.

mod errors;
pub mod failure_counts;
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
