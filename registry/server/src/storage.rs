//! The registry's storage. Files are the source of truth: content by digest, and small synced files that say what a
//! repository has. An index in sled answers look-ups; it is rebuilt from the files unless the last stop was clean. It
//! knows no HTTP and no publishing rules.
//!
//! # Layout of the data folder
//! ```text
//! format                                   version of this layout
//! lock                                     held by the writing process
//! blobs/sha256/ab/ab…                      content, manifests included; added and collected, never changed
//! repositories/NAME/_blobs/HEX             empty: the repository has this blob
//! repositories/NAME/_manifests/HEX         JSON: data of this manifest (see `record`)
//! repositories/NAME/_tags/TAG              the digest that the tag names
//! uploads/ID/{about,data}                  an unfinished upload
//! staging/                                 files that do not have their name yet; emptied at start
//! index/, index.clean                      sled, and the marker of a clean stop
//! namespaces/requests/PUBLISHER.HEX.json   a request for a name that waits (see `namespaces`)
//! namespaces/bound/PUBLISHER/HEX.pub       a key that may sign for the name; no key: the name is reserved
//! failure-counts/PUBLISHER/NAME/DAY.json   what hosts reported on a day, counted from 1970-01-01 (see `failure_counts`)
//! audit.jsonl                              what administrators changed by command, a JSON object per line
//! ```
//! No part of a repository's name begins with `_`, so nested repositories do not clash with these.

mod blobs;
mod index;
mod record;
mod tags;
mod walk;

pub(super) use blobs::age;
pub(super) use index::{Index, PackageRow, Referrer};
pub(super) use record::{PackageData, Record};

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
use sha2::{Digest as _, Sha256};

use crate::disk;
use crate::name::Repository;

const FORMAT: &str = "handoff-registry 1\n";
/// Number of repository locks: two repositories share one only by chance.
const LOCKS: usize = 64;

/// Why the registry's data could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The system refused.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// The operation.
        what: &'static str,
        /// The path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Another process uses the folder.
    #[error(
        "the data folder {} is used by another registry process: stop it first, or use another folder", _0.display()
    )]
    Locked(PathBuf),
    /// The folder has another format.
    #[error(
        "{} contains `{found}`, but this version uses `{}`: use the version of handoff that wrote it, or an empty folder",
        path.display(), FORMAT.trim_end()
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// Its content.
        found: String,
    },
    /// The folder contains something else.
    #[error("{} is not empty and not a registry folder: use an empty folder or the right one", _0.display())]
    NotARegistry(PathBuf),
    /// The folder is not a registry.
    #[error("{} is not a registry folder: name the folder of `handoff registry serve --data`", _0.display())]
    NoRegistry(PathBuf),
    /// A folder that clients use without a server.
    #[error(
        "{} is a folder of packages that hosts and publishers use directly, without a server: it needs no garbage collection, and every client that \
         takes a package from it checks every byte; `handoff registry` is for the folder of `handoff registry serve --data`",
        _0.display()
    )]
    FolderRegistry(PathBuf),
    /// A file has invalid content.
    #[error("{} is damaged ({detail}): `handoff registry verify` lists all damage", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The problem.
        detail: String,
    },
    /// The index failed. The next start rebuilds it.
    #[error("the registry's index failed: restart the registry to rebuild it from the files")]
    Index(#[source] sled::Error),
}

/// Adds the operation and path to a system error.
pub(super) trait At<T> {
    fn at(self, what: &'static str, path: &Path) -> Result<T, StorageError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, what: &'static str, path: &Path) -> Result<T, StorageError> {
        self.map_err(|source| StorageError::Io { what, path: path.to_path_buf(), source })
    }
}

/// The data folder of a registry. All methods block: call them off the async threads.
#[derive(Debug)]
pub(super) struct Storage {
    root: PathBuf,
    index: Option<Index>,
    /// Writers of a repository take turns.
    repositories: Vec<Mutex<()>>,
    /// Shared while content is placed and named; exclusive while garbage is removed.
    placing: RwLock<()>,
    /// Held for the life of the process. None: read only.
    _lock: Option<File>,
}

impl Storage {
    /// Opens or creates a data folder, exclusively for this process.
    pub(super) fn open(root: &Path) -> Result<Self, StorageError> {
        fs::create_dir_all(root).at("make the folder", root)?;
        let lock = lock(root)?;
        let format = root.join("format");
        match disk::read(&format).at("read", &format)? {
            Some(bytes) => check_format(&format, &bytes)?,
            None => create(root)?,
        }
        let staging = root.join("staging");
        for name in disk::names(&staging).at("list", &staging)? {
            let path = staging.join(name);
            fs::remove_file(&path).at("remove", &path)?;
        }
        let mut storage = Self::bare(root, Some(lock));
        storage.index = Some(Index::open(&storage)?);
        Ok(storage)
    }

