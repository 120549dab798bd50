//! Packages from registries: which registry is meant, fetching a package so that nothing unproved is kept, and where a kept one
//! came from. Speaks to registries and parses signatures only through the registry library.

mod errors;
mod offer;
pub mod open;
pub(super) mod provenance;
pub mod pull;
pub mod reference;
pub mod views;

pub use errors::registry_error;
pub use offer::offer;
