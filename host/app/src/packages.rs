//! Components on disk, by digest. Checks what it gives out; knows no manifest and runs nothing.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;

use handoff_package::Digest;

/// Why a component is not to be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackageError {
    /// It was never put, or its file is gone.
    #[error("package {0} is not on this host: upload it again")]
    Missing(String),
    /// Its bytes are not those of its digest.
    #[error("package file `{0}` is damaged: upload the package again")]
    Damaged(PathBuf),
    /// The operating system refused.
    #[error("package file `{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// The folder of components.
#[derive(Clone, Debug)]
pub(crate) struct Packages {
    dir: PathBuf,
}

impl Packages {
    /// Uses a folder, which is made if it is not there.
    pub(crate) fn open(dir: PathBuf) -> Result<Self, PackageError> {
        fs::create_dir_all(&dir).map_err(|source| PackageError::Io { path: dir.clone(), source })?;
        Ok(Self { dir })
    }

    /// Keeps a component; durable on return. Blocks.
    pub(crate) fn put(&self, bytes: &[u8]) -> Result<Digest, PackageError> {
        let digest = Digest::of(bytes);
        let path = self.path(&digest.to_string());
        if path.exists() {
            return Ok(digest);
        }
        let write = || {
            let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            File::open(&self.dir)?.sync_all()
        };
        write().map_err(|source| PackageError::Io { path: path.clone(), source })?;
        Ok(digest)
    }

    /// Whether a component is kept. Does not read it.
    #[must_use]
    pub(crate) fn contains(&self, digest: &str) -> bool {
        self.path(digest).exists()
    }

    /// The bytes of a component. Blocks.
    pub(crate) fn get(&self, digest: &str) -> Result<Vec<u8>, PackageError> {
        let path = self.path(digest);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(PackageError::Missing(digest.to_owned()));
            }
            Err(source) => return Err(PackageError::Io { path, source }),
        };
        if Digest::of(&bytes).to_string() == digest { Ok(bytes) } else { Err(PackageError::Damaged(path)) }
    }

    /// Only characters of a digest reach the path.
    fn path(&self, digest: &str) -> PathBuf {
        let name: String = digest.chars().filter(char::is_ascii_alphanumeric).collect();
        self.dir.join(format!("{name}.wasm"))
    }
}
