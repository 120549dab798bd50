//! Makes the index anew from the files. What cannot be read is left out and told: `verify` shows it, and the rest is served.

use super::Index;
use crate::storage::{Storage, StorageError};

impl Index {
    /// Puts everything that the files say.
    pub(super) fn build(&self, storage: &Storage) -> Result<(), StorageError> {
        let (mut manifests, mut tags) = (0_u64, 0_u64);
        for repository in storage.all_repositories()? {
            self.put_repository(&repository)?;
            for digest in storage.all_manifests(&repository)? {
                match storage.record(&repository, &digest) {
                    Ok(Some(record)) => self.put_manifest(&repository, &digest, &record)?,
                    Ok(None) => continue,
                    Err(error) => tracing::warn!(%error, %repository, %digest, "a manifest is left out"),
                }
                manifests += 1;
            }
            for tag in storage.all_tags(&repository)? {
                match storage.tag(&repository, &tag) {
                    Ok(Some(digest)) => self.put_tag(&repository, &tag, None, &digest)?,
                    Ok(None) => continue,
                    Err(error) => tracing::warn!(%error, %repository, %tag, "a tag is left out"),
                }
                tags += 1;
            }
        }
        tracing::info!(manifests, tags, "the registry's index was made from the files");
        Ok(())
    }
}
