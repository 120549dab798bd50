//! Verifies the stored data: all content against its digest, all manifests against what they use, all tags. It only
//! reads, may run beside a serving registry, and repairs nothing.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::content::Content;
use crate::name::Repository;
use crate::storage::{Record, Storage, StorageError};
use handoff_package::Digest;

/// Maximum number of faults listed; the rest is only counted.
const FAULTS_LISTED_MAX: usize = 1_000;

/// The result of a verification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyReport {
    /// Contents read and hashed.
    pub contents: u64,
    /// Total bytes.
    pub bytes: u64,
    /// Repositories.
    pub repositories: u64,
    /// Manifests.
    pub manifests: u64,
    /// Tags.
    pub tags: u64,
    /// Number of faults.
    pub fault_count: u64,
    /// The faults, at most 1,000 of them.
    pub faults: Vec<Fault>,
}

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// The affected object: a digest, `REPOSITORY@DIGEST` or `REPOSITORY:TAG`.
    pub what: String,
    /// The problem and what to do.
    pub problem: String,
}

impl VerifyReport {
    /// Whether no fault was found.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.fault_count == 0
    }

    fn fault(&mut self, what: impl std::fmt::Display, problem: impl Into<String>) {
        self.fault_count = self.fault_count.saturating_add(1);
        if self.faults.len() < FAULTS_LISTED_MAX {
            self.faults.push(Fault { what: what.to_string(), problem: problem.into() });
        }
    }
}

/// Verifies a data folder. Blocks until everything is read.
///
/// # Errors
/// The folder is not a registry folder, or the system refuses to read.
pub fn verify(data: &Path) -> Result<VerifyReport, StorageError> {
    let storage = Storage::read_only(data)?;
    let mut report = VerifyReport::default();
    for shard in storage.shards()? {
        for digest in storage.content_of(&shard)? {
            check_content(&storage, &digest, &mut report);
        }
    }
    for repository in storage.all_repositories()? {
        report.repositories += 1;
        for digest in storage.all_blobs(&repository)? {
            if !storage.content_path(&digest).exists() && storage.all_blobs(&repository)?.contains(&digest) {
                report.fault(format!("{repository}@{digest}"), "the content is missing: push the blob again");
            }
        }
        for digest in storage.all_manifests(&repository)? {
            report.manifests += 1;
            check_manifest(&storage, &repository, &digest, &mut report)?;
        }
        for tag in storage.all_tags(&repository)? {
            report.tags += 1;
            let what = format!("{repository}:{tag}");
            match storage.tag(&repository, &tag) {
                Ok(Some(digest)) if storage.has_manifest(&repository, &digest)? => {}
                // Removed between listing and reading.
                Ok(found) if found != storage.tag(&repository, &tag)? || found.is_none() => {}
                Ok(_) => {
                    report.fault(what, "the tag points to a manifest that the repository does not have: push it again")
                }
                Err(error) => report.fault(what, error.to_string()),
            }
        }
    }
    Ok(report)
}

fn check_content(storage: &Storage, digest: &Digest, report: &mut VerifyReport) {
    report.contents += 1;
    match hash(&storage.content_path(digest)) {
        Ok((found, size)) => {
            report.bytes = report.bytes.saturating_add(size);
            if found != *digest {
                report.fault(
                    digest,
                    format!("the content has {size} bytes and the digest {found}: remove the file and push it again"),
                );
            }
        }
        // Removed meanwhile by garbage collection.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => report.fault(digest, format!("the content cannot be read: {error}")),
    }
}

fn hash(path: &Path) -> io::Result<(Digest, u64)> {
    let mut file = File::open(path)?;
    let (mut hasher, mut size, mut buffer) = (Sha256::new(), 0_u64, vec![0_u8; 256 << 10]);
    loop {
        let read = file.read(&mut buffer)?;
        let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else { break };
        hasher.update(part);
        size = size.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
    Ok((Digest::from_bytes(hasher.finalize().into()), size))
}

fn check_manifest(
    storage: &Storage,
    repository: &Repository,
    digest: &Digest,
    report: &mut VerifyReport,
) -> Result<(), StorageError> {
    let what = format!("{repository}@{digest}");
    let record = match storage.record(repository, digest) {
        Ok(Some(record)) => record,
        Ok(None) => return Ok(()),
        Err(error) => {
            report.fault(what, error.to_string());
            return Ok(());
        }
    };
    let Some(bytes) = storage.content(digest)? else {
        // Deleting a manifest removes its record first.
        if storage.has_manifest(repository, digest)? {
            report.fault(what, "the manifest's content is missing: push it again");
        }
        return Ok(());
    };
    let problem = match Content::read(&record.media_type, &bytes) {
        Ok(_) if u64::try_from(bytes.len()).ok() != Some(record.size) => {
            Some("the size of the manifest has changed since it was pushed".to_owned())
        }
        Ok(_) => missing(storage, repository, &record)?,
        Err(refusal) => Some(refusal.message),
    };
    if let Some(problem) = problem
        && storage.has_manifest(repository, digest)?
    {
        report.fault(what, problem);
    }
    Ok(())
}

fn missing(storage: &Storage, repository: &Repository, record: &Record) -> Result<Option<String>, StorageError> {
    for blob in &record.blobs {
        if !storage.has_blob(repository, blob)? || !storage.content_path(blob).exists() {
            return Ok(Some(format!("its blob {blob} is missing: push the blob again")));
        }
    }
    for manifest in &record.manifests {
        if !storage.has_manifest(repository, manifest)? {
            return Ok(Some(format!("the listed manifest {manifest} is missing: push it again")));
        }
    }
    Ok(None)
}
