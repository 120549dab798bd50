//! The data of a manifest in a repository, extracted when it was pushed. The manifest's bytes are content like any
//! other.

use serde::{Deserialize, Serialize};

use super::{At as _, Storage, StorageError};
use crate::disk;
use crate::name::{Repository, Tag};
use handoff_package::{Digest, Manifest, Package};

/// A manifest of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    /// Media type with which it was pushed and is served.
    pub(crate) media_type: String,
    /// Size of the manifest in bytes.
    pub(crate) size: u64,
    /// When it was pushed, in milliseconds since 1970.
    pub(crate) published_at: u64,
    /// The manifest's own `artifactType`, or its config's media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) artifact_type: Option<String>,
    /// The manifest that it refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<Digest>,
    /// Blobs that it uses.
    pub(crate) blobs: Vec<Digest>,
    /// Manifests that it lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) manifests: Vec<Digest>,
    /// The component's description, if it is a connector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) package: Option<PackageData>,
}

/// The description of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PackageData {
    /// Digest of the component.
    pub(crate) digest: Digest,
    /// Size of the component in bytes.
    pub(crate) size: u64,
    /// Version of `handoff:connector`.
    pub(crate) interface: String,
    /// Its manifest.
    pub(crate) manifest: Manifest,
}

impl From<Package> for PackageData {
    fn from(package: Package) -> Self {
        Self {
            digest: package.digest,
            size: u64::try_from(package.size).unwrap_or(u64::MAX),
            interface: package.interface.to_string(),
            manifest: package.manifest,
        }
    }
}

impl Storage {
    fn record_path(&self, repository: &Repository, digest: &Digest) -> std::path::PathBuf {
        self.folder(repository, "_manifests").join(digest.hex())
    }

    /// Whether a repository has this manifest.
    pub(crate) fn has_manifest(&self, repository: &Repository, digest: &Digest) -> Result<bool, StorageError> {
        let path = self.record_path(repository, digest);
        path.try_exists().at("look at", &path)
    }

    /// The data of a manifest; none if the repository does not have it.
    pub(crate) fn record(&self, repository: &Repository, digest: &Digest) -> Result<Option<Record>, StorageError> {
        let path = self.record_path(repository, digest);
        let Some(bytes) = disk::read(&path).at("read", &path)? else { return Ok(None) };
        let read = serde_json::from_slice(&bytes);
        read.map(Some).map_err(|error| StorageError::Damaged { path, detail: error.to_string() })
    }

    /// Adds a manifest with placed content. The caller holds the repository's lock and `placing`.
    pub(crate) fn put_record(
        &self,
        repository: &Repository,
        digest: &Digest,
        record: &Record,
    ) -> Result<(), StorageError> {
        let path = self.record_path(repository, digest);
        let bytes = serde_json::to_vec(record)
            .map_err(|error| StorageError::Damaged { path: path.clone(), detail: error.to_string() })?;
        self.put_file(&path, &bytes)?;
        self.index()?.put_manifest(repository, digest, record)
    }

    /// Removes a manifest and its tags from a repository. The caller holds the repository's lock. Returns whether it
    /// existed.
    pub(crate) fn remove_record(&self, repository: &Repository, digest: &Digest) -> Result<bool, StorageError> {
        let Some(record) = self.record(repository, digest)? else { return Ok(false) };
        // Tags first: a tag without a manifest would be damage.
        for tag in self.index()?.tags_of(repository, digest)? {
            self.remove_tag(repository, &tag)?;
        }
        let path = self.record_path(repository, digest);
        let gone = disk::remove(&path).at("remove", &path)?;
        self.index()?.remove_manifest(repository, digest, &record)?;
        Ok(gone)
    }

    /// Writes a small file of a repository atomically.
    pub(super) fn put_file(&self, path: &std::path::Path, bytes: &[u8]) -> Result<(), StorageError> {
        if let Some(folder) = path.parent() {
            disk::make_folders(&self.root, folder).at("make the folder", folder)?;
        }
        let staged = disk::stage(&self.staging(), bytes).at("write below", &self.root)?;
        disk::settle(&staged, path).at("write", path)
    }

    /// The tags of this manifest that protect it from deletion.
    pub(crate) fn keeping_tags(&self, repository: &Repository, digest: &Digest) -> Result<Vec<Tag>, StorageError> {
        Ok(self.index()?.tags_of(repository, digest)?.into_iter().filter(Tag::keeps).collect())
    }
}
