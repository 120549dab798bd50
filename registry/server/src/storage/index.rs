//! The index: what lists and look-ups need, sorted, in sled. It contains nothing that is not in the files, and is
//! rebuilt whenever it may be incomplete. sled's flush is not durable and sled may not open after a kill, so it is
//! trusted only with the marker of a clean stop.

mod build;
mod rows;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

use super::record::Record;
use super::{At as _, Storage, StorageError};
use crate::disk;
use crate::name::{Repository, Tag};
use handoff_package::Digest;

/// Changes with the keys or rows below: an older index is rebuilt.
const SCHEMA: &[u8] = b"1";
const CACHE_BYTES: u64 = 16 << 20;

/// The open index.
pub(crate) struct Index {
    /// None once it is closed.
    db: RwLock<Option<sled::Db>>,
    /// A file and its row may differ: the next start rebuilds the index.
    suspect: AtomicBool,
    /// Whether this start rebuilt it.
    rebuilt: bool,
}

/// The index row of a manifest that refers to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Referrer {
    pub(crate) media_type: String,
    pub(crate) artifact_type: Option<String>,
    pub(crate) size: u64,
}

/// The index row of a package, for search and its page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PackageRow {
    /// The repository.
    pub(crate) name: String,
    /// The newest version that may be chosen.
    pub(crate) version: String,
    /// Status of that version: `active`, `deprecated`, `yanked` or `recalled`.
    pub(crate) status: String,
    /// Title.
    pub(crate) title: String,
    /// Summary.
    pub(crate) summary: String,
    /// SPDX expression.
    pub(crate) license: String,
    /// When that version was pushed, in milliseconds since 1970.
    pub(crate) published_at: u64,
    /// Number of versions.
    pub(crate) versions: u64,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").field("rebuilt", &self.rebuilt).finish_non_exhaustive()
    }
}

impl Index {
    /// Opens the index, or rebuilds it from the files.
    pub(super) fn open(storage: &Storage) -> Result<Self, StorageError> {
        let folder = storage.root().join("index");
        let mark = storage.root().join("index.clean");
        let was_clean = disk::remove(&mark).at("remove", &mark)?;
        if was_clean {
            match open_db(&folder) {
                Ok(db) if db.get(rows::SCHEMA_KEY).ok().flatten().as_deref() == Some(SCHEMA) => {
                    return Ok(Self::of(db, false));
                }
                Ok(_) => tracing::info!("the registry's index has another version: rebuilding it"),
                Err(error) => tracing::warn!(%error, "cannot open the registry's index: rebuilding it"),
            }
        }
        if folder.exists() {
            std::fs::remove_dir_all(&folder).at("remove", &folder)?;
        }
        let index = Self::of(open_db(&folder).map_err(StorageError::Index)?, true);
        index.build(storage)?;
        index.db()?.insert(rows::SCHEMA_KEY, SCHEMA).map_err(StorageError::Index)?;
        Ok(index)
    }

    fn of(db: sled::Db, rebuilt: bool) -> Self {
        Self { db: RwLock::new(Some(db)), suspect: AtomicBool::new(false), rebuilt }
    }

    /// Whether this start rebuilt it, so that derived rows are missing.
    pub(crate) fn is_rebuilt(&self) -> bool {
        self.rebuilt
    }

    /// Marks that a row may be missing.
    pub(crate) fn suspect(&self) {
        self.suspect.store(true, Ordering::Relaxed);
    }

    /// Closes it and writes the clean-stop marker, unless a row may be missing.
    pub(super) fn close(&self, root: &Path) -> Result<(), StorageError> {
        let Some(db) = self.db.write().take() else { return Ok(()) };
        db.flush().map_err(StorageError::Index)?;
        drop(db);
        if self.suspect.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mark = root.join("index.clean");
        disk::mark(&mark).at("write", &mark).map(|_| ())
    }

    fn db(&self) -> Result<sled::Db, StorageError> {
        let closed = || StorageError::Index(sled::Error::Unsupported("the registry is stopping".into()));
        self.db.read().clone().ok_or_else(closed)
    }

    fn apply(&self, batch: sled::Batch) -> Result<(), StorageError> {
        self.db()?.apply_batch(batch).map_err(StorageError::Index)
    }

    pub(super) fn put_repository(&self, repository: &Repository) -> Result<(), StorageError> {
        self.db()?.insert(rows::repository(repository.as_str()), &[]).map_err(StorageError::Index).map(|_| ())
    }

    pub(super) fn put_manifest(
        &self,
        repository: &Repository,
        digest: &Digest,
        record: &Record,
    ) -> Result<(), StorageError> {
        let mut batch = sled::Batch::default();
        batch.insert(rows::repository(repository.as_str()), &[]);
        for used in record.blobs.iter().chain(&record.manifests) {
            batch.insert(rows::usage(repository, used, digest), &[]);
        }
        if let Some(subject) = &record.subject {
            let row = Referrer {
                media_type: record.media_type.clone(),
                artifact_type: record.artifact_type.clone(),
                size: record.size,
            };
            batch.insert(rows::referrer(repository, subject, digest), rows::json(&row));
        }
        self.apply(batch)
    }

    pub(super) fn remove_manifest(
        &self,
        repository: &Repository,
        digest: &Digest,
        record: &Record,
    ) -> Result<(), StorageError> {
        let mut batch = sled::Batch::default();
        for used in record.blobs.iter().chain(&record.manifests) {
            batch.remove(rows::usage(repository, used, digest));
        }
        if let Some(subject) = &record.subject {
            batch.remove(rows::referrer(repository, subject, digest));
        }
        self.apply(batch)
    }

    pub(super) fn put_tag(
        &self,
        repository: &Repository,
        tag: &Tag,
        before: Option<&Digest>,
        digest: &Digest,
    ) -> Result<(), StorageError> {
        let mut batch = sled::Batch::default();
        if let Some(before) = before {
            batch.remove(rows::name(repository, before, tag));
        }
        batch.insert(rows::repository(repository.as_str()), &[]);
        batch.insert(rows::tag(repository, tag.as_str()), digest.as_bytes());
        batch.insert(rows::name(repository, digest, tag), &[]);
        self.apply(batch)
    }

    pub(super) fn remove_tag(&self, repository: &Repository, tag: &Tag, before: &Digest) -> Result<(), StorageError> {
        let mut batch = sled::Batch::default();
        batch.remove(rows::tag(repository, tag.as_str()));
        batch.remove(rows::name(repository, before, tag));
        self.apply(batch)
    }

    /// Sets what search shows of a package; none removes it.
    pub(crate) fn put_package(&self, repository: &Repository, row: Option<&PackageRow>) -> Result<(), StorageError> {
        let key = rows::package(repository.as_str());
        let db = self.db()?;
        let done = match row {
            Some(row) => db.insert(key, rows::json(row)),
            None => db.remove(key),
        };
        done.map_err(StorageError::Index).map(|_| ())
    }
}

fn open_db(folder: &Path) -> Result<sled::Db, sled::Error> {
    sled::Config::new().path(folder).cache_capacity(CACHE_BYTES).flush_every_ms(Some(5_000)).open()
}
