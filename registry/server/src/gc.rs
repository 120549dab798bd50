//! Sweeps what nothing names any more: blobs that no manifest of their repository consists of, then content that no repository has.
//! Manifests and tags are never garbage. Safe while clients push: what is young stays, each repository is looked at in its turn,
//! and nothing gets a name while a content goes.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::disk;
use crate::name::Repository;
use crate::storage::{At as _, Storage, StorageError};
use handoff_package::Digest;

/// File systems keep the time of the last tick, so a file may seem this much older than it is.
const TICK: Duration = Duration::from_millis(20);

/// How to sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GcOptions {
    /// Only say what would go.
    pub dry_run: bool,
    /// What is younger stays: the manifest that names it may still come.
    pub grace: Duration,
}

/// What went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GcReport {
    /// Whether it is only what would go.
    pub dry_run: bool,
    /// Repositories that were looked at.
    pub repositories: u64,
    /// Blobs taken from a repository, because none of its manifests consists of them.
    pub blobs_unlinked: u64,
    /// Contents that stay.
    pub contents_kept: u64,
    /// Contents removed, because no repository has them.
    pub contents_removed: u64,
    /// Bytes of these.
    pub bytes_removed: u64,
    /// Uploads given up, because nobody touched them for the grace time.
    pub uploads_removed: u64,
}

/// Sweeps a data folder that no registry serves. Blocks.
///
/// # Errors
/// A registry uses the folder, it is none, or the system refuses.
pub fn gc(data: &Path, options: GcOptions) -> Result<GcReport, StorageError> {
    // First of all, so that an empty folder does not become a registry.
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

/// Sweeps blobs and content.
pub(super) fn sweep(storage: &Storage, options: GcOptions) -> Result<GcReport, StorageError> {
    let mut report = GcReport { dry_run: options.dry_run, ..GcReport::default() };
    // Whatever was being named before this moment has its name now, and is seen below; whatever comes later is younger.
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

/// Takes what is unused from a repository, and notes what stays.
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
        // A record that cannot be read ends the sweep: what it used is not known.
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

/// Removes content unless it was placed or linked lately; its bytes. Whoever names content touches it first, and cannot while
/// this looks and removes.
fn remove(
    storage: &Storage,
    digest: &Digest,
    began: SystemTime,
    options: GcOptions,
) -> Result<Option<u64>, StorageError> {
    let _sweeping = storage.sweeping();
    let path = storage.content_path(digest);
    let Ok(facts) = fs::metadata(&path) else { return Ok(None) };
    let is_newer = facts.modified().is_ok_and(|at| at + TICK >= began);
    if is_newer || crate::storage::age(&path)? < options.grace {
        return Ok(None);
    }
    if !options.dry_run {
        disk::remove(&path).at("remove", &path)?;
    }
    Ok(Some(facts.len()))
}

/// Of a registry that does not run: its own uploads expire by themselves.
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
