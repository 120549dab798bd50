//! Stores blobs in files: one folder for each kind, each file named by the sha256 of its content. Does not verify
//! content.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::files;
use crate::journal::blobs::parse_hex;
use crate::journal::{BlobDigest, BlobKind, Blobs, JournalError};

/// The folders of blobs.
pub(super) struct FileBlobs {
    bodies: PathBuf,
    packages: PathBuf,
}

impl FileBlobs {
    /// The blob folders of a data folder.
    pub(super) fn of(data: &Path) -> Self {
        Self { bodies: data.join("bodies"), packages: data.join("packages") }
    }

    /// The folder paths; the folders must exist.
    pub(super) fn folders(&self) -> [&Path; 2] {
        [&self.bodies, &self.packages]
    }

    fn dir(&self, kind: BlobKind) -> &Path {
        match kind {
            BlobKind::Body => &self.bodies,
            BlobKind::Package => &self.packages,
        }
    }

    fn path(&self, kind: BlobKind, digest: &BlobDigest) -> PathBuf {
        self.dir(kind).join(hex::encode(digest))
    }
}

impl Blobs for FileBlobs {
    fn put(&self, kind: BlobKind, digest: &BlobDigest, bytes: &[u8]) -> Result<(), JournalError> {
        let path = self.path(kind, digest);
        let is_kept = fs::read(&path).is_ok_and(|kept| kept == bytes);
        let done = if is_kept { touch(&path) } else { files::replace(&path, |file| file.write_all(bytes)) };
        done.map_err(JournalError::io("write", &path))
    }

    fn get(&self, kind: BlobKind, digest: &BlobDigest) -> Result<Option<Vec<u8>>, JournalError> {
        let path = self.path(kind, digest);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(JournalError::io("read", &path)(error)),
        }
    }

    fn size(&self, kind: BlobKind, digest: &BlobDigest) -> Option<u64> {
        fs::metadata(self.path(kind, digest)).ok().map(|found| found.len())
    }

    fn name(&self, kind: BlobKind, digest: &BlobDigest) -> String {
        self.path(kind, digest).display().to_string()
    }

    fn older_than(&self, kind: BlobKind, age: Duration) -> Result<BTreeSet<BlobDigest>, JournalError> {
        let dir = self.dir(kind);
        let mut old = BTreeSet::new();
        for entry in fs::read_dir(dir).map_err(JournalError::io("list", dir))?.flatten() {
            let Some(digest) = entry.file_name().to_str().and_then(parse_hex) else { continue };
            let written = entry.metadata().and_then(|found| found.modified()).ok();
            if written.and_then(|time| time.elapsed().ok()).is_some_and(|elapsed| elapsed > age) {
                old.insert(digest);
            }
        }
        Ok(old)
    }

    fn remove(&self, kind: BlobKind, digest: &BlobDigest) -> Result<(), JournalError> {
        let path = self.path(kind, digest);
        fs::remove_file(&path).map_err(JournalError::io("delete", &path))
    }
}

/// Sets a file's time to now and makes the file durable: its writer may have died after naming it, but before syncing
/// it.
fn touch(path: &Path) -> io::Result<()> {
    let file = File::options().append(true).open(path)?;
    file.set_modified(SystemTime::now())?;
    file.sync_all()?;
    files::sync_folder_of(path)
}
