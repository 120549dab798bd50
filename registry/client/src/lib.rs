//! Registry operations for publishers and hosts: publish, look up, pull. They work the same way with every registry; a
//! folder or an OCI registry only moves bytes. Everything that a registry returns is untrusted until its digest and
//! signature are verified.
//!
//! In reading order: `reference` locates a registry; `registry` has its operations, `lists` looks up a package;
//! `publishing` defines the order of writes; `folder` and `oci` move the bytes.

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
pub use registry::{NamespaceState, Registry, Verified};
pub use search::{Found, SearchPage};

#[cfg(test)]
mod tests;
