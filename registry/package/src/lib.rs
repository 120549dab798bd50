//! What a Handoff package is: a component with two custom sections, known by its digest, signed, listed in a signed index.
//! Nothing here compiles or runs a connector, opens a connection, or knows the host.
//!
//! In reading order: [`manifest`] says what a connector takes, emits and reaches; [`package`] reads and stamps components;
//! [`trust`] says who may publish; [`index`] lists a package's releases, [`resolve`] chooses one; [`artifact`] lays all of it
//! out for OCI registries, and [`reference`] names one in a registry.

pub mod artifact;
mod digest;
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
