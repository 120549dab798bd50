//! Content-addressed bytes beside the frames: bodies of large events, packages. Durable on put. Knows no content.

use std::collections::BTreeSet;
use std::time::Duration;

use super::JournalError;

/// The sha256 of a blob.
pub type BlobDigest = [u8; 32];

/// The kind of a blob. Each kind has its own namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlobKind {
    /// The data of a large event.
    Body,
    /// A connector.
    Package,
}

/// The blobs of a journal. Reads are not verified here: see [`crate::Packages`] and bodies.
pub trait Blobs: Send + Sync {
    /// Stores a blob; durable on return. Storing an existing blob resets its age.
    fn put(&self, kind: BlobKind, digest: &BlobDigest, bytes: &[u8]) -> Result<(), JournalError>;

    /// The bytes of a blob; none if it does not exist.
    fn get(&self, kind: BlobKind, digest: &BlobDigest) -> Result<Option<Vec<u8>>, JournalError>;

    /// The size of a blob in bytes; none if it does not exist.
    fn size(&self, kind: BlobKind, digest: &BlobDigest) -> Option<u64>;

    /// The location of a blob, for messages.
    fn name(&self, kind: BlobKind, digest: &BlobDigest) -> String;

    /// Blobs that were stored longer ago than an age.
    fn older_than(&self, kind: BlobKind, age: Duration) -> Result<BTreeSet<BlobDigest>, JournalError>;

    /// Deletes a blob.
    fn remove(&self, kind: BlobKind, digest: &BlobDigest) -> Result<(), JournalError>;
}

/// Parses a digest in hex.
pub(crate) fn parse_hex(text: &str) -> Option<BlobDigest> {
    let mut digest = [0; 32];
    hex::decode_to_slice(text, &mut digest).ok()?;
    Some(digest)
}
