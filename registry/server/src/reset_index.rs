//! Sets the index of a package back to one that was pushed before: for an administrator, after somebody pushed an index
//! that locks the package's publisher out. Everything else about the package stays. The decision is recorded in
//! `audit.jsonl` in the data folder.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::Serialize;

use crate::audit::{self, REASON_CHARS_MAX};
use crate::name::{Repository, Tag};
use crate::packages;
use crate::publish;
use crate::storage::{At as _, Storage, StorageError};
use handoff_package::Digest;
use handoff_package::artifact::{INDEX_TAG, INDEX_TYPE};

/// Maximum number of indexes that an error lists.
const LISTED_MAX: usize = 10;

/// Which index is to be the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexChoice {
    /// None: the package has no index until its publisher pushes one.
    None,
    /// The one with this sequence number.
    Sequence(u64),
    /// The one in this manifest.
    Manifest(Digest),
}

impl FromStr for IndexChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(0) => Ok(Self::None),
            Ok(sequence) => Ok(Self::Sequence(sequence)),
            Err(_) => text.parse().map(Self::Manifest).map_err(|_| {
                "expected a sequence number, 0 for no index, or the digest of a manifest (`sha256:…`)".to_owned()
            }),
        }
    }
}

/// An index in the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexState {
    /// Its sequence number; none if hosts could not read the index.
    pub sequence: Option<u64>,
    /// Digest of its manifest.
    pub manifest: Digest,
}

impl fmt::Display for IndexState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sequence {
            Some(sequence) => write!(f, "{sequence} ({})", self.manifest),
            None => write!(f, "not readable ({})", self.manifest),
        }
    }
}

/// What was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResetReport {
    /// The package's repository.
    pub repository: String,
    /// The index until now.
    pub from: Option<IndexState>,
    /// The index from now on.
    pub to: Option<IndexState>,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// The data folder.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The name is not one of a package.
    #[error("{0}")]
    Name(String),
    /// There is no such repository.
    #[error("this registry has no package {0}")]
    NoPackage(String),
    /// There is no such index.
    #[error("{package} has no index {wanted} that hosts could read; it has: {}", list(.there))]
    NoIndex {
        /// The package.
        package: String,
        /// What was asked for.
        wanted: String,
        /// The newest readable ones.
        there: Vec<IndexState>,
    },
    /// Several indexes have the number.
    #[error(
        "{package} has several indexes with the number {sequence}, and only one is the publisher's: ask the publisher, and name its \
         manifest: {}", list(.there)
    )]
    Ambiguous {
        /// The package.
        package: String,
        /// The number.
        sequence: u64,
        /// The indexes.
        there: Vec<IndexState>,
    },
    /// No reason was given.
    #[error("a reason of 1 to {REASON_CHARS_MAX} characters is needed: it is recorded")]
    Reason,
}

fn list(there: &[IndexState]) -> String {
    if there.is_empty() {
        return "none".to_owned();
    }
    there.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Sets the index of a package in a data folder that no registry serves. Blocks.
///
/// # Errors
/// A registry uses the folder, it is not a registry folder, there is no such index, or the system refuses.
pub fn reset_index(data: &Path, package: &str, to: IndexChoice, reason: &str) -> Result<ResetReport, ResetError> {
    let reason = audit::reason(reason).ok_or(ResetError::Reason)?;
    let repository = Repository::parse(package).map_err(|refusal| ResetError::Name(refusal.message))?;
    // Check first, so that an empty folder does not become a registry.
    drop(Storage::read_only(data)?);
    let storage = Storage::open(data)?;
    if storage.index()?.is_rebuilt() {
        packages::refresh_all(&storage)?;
    }
    let report = reset(&storage, data, &repository, to, reason);
    storage.close()?;
    report
}

fn reset(
    storage: &Storage,
    data: &Path,
    repository: &Repository,
    to: IndexChoice,
    reason: &str,
) -> Result<ResetReport, ResetError> {
    let tag = Tag::parse(INDEX_TAG).ok_or_else(|| ResetError::Name(INDEX_TAG.to_owned()))?;
    if !storage.index()?.has_repository(repository)? {
        return Err(ResetError::NoPackage(repository.to_string()));
    }
    let from = match storage.tag(repository, &tag)? {
        Some(manifest) => Some(IndexState { sequence: sequence(storage, &manifest)?, manifest }),
        None => None,
    };
    let to = chosen(storage, repository, to)?;
    let report = ResetReport { repository: repository.to_string(), from, to };
    audit::record(data, "reset-index", reason, &report).at("append to", &data.join(audit::FILE))?;
    match &report.to {
        Some(state) => storage.put_tag(repository, &tag, &state.manifest)?,
        None => drop(storage.remove_tag(repository, &tag)?),
    }
    packages::refresh(storage, repository)?;
    Ok(report)
}

fn chosen(storage: &Storage, repository: &Repository, wanted: IndexChoice) -> Result<Option<IndexState>, ResetError> {
    if wanted == IndexChoice::None {
        return Ok(None);
    }
    let mut there = readable(storage, repository)?;
    there.sort_by_key(|state| std::cmp::Reverse(state.sequence));
    let fits = |state: &&IndexState| match wanted {
        IndexChoice::None => false,
        IndexChoice::Sequence(number) => state.sequence == Some(number),
        IndexChoice::Manifest(digest) => state.manifest == digest,
    };
    let fitting: Vec<IndexState> = there.iter().filter(fits).copied().collect();
    let package = repository.to_string();
    match (fitting.as_slice(), wanted) {
        ([one], _) => Ok(Some(*one)),
        ([], _) => {
            there.truncate(LISTED_MAX);
            let wanted = match wanted {
                IndexChoice::None => "0".to_owned(),
                IndexChoice::Sequence(number) => number.to_string(),
                IndexChoice::Manifest(digest) => digest.to_string(),
            };
            Err(ResetError::NoIndex { package, wanted, there })
        }
        (several, _) => {
            let sequence = several.first().and_then(|state| state.sequence).unwrap_or_default();
            Err(ResetError::Ambiguous { package, sequence, there: several.iter().take(LISTED_MAX).copied().collect() })
        }
    }
}

/// Every index of the package that was ever pushed and that hosts could read.
fn readable(storage: &Storage, repository: &Repository) -> Result<Vec<IndexState>, StorageError> {
    let mut found = Vec::new();
    for manifest in storage.all_manifests(repository)? {
        let is_index = storage
            .record(repository, &manifest)?
            .is_some_and(|record| record.artifact_type.as_deref() == Some(INDEX_TYPE));
        if is_index && let Some(sequence) = sequence(storage, &manifest)? {
            found.push(IndexState { sequence: Some(sequence), manifest });
        }
    }
    Ok(found)
}

fn sequence(storage: &Storage, manifest: &Digest) -> Result<Option<u64>, StorageError> {
    let bytes = storage.content(manifest)?.unwrap_or_default();
    Ok(publish::index::read(storage, &bytes)?.ok().map(|(index, _, _)| index.sequence))
}
