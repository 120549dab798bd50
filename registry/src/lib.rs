//! What a Handoff package is, and how it gets from a publisher to a host: a component with two custom sections, known by its
//! digest, signed, listed in a signed index, kept in a registry. Nothing here compiles or runs a connector, and nothing here
//! knows the host.
//!
//! In reading order: [`manifest`] says what a connector takes, emits and reaches; [`package`] reads and stamps components;
//! [`trust`] says who may publish; [`index`] lists a package's releases, [`resolve`] chooses one; [`artifact`] lays all of it
//! out for OCI registries, and [`client`] publishes and pulls.
//! `server`, behind the feature of that name, keeps and serves packages as an OCI registry.

pub mod artifact;
pub mod client;
mod digest;
mod from_text;
pub mod index;
pub mod manifest;
pub mod package;
mod path_pattern;
pub mod resolve;
#[cfg(feature = "server")]
pub mod server;
pub mod trust;

pub use digest::{Digest, InvalidDigest};
pub use manifest::{Manifest, ManifestError};
pub use package::{Package, PackageError};
pub use path_pattern::{InvalidPattern, PathPattern, UnsafePath, check_path};
