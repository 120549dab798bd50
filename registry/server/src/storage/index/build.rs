//! Rebuilds the index from the files. Unreadable entries are skipped with a warning: `verify` lists them, and the rest
//! is served.

use super::Index;
use crate::storage::{Storage, StorageError};

impl Index {
    /// Adds everything that the files contain.
    pub(super) fn build(&self, storage: &Storage) -> Result<(), StorageError> {
        let (mut manifests, mut tags) = (0_u64, 0_u64);
        for repository in storage.all_repositories()? {
            self.put_repository(&repository)?;
            for digest in storage.all_manifests(&repository)? {
                match storage.record(&repository, &digest) {
                    Ok(Some(record)) => self.put_manifest(&repository, &digest, &record)?,
                    Ok(None) => continue,
                    Err(error) => tracing::warn!(%error, %repository, %digest, "skipped a manifest"),
                }
                manifests += 1;
            }
            for tag in storage.all_tags(&repository)? {
                match storage.tag(&repository, &tag) {
                    Ok(Some(digest)) => self.put_tag(&repository, &tag, None, &digest)?,
                    Ok(None) => continue,
                    Err(error) => tracing::warn!(%error, %repository, %tag, "skipped a tag"),
                }
                tags += 1;
            }
        }
        tracing::info!(manifests, tags, "rebuilt the registry's index from the files");
        Ok(())
    }
}
