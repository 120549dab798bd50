//! What people see of a package: its versions and their status, what it requests, its README. Read leniently from what
//! publishers pushed: a page shows what it can, and hosts decide what to trust.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::content::Content;
use crate::name::{Repository, Tag};
use crate::storage::{PackageData, PackageRow, Record, Storage, StorageError};
use handoff_package::Digest;
use handoff_package::artifact::{
    CHANGES_ANNOTATION, INDEX_TAG, INDEX_TYPE, MANIFEST_MEDIA_TYPE, README_BYTES_MAX, README_MEDIA_TYPE, README_TYPE,
};
use handoff_package::index::INDEX_BYTES_MAX;

/// Maximum number of referrers to search for a README.
const REFERRERS_MAX: usize = 200;

/// A version with its description.
#[derive(Debug, Clone)]
pub(super) struct VersionLine {
    pub(super) version: semver::Version,
    pub(super) digest: Digest,
    pub(super) status: String,
    pub(super) note: Option<String>,
    pub(super) changes: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Releases {
    #[serde(default)]
    releases: Vec<Release>,
}

#[derive(Debug, Deserialize)]
struct Release {
    version: String,
    #[serde(default)]
    status: Status,
    #[serde(default)]
    changes: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Status {
    #[serde(default)]
    is: String,
    #[serde(default)]
    note: Option<String>,
}

/// Every version of a package, newest first.
pub(super) fn versions(storage: &Storage, repository: &Repository) -> Result<Vec<VersionLine>, StorageError> {
    let mut said = releases(storage, repository)?;
    let tags = storage.index()?.tags(repository, "", usize::MAX)?;
    let line = |(tag, digest): (Tag, Digest)| {
        let version = tag.version()?;
        let release = said.remove(tag.as_str());
        let (status, changes) = release.map(|release| (release.status, release.changes)).unwrap_or_default();
        let is = match status.is.as_str() {
            known @ ("deprecated" | "yanked" | "recalled") => known,
            _ => "active",
        };
        Some(VersionLine { version, digest, status: is.to_owned(), note: status.note, changes })
    };
    let mut lines: Vec<VersionLine> = tags.into_iter().filter_map(line).collect();
    lines.sort_by(|one, other| other.version.cmp(&one.version));
    Ok(lines)
}

/// The statuses from the index, by version; empty if there is no readable index.
fn releases(storage: &Storage, repository: &Repository) -> Result<BTreeMap<String, Release>, StorageError> {
    let Some(tag) = Tag::parse(INDEX_TAG) else { return Ok(BTreeMap::new()) };
    let Some(digest) = storage.tag(repository, &tag)? else { return Ok(BTreeMap::new()) };
    let bytes = layer(storage, &digest, INDEX_TYPE, INDEX_BYTES_MAX)?.unwrap_or_default();
    let read: Releases = serde_json::from_slice(&bytes).unwrap_or_default();
    Ok(read.releases.into_iter().map(|release| (release.version.clone(), release)).collect())
}

/// The first layer of a manifest with this media type, if it is small enough.
fn layer(storage: &Storage, manifest: &Digest, media_type: &str, most: usize) -> Result<Option<Vec<u8>>, StorageError> {
    let bytes = storage.content(manifest)?.unwrap_or_default();
    let Ok(content) = Content::read(MANIFEST_MEDIA_TYPE, &bytes) else { return Ok(None) };
    let fits = |size: u64| usize::try_from(size).is_ok_and(|size| size <= most);
    let found = content.layers.iter().find(|layer| layer.media_type == media_type && fits(layer.size));
    found.map_or(Ok(None), |layer| storage.content(&layer.digest))
}

/// The version that a page shows: the newest that may be chosen, otherwise the newest.
pub(super) fn leading(versions: &[VersionLine]) -> Option<&VersionLine> {
    let usable = |line: &&VersionLine| matches!(line.status.as_str(), "active" | "deprecated");
    let released = |line: &&VersionLine| usable(line) && line.version.pre.is_empty();
    versions.iter().find(released).or_else(|| versions.iter().find(usable)).or_else(|| versions.first())
}

/// Updates what search shows of a package. The caller holds the repository lock, or nothing writes yet.
pub(super) fn refresh(storage: &Storage, repository: &Repository) -> Result<(), StorageError> {
    let row = row(storage, repository)?;
    storage.index()?.put_package(repository, row.as_ref())
}

/// Updates what search shows of every package, after the index was rebuilt.
pub(super) fn refresh_all(storage: &Storage) -> Result<(), StorageError> {
    storage.all_repositories()?.iter().try_for_each(|repository| refresh(storage, repository))
}

fn row(storage: &Storage, repository: &Repository) -> Result<Option<PackageRow>, StorageError> {
    let versions = versions(storage, repository)?;
    let Some(line) = leading(&versions) else { return Ok(None) };
    let Some((record, data)) = package_data(storage, repository, &line.digest)? else { return Ok(None) };
    let info = &data.manifest.package;
    Ok(Some(PackageRow {
        name: repository.to_string(),
        version: line.version.to_string(),
        status: line.status.clone(),
        title: info.title.to_string(),
        summary: info.summary.to_string(),
        license: info.license.to_string(),
        published_at: record.published_at,
        versions: u64::try_from(versions.len()).unwrap_or(u64::MAX),
    }))
}

/// The package data of a version's component; none if it is not a connector or its record is damaged.
pub(super) fn package_data(
    storage: &Storage,
    repository: &Repository,
    digest: &Digest,
) -> Result<Option<(Record, PackageData)>, StorageError> {
    let record = match storage.record(repository, digest) {
        Ok(record) => record,
        Err(StorageError::Damaged { .. }) => None,
        Err(error) => return Err(error),
    };
    Ok(record.and_then(|mut record| record.package.take().map(|data| (record, data))))
}

/// A version's README, if one was pushed.
pub(super) fn readme(
    storage: &Storage,
    repository: &Repository,
    digest: &Digest,
) -> Result<Option<String>, StorageError> {
    let referrers = storage.index()?.referrers(repository, digest, None, REFERRERS_MAX)?;
    let is_readme = |kind: &Option<String>| kind.as_deref() == Some(README_TYPE);
    let Some((found, _)) = referrers.into_iter().find(|(_, row)| is_readme(&row.artifact_type)) else {
        return Ok(None);
    };
    let bytes = layer(storage, &found, README_MEDIA_TYPE, README_BYTES_MAX)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// The change note of a version, from its manifest.
pub(super) fn changes(storage: &Storage, digest: &Digest) -> Result<Option<String>, StorageError> {
    let bytes = storage.content(digest)?.unwrap_or_default();
    let content = Content::read(MANIFEST_MEDIA_TYPE, &bytes).ok();
    Ok(content.and_then(|content| content.annotation(CHANGES_ANNOTATION).map(str::to_owned)))
}

/// Packages that match every word of a query, best first: matches in the name, then the title, then the summary.
pub(super) fn search(storage: &Storage, query: &str) -> Result<Vec<PackageRow>, StorageError> {
    let words: Vec<String> = query.split_whitespace().take(10).map(str::to_lowercase).collect();
    let mut found = Vec::new();
    for row in storage.index()?.packages()? {
        let (name, title, summary) = (row.name.to_lowercase(), row.title.to_lowercase(), row.summary.to_lowercase());
        let own = name.rsplit('/').next().unwrap_or(&name).to_owned();
        let rank = |word: &String| match word.as_str() {
            word if own == word || name == word => Some(0_u32),
            word if own.starts_with(word) => Some(1),
            word if name.contains(word) => Some(2),
            word if title.contains(word) => Some(3),
            word if summary.contains(word) => Some(4),
            _ => None,
        };
        if let Some(ranks) = words.iter().map(rank).collect::<Option<Vec<u32>>>() {
            found.push((ranks.into_iter().sum::<u32>(), row));
        }
    }
    found.sort_by(|(one, left), (other, right)| one.cmp(other).then_with(|| left.name.cmp(&right.name)));
    Ok(found.into_iter().map(|(_, row)| row).collect())
}
