//! Content by digest, and which repository has it. Never changes content that is there.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{At as _, Storage, StorageError};
use crate::disk;
use crate::name::Repository;
use handoff_package::Digest;

/// A link that is asked for is made young again, at most this often.
const FRESH: Duration = Duration::from_secs(600);

impl Storage {
    /// Where content is.
    pub(crate) fn content_path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        let shard: String = hex.chars().take(2).collect();
        self.root.join("blobs/sha256").join(shard).join(hex)
    }

    fn link_path(&self, repository: &Repository, digest: &Digest) -> PathBuf {
        self.folder(repository, "_blobs").join(digest.hex())
    }

    /// Content whole; none if there is none. Only for what is known to be small.
    pub(crate) fn content(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StorageError> {
        let path = self.content_path(digest);
        disk::read(&path).at("read", &path)
    }

    /// A blob of a repository to read from, and its size.
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

    /// Size of a blob of a repository. Whoever asks may be about to build on it: it is young again for the sweep.
    pub(crate) fn blob_size(&self, repository: &Repository, digest: &Digest) -> Result<Option<u64>, StorageError> {
        let link = self.link_path(repository, digest);
        let Some(facts) = facts(&link)? else { return Ok(None) };
        let age = facts.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        if age.is_some_and(|age| age > FRESH) {
            // It may have gone just now; then the next look says so.
            let _ = disk::touch(&link);
        }
        let path = self.content_path(digest);
        Ok(facts_of_content(&path)?.map(|facts| facts.len()))
    }

    /// Whether a repository has this blob, or this manifest.
    pub(crate) fn has_blob(&self, repository: &Repository, digest: &Digest) -> Result<bool, StorageError> {
        Ok(facts(&self.link_path(repository, digest))?.is_some() || self.has_manifest(repository, digest)?)
    }

    /// Gives synced content its name. `placing` must be held. Content that is there already stays, made young; what was
    /// cut off in a way that no crash can explain is replaced.
    pub(crate) fn place(&self, staged: &Path, digest: &Digest) -> Result<(), StorageError> {
        let path = self.content_path(digest);
        let size = fs::metadata(staged).at("look at", staged)?.len();
        if facts_of_content(&path)?.is_some_and(|there| there.len() == size) {
            disk::touch(&path).at("touch", &path)?;
            return fs::remove_file(staged).at("remove", staged);
        }
        if let Some(shard) = path.parent() {
            disk::make_folders(&self.root, shard).at("make the folder", shard)?;
        }
        disk::settle(staged, &path).at("write", &path)
    }

    /// Places bytes that are at hand.
    pub(crate) fn place_bytes(&self, bytes: &[u8], digest: &Digest) -> Result<(), StorageError> {
        let staging = self.staging();
        let staged = disk::stage(&staging, bytes).at("write below", &staging)?;
        self.place(&staged, digest)
    }

    /// Says that a repository has a blob whose content is placed. `placing` must be held.
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

    /// Takes a blob from a repository; its content stays until it is swept. False if it had none.
    pub(crate) fn unlink_blob(&self, repository: &Repository, digest: &Digest) -> Result<bool, StorageError> {
        let path = self.link_path(repository, digest);
        disk::remove(&path).at("remove", &path)
    }

    /// When a repository's link to a blob was made or last used.
    pub(crate) fn link_age(&self, repository: &Repository, digest: &Digest) -> Result<Duration, StorageError> {
        age(&self.link_path(repository, digest))
    }
}

/// How long ago a file was written or touched; nothing for what is gone or from the future.
pub(crate) fn age(path: &Path) -> Result<Duration, StorageError> {
    let modified = facts(path)?.and_then(|facts| facts.modified().ok());
    Ok(modified.and_then(|at| SystemTime::now().duration_since(at).ok()).unwrap_or_default())
}

fn facts(path: &Path) -> Result<Option<fs::Metadata>, StorageError> {
    match fs::symlink_metadata(path) {
        Ok(facts) => Ok(Some(facts)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).at("look at", path),
    }
}

fn facts_of_content(path: &Path) -> Result<Option<fs::Metadata>, StorageError> {
    Ok(facts(path)?.filter(fs::Metadata::is_file))
}
