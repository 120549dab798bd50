//! Who may publish under a name, and the proof of it. Bytes in, a verdict with a reason out: nothing here reads a file,
//! a clock or the network, and signatures are parsed nowhere else.
//!
//! A publisher signs in-toto statements (v1) in DSSE envelopes (1.0) with Ed25519 keys (RFC 8032). A statement contains
//! the digest of its subject, so a valid signature on one version proves nothing about another.

pub mod dsse;
mod keys;
mod list;
pub mod statement;

pub use dsse::Envelope;
pub use keys::{InvalidKey, KeyId, PublicKey, SigningKey};
pub use list::{Expect, Revocation, Signer, TrustError, TrustList, TrustedKey};
pub use statement::Statement;

/// The publisher of a package: the part of its name before the slash.
pub type Publisher = crate::manifest::Name;

#[cfg(test)]
mod tests;
