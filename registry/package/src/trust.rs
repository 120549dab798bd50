//! Who may publish under a name, and the proof that somebody did. Bytes in, a verdict with a reason out: nothing here reads a
//! file, a clock or a network, and no signature is parsed anywhere else.
//!
//! A publisher signs in-toto statements (v1) in DSSE envelopes (1.0) with Ed25519 keys (RFC 8032). A statement names the
//! digest of what it is about, so a good signature on one version proves nothing about another.

pub mod dsse;
mod keys;
mod list;
pub mod statement;

pub use dsse::Envelope;
pub use keys::{InvalidKey, KeyId, PublicKey, SigningKey};
pub use list::{Expect, Revocation, Signer, TrustError, TrustList, TrustedKey};
pub use statement::Statement;

/// Who a package comes from: the part of its name before the slash.
pub type Publisher = crate::manifest::Name;

#[cfg(test)]
mod tests;
