//! All keys and rows of the index, and the look-ups over them. A repository's name ends with a zero byte, which no name
//! contains; digests are their 32 bytes. Every row stays under 4 KiB.

use std::ops::Bound;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Index, PackageRow, Referrer};
use crate::name::{Repository, Tag};
use crate::storage::StorageError;
use handoff_package::Digest;

pub(super) const SCHEMA_KEY: &[u8] = b"!schema";

/// `c NAME`: this repository exists.
pub(super) fn repository(name: &str) -> Vec<u8> {
    join(b'c', name, &[])
}

/// `p NAME` → [`PackageRow`]
pub(super) fn package(name: &str) -> Vec<u8> {
    join(b'p', name, &[])
}

/// `t NAME 0 TAG` → digest
pub(super) fn tag(repository: &Repository, tag: &str) -> Vec<u8> {
    join(b't', repository.as_str(), &[b"\0", tag.as_bytes()])
}

/// `n NAME 0 DIGEST TAG`: the tag names this manifest.
pub(super) fn name(repository: &Repository, digest: &Digest, tag: &Tag) -> Vec<u8> {
    join(b'n', repository.as_str(), &[b"\0", digest.as_bytes(), tag.as_str().as_bytes()])
}

/// `u NAME 0 USED MANIFEST`: the manifest uses this blob or manifest.
pub(super) fn usage(repository: &Repository, used: &Digest, manifest: &Digest) -> Vec<u8> {
    join(b'u', repository.as_str(), &[b"\0", used.as_bytes(), manifest.as_bytes()])
}

/// `s NAME 0 SUBJECT MANIFEST` → [`Referrer`]
pub(super) fn referrer(repository: &Repository, subject: &Digest, manifest: &Digest) -> Vec<u8> {
    join(b's', repository.as_str(), &[b"\0", subject.as_bytes(), manifest.as_bytes()])
}

fn join(kind: u8, name: &str, rest: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![kind];
    key.extend_from_slice(name.as_bytes());
    rest.iter().for_each(|part| key.extend_from_slice(part));
    key
}

/// Rows of plain fields always serialize.
pub(super) fn json(row: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(row).unwrap_or_default()
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StorageError> {
    let damaged = |error: serde_json::Error| StorageError::Index(sled::Error::Unsupported(error.to_string()));
    serde_json::from_slice(bytes).map_err(damaged)
}

fn digest_of(bytes: &[u8]) -> Option<Digest> {
    bytes.try_into().ok().map(Digest::from_bytes)
}

impl Index {
    /// Keys (without `prefix`) and rows after `after`, at most `limit`.
    fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<(Vec<u8>, sled::IVec)>, StorageError> {
        let mut start = prefix.to_vec();
        start.extend_from_slice(after);
        let from = if after.is_empty() { Bound::Included(start) } else { Bound::Excluded(start) };
        let mut found = Vec::new();
        for row in self.db()?.range((from, Bound::Unbounded)).take(limit) {
            let (key, row) = row.map_err(StorageError::Index)?;
            let Some(rest) = key.strip_prefix(prefix) else { break };
            found.push((rest.to_vec(), row));
        }
        Ok(found)
    }

    /// Whether anything was ever pushed to a repository.
    pub(crate) fn has_repository(&self, repository: &Repository) -> Result<bool, StorageError> {
        let key = self::repository(repository.as_str());
        self.db()?.contains_key(key).map_err(StorageError::Index)
    }

    /// Names of repositories after `after`, sorted by their bytes.
    pub(crate) fn repositories(&self, after: &str, limit: usize) -> Result<Vec<String>, StorageError> {
        let found = self.scan(b"c", after.as_bytes(), limit)?;
        Ok(found.into_iter().filter_map(|(key, _)| String::from_utf8(key).ok()).collect())
    }

    /// Tags of a repository after `after`, sorted by their bytes.
    pub(crate) fn tags(
        &self,
        repository: &Repository,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(Tag, Digest)>, StorageError> {
        let found = self.scan(&tag(repository, ""), after.as_bytes(), limit)?;
        let tag = |key: Vec<u8>| Tag::parse(&String::from_utf8(key).ok()?);
        Ok(found.into_iter().filter_map(|(key, row)| Some((tag(key)?, digest_of(&row)?))).collect())
    }

    /// Tags that name a manifest.
    pub(crate) fn tags_of(&self, repository: &Repository, digest: &Digest) -> Result<Vec<Tag>, StorageError> {
        let prefix = join(b'n', repository.as_str(), &[b"\0", digest.as_bytes()]);
        let found = self.scan(&prefix, &[], usize::MAX)?;
        Ok(found.into_iter().filter_map(|(key, _)| Tag::parse(&String::from_utf8(key).ok()?)).collect())
    }

    /// A manifest that uses this blob or manifest.
    pub(crate) fn user_of(&self, repository: &Repository, used: &Digest) -> Result<Option<Digest>, StorageError> {
        let prefix = join(b'u', repository.as_str(), &[b"\0", used.as_bytes()]);
        Ok(self.scan(&prefix, &[], 1)?.first().and_then(|(key, _)| digest_of(key)))
    }

    /// Manifests that refer to a subject, after one of them.
    pub(crate) fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        after: Option<&Digest>,
        limit: usize,
    ) -> Result<Vec<(Digest, Referrer)>, StorageError> {
        let prefix = join(b's', repository.as_str(), &[b"\0", subject.as_bytes()]);
        let after = after.map_or(&[][..], |after| after.as_bytes());
        let found = self.scan(&prefix, after, limit)?;
        let with_digest = |(key, row): (Vec<u8>, sled::IVec)| digest_of(&key).map(|digest| (digest, row));
        let found = found.into_iter().filter_map(with_digest);
        found.map(|(digest, row)| parse(&row).map(|row| (digest, row))).collect()
    }

    /// The package rows, by name.
    pub(crate) fn packages(&self) -> Result<Vec<PackageRow>, StorageError> {
        self.scan(b"p", &[], usize::MAX)?.iter().map(|(_, row)| parse(row)).collect()
    }
}
