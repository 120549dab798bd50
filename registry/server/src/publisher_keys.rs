//! The keys of publishers that the operator keeps in a folder, for registries that accept only what a known publisher
//! signed. Files are read at each use, so that a new key needs no restart. Hosts have their own list of trusted keys and do not
//! depend on this one.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::namespaces::Namespaces;
use handoff_package::manifest::PackageName;
use handoff_package::trust::{PublicKey, TrustList};

/// Size limit of a key file, in bytes. A key has about a hundred.
const FILE_BYTES_MAX: u64 = 16 << 10;
/// Maximum number of files in the folder.
const FILES_MAX: usize = 10_000;

/// Why the folder of publishers' keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PublisherKeysError {
    /// The folder or a file in it cannot be read.
    #[error("cannot read the publishers' keys at {}", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file contains something else.
    #[error(
        "{}: {problem}; expected `PUBLISHER.pub` or `PUBLISHER.NOTE.pub` with a public key as `handoff keys show` prints it", path.display()
    )]
    File {
        /// The file.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
}

/// Who may sign for whom: the keys of the folder and those of bound namespaces.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys<'a> {
    pub(super) folder: Option<&'a PublisherKeys>,
    pub(super) namespaces: &'a Namespaces,
}

impl Keys<'_> {
    /// The keys of a package's publisher; none if the registry accepts any well-formed signature under this name. Blocks.
    pub(super) fn of(&self, package: &PackageName) -> Result<Option<TrustList>, PublisherKeysError> {
        let namespaces = |source| PublisherKeysError::Io { path: PathBuf::from("namespaces"), source };
        let publisher = package
            .publisher()
            .parse()
            .map_err(|_| namespaces(std::io::Error::other("the package has no publisher")))?;
        let bound = self.namespaces.keys(package.publisher()).map_err(namespaces)?;
        let known = self.folder.map(|folder| folder.of(package)).transpose()?;
        if bound.is_none() && known.is_none() {
            return Ok(None);
        }
        let mut list = known.unwrap_or_default();
        for key in bound.unwrap_or_default() {
            // A key that the folder has, too, is there already.
            if !list.keys(package.publisher()).iter().any(|known| known.key == key) {
                list.add(&publisher, key, 0).map_err(|error| namespaces(std::io::Error::other(error)))?;
            }
        }
        Ok(Some(list))
    }
}

/// A folder with files `PUBLISHER.pub` and, for further keys, `PUBLISHER.NOTE.pub`.
#[derive(Debug, Clone)]
pub(super) struct PublisherKeys {
    folder: PathBuf,
}

impl PublisherKeys {
    /// Uses a folder, after reading all of it once. Blocks.
    pub(super) fn open(folder: &Path) -> Result<Self, PublisherKeysError> {
        let keys = Self { folder: folder.to_path_buf() };
        keys.read(|_| true)?;
        Ok(keys)
    }

    /// The keys of a package's publisher. Blocks.
    pub(super) fn of(&self, package: &PackageName) -> Result<TrustList, PublisherKeysError> {
        self.read(|publisher| publisher == package.publisher())
    }

    fn read(&self, is_wanted: impl Fn(&str) -> bool) -> Result<TrustList, PublisherKeysError> {
        let io = |path: &Path| {
            let path = path.to_path_buf();
            move |source| PublisherKeysError::Io { path, source }
        };
        let mut list = TrustList::default();
        for entry in fs::read_dir(&self.folder).map_err(io(&self.folder))?.take(FILES_MAX) {
            let path = entry.map_err(io(&self.folder))?.path();
            let Some(stem) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".pub")) else { continue };
            let publisher = stem.split('.').next().unwrap_or(stem);
            if !is_wanted(publisher) {
                continue;
            }
            let mut text = String::new();
            let file = File::open(&path).map_err(io(&path))?;
            file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(io(&path))?;
            let bad = |problem: String| PublisherKeysError::File { path: path.clone(), problem };
            let key: PublicKey = text.parse().map_err(|error| bad(format!("{error}")))?;
            let publisher = publisher.parse().map_err(bad)?;
            list.add(&publisher, key, 0).map_err(|error| bad(error.to_string()))?;
        }
        Ok(list)
    }
}
