//! Tags: each is a small synced file with a digest. `publish` decides which tags may move.

use super::{At as _, Storage, StorageError};
use crate::disk;
use crate::name::{Repository, Tag};
use handoff_package::Digest;

impl Storage {
    fn tag_path(&self, repository: &Repository, tag: &Tag) -> std::path::PathBuf {
        self.folder(repository, "_tags").join(tag.as_str())
    }

    /// What a tag points to; none if it does not exist.
    pub(crate) fn tag(&self, repository: &Repository, tag: &Tag) -> Result<Option<Digest>, StorageError> {
        let path = self.tag_path(repository, tag);
        let Some(bytes) = disk::read(&path).at("read", &path)? else { return Ok(None) };
        let text = String::from_utf8_lossy(&bytes);
        let digest = text.trim_end().parse();
        digest
            .map(Some)
            .map_err(|error: handoff_package::InvalidDigest| StorageError::Damaged { path, detail: error.to_string() })
    }

    /// Points a tag to a manifest. The caller holds the repository's lock.
    pub(crate) fn put_tag(&self, repository: &Repository, tag: &Tag, digest: &Digest) -> Result<(), StorageError> {
        let before = self.tag(repository, tag)?;
        if before != Some(*digest) {
            self.put_file(&self.tag_path(repository, tag), format!("{digest}\n").as_bytes())?;
        }
        self.index()?.put_tag(repository, tag, before.as_ref(), digest)
    }

    /// Removes a tag; its manifest stays. The caller holds the repository's lock. Returns whether it existed.
    pub(crate) fn remove_tag(&self, repository: &Repository, tag: &Tag) -> Result<bool, StorageError> {
        let Some(before) = self.tag(repository, tag)? else { return Ok(false) };
        let path = self.tag_path(repository, tag);
        let gone = disk::remove(&path).at("remove", &path)?;
        self.index()?.remove_tag(repository, tag, &before)?;
        Ok(gone)
    }
}
