//! What a Handoff package is: a component with two custom sections, identified by its digest, signed, and listed in a
//! signed index. This crate never compiles or runs a connector, opens no connection, and knows nothing of the host.
//!
//! In reading order: [`manifest`] declares what a connector accepts, emits and requests; [`package`] reads and stamps
//! components; [`trust`] decides who may publish; [`index`] lists a package's releases, [`resolve`] chooses one;
//! [`artifact`] lays them out for OCI registries, and [`reference`] names a registry.

pub mod artifact;
mod digest;
pub mod failure_counts;
mod from_text;
pub mod index;
pub mod manifest;
pub mod package;
mod path_pattern;
pub mod reference;
pub mod resolve;
pub mod trust;

pub use digest::{Digest, InvalidDigest};
pub use manifest::{Manifest, ManifestError};
pub use package::{Package, PackageError};
pub use path_pattern::{InvalidPattern, PathPattern, UnsafePath, check_path};
