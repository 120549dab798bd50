//! What a Handoff package is: a component with two custom sections, known by its digest. Read and written as bytes only:
//! nothing here compiles or runs a connector, and nothing here knows the host.
//!
//! In reading order: [`manifest`] says what a connector takes, emits and reaches; [`package`] reads and stamps components.

mod digest;
pub mod manifest;
pub mod package;
mod path_pattern;

pub use digest::{Digest, InvalidDigest};
pub use manifest::{Manifest, ManifestError};
pub use package::{Package, PackageError};
pub use path_pattern::{InvalidPattern, PathPattern, UnsafePath, check_path};
