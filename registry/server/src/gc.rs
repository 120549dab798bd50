//! Garbage collection: removes blobs that no manifest of their repository uses, then content that no repository has.
//! Manifests and tags are never garbage. It is safe while clients push: recent files stay, each repository is locked in
//! turn, and nothing can be named while content is removed.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::disk;
use crate::name::Repository;
use crate::storage::{At as _, Storage, StorageError};
use handoff_package::Digest;

/// File systems store the time of the last tick, so a file may seem this much older than it is.
const TICK: Duration = Duration::from_millis(20);

/// Garbage collection options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GcOptions {
    /// Only report what would be removed.
    pub dry_run: bool,
    /// Younger files stay: the manifest that uses them may still be pushed.
    pub grace: Duration,
}

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GcReport {
    /// Whether this was a dry run.
    pub dry_run: bool,
    /// Repositories checked.
    pub repositories: u64,
    /// Blobs removed from a repository because none of its manifests uses them.
    pub blobs_unlinked: u64,
    /// Contents kept.
    pub contents_kept: u64,
    /// Contents removed because no repository has them.
    pub contents_removed: u64,
    /// Total bytes of the removed contents.
    pub bytes_removed: u64,
    /// Uploads cancelled because they were idle for the grace time.
    pub uploads_removed: u64,
}

/// Collects garbage in a data folder that no registry serves. Blocks.
///
/// # Errors
/// A registry uses the folder, it is not a registry folder, or the system refuses.
pub fn gc(data: &Path, options: GcOptions) -> Result<GcReport, StorageError> {
    // Check first, so that an empty folder does not become a registry.
    drop(Storage::read_only(data)?);
    let storage = Storage::open(data)?;
    let mut report = sweep(&storage, options)?;
    report.uploads_removed = sweep_uploads(&storage, options)?;
    if storage.index()?.is_rebuilt() {
        crate::packages::refresh_all(&storage)?;
    }
    storage.close()?;
    Ok(report)
}

/// Collects blobs and content.
pub(super) fn sweep(storage: &Storage, options: GcOptions) -> Result<GcReport, StorageError> {
    let mut report = GcReport { dry_run: options.dry_run, ..GcReport::default() };
    // Everything that was being named before this point has its name now and is seen below; what comes later is
    // younger.
    let began = {
        let _sweeping = storage.sweeping();
        SystemTime::now()
    };
    let mut named = HashSet::new();
    for repository in storage.all_repositories()? {
        report.repositories += 1;
        report.blobs_unlinked += unlink(storage, &repository, options, &mut named)?;
    }
    for shard in storage.shards()? {
        for digest in storage.content_of(&shard)? {
            if named.contains(&digest) {
                report.contents_kept += 1;
                continue;
            }
            match remove(storage, &digest, began, options)? {
                Some(bytes) => {
                    report.contents_removed += 1;
                    report.bytes_removed = report.bytes_removed.saturating_add(bytes);
                }
                None => report.contents_kept += 1,
            }
        }
    }
    Ok(report)
}

/// Removes unused blobs from a repository, and notes the ones in use.
fn unlink(
    storage: &Storage,
    repository: &Repository,
    options: GcOptions,
    named: &mut HashSet<Digest>,
) -> Result<u64, StorageError> {
    let _turn = storage.turn(repository);
    let mut used = HashSet::new();
    for digest in storage.all_manifests(repository)? {
        named.insert(digest);
        // An unreadable manifest record stops the collection: it is unknown what it uses.
        used.extend(storage.record(repository, &digest)?.into_iter().flat_map(|record| record.blobs));
    }
    let mut unlinked = 0;
    for digest in storage.all_blobs(repository)? {
        if used.contains(&digest) || storage.link_age(repository, &digest)? < options.grace {
            named.insert(digest);
            continue;
        }
        unlinked += 1;
        if !options.dry_run {
            storage.unlink_blob(repository, &digest)?;
        }
    }
    Ok(unlinked)
}

/// Removes content unless it was placed or linked recently; returns its size. Writers touch content before they name
/// it, and cannot do so during the check and removal here.
fn remove(
    storage: &Storage,
    digest: &Digest,
    began: SystemTime,
    options: GcOptions,
) -> Result<Option<u64>, StorageError> {
    let _sweeping = storage.sweeping();
    let path = storage.content_path(digest);
    let Ok(metadata) = fs::metadata(&path) else { return Ok(None) };
    let is_newer = metadata.modified().is_ok_and(|at| at + TICK >= began);
    if is_newer || crate::storage::age(&path)? < options.grace {
        return Ok(None);
    }
    if !options.dry_run {
        disk::remove(&path).at("remove", &path)?;
    }
    Ok(Some(metadata.len()))
}

/// Only for a registry that is not running: a running one expires its own uploads.
fn sweep_uploads(storage: &Storage, options: GcOptions) -> Result<u64, StorageError> {
    let folder = storage.uploads();
    let mut removed = 0;
    for id in disk::names(&folder).at("list", &folder)? {
        let upload = folder.join(id);
        if !upload.is_dir() {
            continue;
        }
        let data = upload.join("data");
        let used = if data.exists() { data } else { upload.clone() };
        if crate::storage::age(&used)? >= options.grace {
            removed += 1;
            if !options.dry_run {
                fs::remove_dir_all(&upload).at("remove", &upload)?;
            }
        }
    }
    Ok(removed)
}
