//! Large event bodies: stored as blobs of the journal, durable before a frame refers to them. Packages are blobs too.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::journal::{BlobDigest, BlobKind, Journal, JournalError};
use super::{NewEvent, Shared, Store, StoreError};

/// An event reaches the journal within seconds. A later one is refused (see [`check`]).
const OLD: Duration = Duration::from_secs(600);

/// An event whose data may have been moved into a blob.
pub(super) struct PreparedEvent {
    pub(super) new: NewEvent,
    pub(super) blob: Option<BlobDigest>,
}

/// Moves large bodies into blobs, off the async threads.
pub(super) async fn set_aside(shared: &Arc<Shared>, events: Vec<NewEvent>) -> Result<Vec<PreparedEvent>, StoreError> {
    let most = shared.options.inline_body_bytes;
    if events.iter().all(|new| new.event.data.len() <= most) {
        return Ok(events.into_iter().map(|new| PreparedEvent { new, blob: None }).collect());
    }
    let journal = shared.journal.clone();
    tokio::task::spawn_blocking(move || events.into_iter().map(|new| prepare(journal.as_ref(), most, new)).collect())
        .await
        .map_err(|error| StoreError::Stopped(error.to_string()))?
}

/// Moves one event's body into a blob if it is large.
pub(super) fn prepare(journal: &dyn Journal, most: usize, mut new: NewEvent) -> Result<PreparedEvent, StoreError> {
    if new.event.data.len() <= most {
        return Ok(PreparedEvent { new, blob: None });
    }
    let data = std::mem::take(&mut new.event.data);
    let digest = Sha256::digest(&data).into();
    journal.blobs().put(BlobKind::Body, &digest, &data).map_err(StoreError::BodyNotKept)?;
    Ok(PreparedEvent { new, blob: Some(digest) })
}

/// Fails if a body was deleted after it was moved into a blob.
pub(super) fn check(journal: &dyn Journal, digest: &BlobDigest) -> Result<(), StoreError> {
    match journal.blobs().size(BlobKind::Body, digest) {
        Some(_) => Ok(()),
        None => Err(unusable(journal, digest)),
    }
}

/// Reads a body and checks its digest.
pub(super) fn load(journal: &dyn Journal, digest: &BlobDigest) -> Result<Vec<u8>, StoreError> {
    match journal.blobs().get(BlobKind::Body, digest) {
        Ok(Some(data)) if Sha256::digest(&data).as_slice() == digest => Ok(data),
        _ => Err(unusable(journal, digest)),
    }
}

/// The size of a body in bytes; 0 if it does not exist.
pub(super) fn size(journal: &dyn Journal, digest: &BlobDigest) -> u64 {
    journal.blobs().size(BlobKind::Body, digest).unwrap_or(0)
}

/// Bodies that are old enough to delete if nothing refers to them. A recent body may belong to an event that is not in
/// the journal yet.
pub(super) fn old(journal: &dyn Journal) -> Result<BTreeSet<BlobDigest>, JournalError> {
    journal.blobs().older_than(BlobKind::Body, OLD)
}

/// Deletes bodies that nothing refers to.
pub(super) fn remove(journal: &dyn Journal, unnamed: &BTreeSet<BlobDigest>) -> Result<(), JournalError> {
    unnamed.iter().try_for_each(|digest| journal.blobs().remove(BlobKind::Body, digest))
}

fn unusable(journal: &dyn Journal, digest: &BlobDigest) -> StoreError {
    StoreError::Body(journal.blobs().name(BlobKind::Body, digest))
}

/// The stored packages, by digest. The handle does not keep the store open.
#[derive(Clone)]
pub struct Packages(Arc<dyn Journal>);

/// The result of reading a package.
#[derive(Debug)]
pub enum FoundPackage {
    /// The bytes match the digest.
    Sound(Vec<u8>),
    /// The bytes do not match the digest. Holds the location of the package.
    Damaged(String),
    /// The package is not stored.
    Missing,
}

impl Packages {
    /// Stores a package; durable on return. Blocks.
    pub fn put(&self, bytes: &[u8]) -> Result<BlobDigest, StoreError> {
        let digest = Sha256::digest(bytes).into();
        self.0.blobs().put(BlobKind::Package, &digest, bytes)?;
        Ok(digest)
    }

    /// Whether a package is stored. Does not read it.
    #[must_use]
    pub fn contains(&self, digest: &BlobDigest) -> bool {
        self.0.blobs().size(BlobKind::Package, digest).is_some()
    }

    /// Reads a package and checks its digest. Blocks.
    pub fn get(&self, digest: &BlobDigest) -> Result<FoundPackage, StoreError> {
        Ok(match self.0.blobs().get(BlobKind::Package, digest)? {
            None => FoundPackage::Missing,
            Some(bytes) if Sha256::digest(&bytes).as_slice() == digest => FoundPackage::Sound(bytes),
            Some(_) => FoundPackage::Damaged(self.0.blobs().name(BlobKind::Package, digest)),
        })
    }
}

impl Store {
    /// The packages of this store.
    #[must_use]
    pub fn packages(&self) -> Packages {
        Packages(self.shared.journal.clone())
    }
}
