//! Content by digest, and which repository has it. Existing content never changes.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{At as _, Storage, StorageError};
use crate::disk;
use crate::name::Repository;
use handoff_package::Digest;

/// A requested link is touched at most this often.
const FRESH: Duration = Duration::from_secs(600);

impl Storage {
    /// Path of the content.
    pub(crate) fn content_path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        let shard: String = hex.chars().take(2).collect();
        self.root.join("blobs/sha256").join(shard).join(hex)
    }

    fn link_path(&self, repository: &Repository, digest: &Digest) -> PathBuf {
        self.folder(repository, "_blobs").join(digest.hex())
    }

    /// The whole content; none if it does not exist. Only for content that is known to be small.
    pub(crate) fn content(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StorageError> {
        let path = self.content_path(digest);
        disk::read(&path).at("read", &path)
    }

    /// Opens a blob of a repository and returns its size.
    pub(crate) fn open_blob(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Option<(File, u64)>, StorageError> {
        if !self.has_blob(repository, digest)? {
            return Ok(None);
        }
        let path = self.content_path(digest);
        match File::open(&path) {
            Ok(file) => {
                let size = file.metadata().at("look at", &path)?.len();
                Ok(Some((file, size)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).at("open", &path),
        }
    }

    /// Size of a blob of a repository. It is touched, because the caller may be about to use it.
    pub(crate) fn blob_size(&self, repository: &Repository, digest: &Digest) -> Result<Option<u64>, StorageError> {
        let link = self.link_path(repository, digest);
        let Some(metadata) = metadata(&link)? else { return Ok(None) };
        let age = metadata.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        if age.is_some_and(|age| age > FRESH) {
            // It may have been removed just now; then the next look-up fails.
            let _ = disk::touch(&link);
        }
        let path = self.content_path(digest);
        Ok(content_metadata(&path)?.map(|metadata| metadata.len()))
    }

    /// Whether a repository has this blob, or this manifest.
    pub(crate) fn has_blob(&self, repository: &Repository, digest: &Digest) -> Result<bool, StorageError> {
        Ok(metadata(&self.link_path(repository, digest))?.is_some() || self.has_manifest(repository, digest)?)
    }

    /// Gives synced content its name. The caller holds `placing`. Existing content stays and is touched; content that
    /// is cut off in a way that no crash explains is replaced.
    pub(crate) fn place(&self, staged: &Path, digest: &Digest) -> Result<(), StorageError> {
        let path = self.content_path(digest);
        let size = fs::metadata(staged).at("look at", staged)?.len();
        if content_metadata(&path)?.is_some_and(|there| there.len() == size) {
            disk::touch(&path).at("touch", &path)?;
            return fs::remove_file(staged).at("remove", staged);
        }
        if let Some(shard) = path.parent() {
            disk::make_folders(&self.root, shard).at("make the folder", shard)?;
        }
        disk::settle(staged, &path).at("write", &path)
    }

    /// Places bytes from memory.
    pub(crate) fn place_bytes(&self, bytes: &[u8], digest: &Digest) -> Result<(), StorageError> {
        let staging = self.staging();
        let staged = disk::stage(&staging, bytes).at("write below", &staging)?;
        self.place(&staged, digest)
    }

    /// Adds a blob with placed content to a repository. The caller holds `placing`.
    pub(crate) fn link_blob(&self, repository: &Repository, digest: &Digest) -> Result<(), StorageError> {
        let path = self.link_path(repository, digest);
        let content = self.content_path(digest);
        disk::touch(&content).at("touch", &content)?;
        if let Some(folder) = path.parent() {
            disk::make_folders(&self.root, folder).at("make the folder", folder)?;
        }
        if !disk::mark(&path).at("write", &path)? {
            disk::touch(&path).at("touch", &path)?;
        }
        self.index()?.put_repository(repository)
    }

    /// Removes a blob from a repository; its content stays until garbage collection. Returns whether the repository had
    /// it.
    pub(crate) fn unlink_blob(&self, repository: &Repository, digest: &Digest) -> Result<bool, StorageError> {
        let path = self.link_path(repository, digest);
        disk::remove(&path).at("remove", &path)
    }

    /// When a repository's link to a blob was created or last used.
    pub(crate) fn link_age(&self, repository: &Repository, digest: &Digest) -> Result<Duration, StorageError> {
        age(&self.link_path(repository, digest))
    }
}

/// Age of a file since it was written or touched; none if it is missing or dated in the future.
pub(crate) fn age(path: &Path) -> Result<Duration, StorageError> {
    let modified = metadata(path)?.and_then(|metadata| metadata.modified().ok());
    Ok(modified.and_then(|at| SystemTime::now().duration_since(at).ok()).unwrap_or_default())
}

fn metadata(path: &Path) -> Result<Option<fs::Metadata>, StorageError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).at("look at", path),
    }
}

fn content_metadata(path: &Path) -> Result<Option<fs::Metadata>, StorageError> {
    Ok(metadata(path)?.filter(fs::Metadata::is_file))
}