    /// The same folder, read only: no lock, no index, and a registry may write meanwhile.
    pub(super) fn read_only(root: &Path) -> Result<Self, StorageError> {
        let format = root.join("format");
        match disk::read(&format).at("read", &format)? {
            Some(bytes) => check_format(&format, &bytes)?,
            None if holds_layouts(root) => return Err(StorageError::FolderRegistry(root.to_path_buf())),
            None => return Err(StorageError::NoRegistry(root.to_path_buf())),
        }
        Ok(Self::bare(root, None))
    }

    fn bare(root: &Path, lock: Option<File>) -> Self {
        let repositories = std::iter::repeat_with(Mutex::default).take(LOCKS).collect();
        Self { root: root.to_path_buf(), index: None, repositories, placing: RwLock::default(), _lock: lock }
    }

    /// Writes the marker that lets the next start use the index.
    pub(super) fn close(&self) -> Result<(), StorageError> {
        self.index.as_ref().map_or(Ok(()), |index| index.close(&self.root))
    }

    /// The folder itself.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Look-ups.
    pub(super) fn index(&self) -> Result<&Index, StorageError> {
        self.index
            .as_ref()
            .ok_or_else(|| StorageError::Index(sled::Error::Unsupported("opened to be read only".into())))
    }

    /// Waits for the lock of a repository.
    pub(super) fn turn(&self, repository: &Repository) -> MutexGuard<'_, ()> {
        let hash = Sha256::digest(repository.as_str());
        let place = hash.first().map_or(0, |byte| usize::from(*byte) % LOCKS);
        // Always in bounds: there are LOCKS of them.
        self.repositories.get(place).unwrap_or(&self.repositories[0]).lock()
    }

    /// While held, no garbage is removed. Taken before a repository's lock.
    pub(super) fn placing(&self) -> RwLockReadGuard<'_, ()> {
        self.placing.read()
    }

    /// While held, no content is named.
    pub(super) fn sweeping(&self) -> RwLockWriteGuard<'_, ()> {
        self.placing.write()
    }

    /// Where files wait for their name.
    pub(super) fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    /// Unfinished uploads.
    pub(super) fn uploads(&self) -> PathBuf {
        self.root.join("uploads")
    }

    fn folder(&self, repository: &Repository, part: &str) -> PathBuf {
        self.root.join("repositories").join(repository.as_str()).join(part)
    }
}

fn lock(root: &Path) -> Result<File, StorageError> {
    use rustix::fs::{FlockOperation, flock};
    let path = root.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path).at("open", &path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StorageError::Locked(root.to_path_buf())),
        Err(error) => Err(error.into()).at("lock", &path),
    }
}

fn check_format(path: &Path, bytes: &[u8]) -> Result<(), StorageError> {
    if bytes == FORMAT.as_bytes() {
        return Ok(());
    }
    let found = String::from_utf8_lossy(bytes).trim_end().chars().take(60).collect();
    Err(StorageError::Format { path: path.to_path_buf(), found })
}

/// Whether `publisher/name` below a folder is an OCI layout: then clients use it as a registry without a server.
fn holds_layouts(root: &Path) -> bool {
    let below =
        |folder: &Path| disk::names(folder).unwrap_or_default().into_iter().map(|name| folder.join(name)).collect();
    let publishers: Vec<PathBuf> = below(root);
    publishers.iter().any(|publisher| {
        let packages: Vec<PathBuf> = below(publisher);
        packages.iter().any(|package| package.join("oci-layout").is_file())
    })
}

/// The format file comes last: a folder that has it is complete.
fn create(root: &Path) -> Result<(), StorageError> {
    let ours = ["lock", "blobs", "repositories", "uploads", "staging"];
    let found = disk::names(root).at("list", root)?;
    if found.iter().any(|name| !ours.contains(&name.as_str())) {
        let root = root.to_path_buf();
        return Err(if holds_layouts(&root) {
            StorageError::FolderRegistry(root)
        } else {
            StorageError::NotARegistry(root)
        });
    }
    for name in ["blobs/sha256", "repositories", "uploads", "staging"] {
        let path = root.join(name);
        disk::make_folders(root, &path).at("make the folder", &path)?;
    }
    let staged = disk::stage(&root.join("staging"), FORMAT.as_bytes()).at("write below", root)?;
    disk::settle(&staged, &root.join("format")).at("write below", root)?;
    root.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or(Ok(()), disk::sync_folder).at("sync", root)
}
