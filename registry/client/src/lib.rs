//! Registries as publishers and hosts use them: publish, look up, pull. One way to do each, whatever the registry is; a folder
//! or an OCI registry only moves bytes. Whatever comes back is hostile until a digest and a signature hold.
//!
//! In reading order: `reference` says where a registry is; `registry` what one does, `lists` how it looks a package up;
//! `publishing` in which order things are put; `folder` and `oci` move the bytes.

mod backend;
pub mod credentials;
mod error;
mod folder;
mod known;
mod lists;
mod oci;
mod options;
mod publishing;
mod registry;
mod search;

pub use credentials::{Login, Logins, LoginsError};
pub use error::ClientError;
pub use known::KnownIndexes;
pub use lists::{UnverifiedIndex, VerifiedIndex};
pub use options::Options;
pub use publishing::{Author, Published, Submission};
pub use registry::{Registry, Verified};
pub use search::{Found, SearchPage};

#[cfg(test)]
mod tests;
