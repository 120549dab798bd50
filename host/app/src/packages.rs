//! Components by digest, stored by the store. Verifies what it reads. Knows no manifests and runs nothing.

use handoff_package::Digest;
use handoff_store::{FoundPackage, StoreError};

/// Why a component is not available.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackageError {
    /// It was never stored, or it was removed.
    #[error("package {0} is not on this host: upload it again")]
    Missing(String),
    /// Its bytes do not match its digest.
    #[error("package file `{0}` is damaged: upload the package again")]
    Damaged(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The components of a host.
#[derive(Clone)]
pub(crate) struct Packages(handoff_store::Packages);

impl Packages {
    /// The components of a store.
    pub(crate) fn of(store: &handoff_store::Store) -> Self {
        Self(store.packages())
    }

    /// Stores a component; durable on return. Blocks.
    pub(crate) fn put(&self, bytes: &[u8]) -> Result<Digest, PackageError> {
        Ok(Digest::from_bytes(self.0.put(bytes)?))
    }

    /// Whether a component is stored. Does not read it.
    #[must_use]
    pub(crate) fn contains(&self, digest: &str) -> bool {
        digest.parse().is_ok_and(|digest: Digest| self.0.contains(digest.as_bytes()))
    }

    /// Reads the bytes of a component. Blocks.
    pub(crate) fn get(&self, digest: &str) -> Result<Vec<u8>, PackageError> {
        let missing = || PackageError::Missing(digest.to_owned());
        let wanted: Digest = digest.parse().map_err(|_| missing())?;
        match self.0.get(wanted.as_bytes())? {
            FoundPackage::Sound(bytes) => Ok(bytes),
            FoundPackage::Damaged(name) => Err(PackageError::Damaged(name)),
            FoundPackage::Missing => Err(missing()),
        }
    }
}
