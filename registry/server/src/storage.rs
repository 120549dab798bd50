//! What the registry keeps. Files are the truth: content by digest, and beside it small synced files that say what a repository
//! holds. An index in sled answers look-ups, and is made anew from the files whenever the last stop was not a clean one. Knows
//! no HTTP and no rules of publishing.
//!
//! # Layout of the data folder
//! ```text
//! format                                   version of this layout
//! lock                                     held by the one process that writes
//! blobs/sha256/ab/ab…                      content, manifests too; never changed, only added and swept
//! repositories/NAME/_blobs/HEX             empty: the repository has this blob
//! repositories/NAME/_manifests/HEX         JSON: what is known of this manifest (see `record`)
//! repositories/NAME/_tags/TAG              the digest that the tag names
//! uploads/ID/{about,data}                  an upload that is not finished
//! staging/                                 files on their way to a name; emptied at start
//! index/, index.clean                      sled, and the mark that the last stop was a clean one
//! ```
//! A repository's name has no part that begins with `_`, so repositories below repositories do not clash with these.

mod blobs;
mod index;
mod record;
mod tags;
mod walk;

pub(super) use blobs::age;
pub(super) use index::{Index, PackageRow, Referrer};
pub(super) use record::{PackageFacts, Record};

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
use sha2::{Digest as _, Sha256};

use crate::disk;
use crate::name::Repository;

const FORMAT: &str = "handoff-registry 1\n";
/// Locks of repositories: two of them share one only by chance.
const LOCKS: usize = 64;

/// Why the registry's data could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The system refused.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another process has it.
    #[error(
        "the data folder {} is used by another registry process: stop that one first, or give another folder", _0.display()
    )]
    Locked(PathBuf),
    /// Of another version, or something else altogether.
    #[error(
        "{} says `{found}`, and this version keeps `{}`: use the version of handoff that wrote it, or an empty folder",
        path.display(), FORMAT.trim_end()
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: String,
    },
    /// Something else is there.
    #[error("{} is not empty and holds no registry: give an empty folder, or the right one", _0.display())]
    NotARegistry(PathBuf),
    /// Nothing to be looked at.
    #[error("{} holds no registry: name the folder that `handoff registry serve --data` keeps", _0.display())]
    NoRegistry(PathBuf),
    /// A folder that clients read and write without a server.
    #[error(
        "{} is a folder of packages that hosts and publishers use directly, without a server: it needs no sweeping, and whoever \
         takes a package from it checks every byte; `handoff registry` is for the folder of `handoff registry serve --data`",
        _0.display()
    )]
    FolderRegistry(PathBuf),
    /// A file does not hold what it should.
    #[error("{} is damaged ({detail}): `handoff registry verify` shows all that is", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The index failed. It is made anew at the next start.
    #[error("the registry's index failed; restart the registry, and it is made anew from the files")]
    Index(#[source] sled::Error),
}

/// Adds what was tried, and where, to an error of the system.
pub(super) trait At<T> {
    fn at(self, what: &'static str, path: &Path) -> Result<T, StorageError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, what: &'static str, path: &Path) -> Result<T, StorageError> {
        self.map_err(|source| StorageError::Io { what, path: path.to_path_buf(), source })
    }
}

/// The data folder of a registry. Everything here blocks: call it off the async threads.
#[derive(Debug)]
pub(super) struct Storage {
    root: PathBuf,
    index: Option<Index>,
    /// Writers of a repository take turns.
    repositories: Vec<Mutex<()>>,
    /// Shared while content is placed and named; exclusive while garbage goes.
    placing: RwLock<()>,
    /// Held for the life of the process. None: only reads.
    _lock: Option<File>,
}

impl Storage {
    /// Opens or makes a data folder, for this process alone.
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

    /// The same folder, only to be read: no lock, no index, and a registry may be writing meanwhile.
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

    /// Leaves the mark that the index may be used again.
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

    /// Waits for the turn to change a repository.
    pub(super) fn turn(&self, repository: &Repository) -> MutexGuard<'_, ()> {
        let hash = Sha256::digest(repository.as_str());
        let place = hash.first().map_or(0, |byte| usize::from(*byte) % LOCKS);
        // Never out of bounds: there are LOCKS of them.
        self.repositories.get(place).unwrap_or(&self.repositories[0]).lock()
    }

    /// While this is held no garbage goes. Taken before a repository's turn.
    pub(super) fn placing(&self) -> RwLockReadGuard<'_, ()> {
        self.placing.read()
    }

    /// While this is held nothing new gets a name.
    pub(super) fn sweeping(&self) -> RwLockWriteGuard<'_, ()> {
        self.placing.write()
    }

    /// Where files wait for their name.
    pub(super) fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    /// Where unfinished uploads are.
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

/// The format's file comes last: a folder that has it has everything.
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
