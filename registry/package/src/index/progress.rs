//! Detects that a registry goes backwards, for example after a compromise: an older index, a hidden or replaced
//! version, an undone yank or recall. It remembers a few kilobytes, whatever the number of releases.

use super::{PackageIndex, Release};
use crate::Digest;
use crate::manifest::{PackageName, Version};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::io::Write as _;

/// Bytes to collect before hashing; one row more is possible.
const ROWS_BYTES: usize = 16 * 1024;

/// What a host remembers of the last index of a package that it accepted. Under 16 KiB as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Seen {
    /// The sequence number of the index.
    pub sequence: u64,
    /// Digest of its JSON.
    pub digest: Digest,
    /// Number of releases.
    pub releases: usize,
    /// Digest over the version and both digests of every release, in order.
    pub identity: Digest,
    /// One digit for each release: 0 usable, 1 yanked, 2 recalled.
    pub withdrawn: String,
}

/// The registry shows less than it showed before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rollback {
    /// The registry shows an older index.
    #[error(
        "the registry shows index {found} of {package}, but this host has already seen {seen}: an older list may hide a newer version or a recall, so it is refused"
    )]
    Older {
        /// The package.
        package: PackageName,
        /// The number shown.
        found: u64,
        /// The number seen before.
        seen: u64,
    },
    /// Two different indexes have the same number.
    #[error(
        "the registry shows a different index {sequence} of {package} than before: the publisher signed two lists with the same number, so neither can be trusted; ask the publisher"
    )]
    Forked {
        /// The package.
        package: PackageName,
        /// The number.
        sequence: u64,
    },
    /// The index lists fewer releases than before.
    #[error(
        "index {sequence} of {package} hides releases: it lists {found}, but this host has seen {seen}; a release is never removed, so it is refused"
    )]
    Hidden {
        /// The package.
        package: PackageName,
        /// The number shown.
        sequence: u64,
        /// Number of releases listed.
        found: usize,
        /// Number of releases seen before.
        seen: usize,
    },
    /// A release is missing or was replaced.
    #[error(
        "index {sequence} of {package} removes, replaces or reorders one of the {seen} releases that this host has seen before: a published release never changes, so it is refused"
    )]
    Rewritten {
        /// The package.
        package: PackageName,
        /// The number shown.
        sequence: u64,
        /// Number of releases seen before.
        seen: usize,
    },
    /// A yank or recall was undone.
    #[error(
        "in index {sequence} of {package}, {version} is no longer {was}: this can never be undone, so the index is refused"
    )]
    Undone {
        /// The package.
        package: PackageName,
        /// The number shown.
        sequence: u64,
        /// The version.
        version: Version,
        /// `yanked` or `recalled`.
        was: &'static str,
    },
}

impl Seen {
    /// What to remember of an index with this digest.
    #[must_use]
    pub fn of(index: &PackageIndex, digest: Digest) -> Self {
        let [_, identity] = identities(&index.releases, 0);
        Self::with_identity(index, digest, identity)
    }

    fn with_identity(index: &PackageIndex, digest: Digest, identity: Digest) -> Self {
        Self {
            sequence: index.sequence,
            digest,
            releases: index.releases.len(),
            identity,
            withdrawn: index.releases.iter().map(|release| char::from(b'0' + release.status.severity())).collect(),
        }
    }
}

impl PackageIndex {
    /// Compares an index with a valid signature with what was seen before, and returns what to remember. `digest` is
    /// the digest of its JSON.
    ///
    /// # Errors
    /// The index goes backwards.
    pub fn check_progress(&self, seen: Option<&Seen>, digest: Digest) -> Result<Seen, Rollback> {
        let Some(seen) = seen else { return Ok(Seen::of(self, digest)) };
        let (package, sequence) = (self.package.clone(), self.sequence);
        if sequence < seen.sequence {
            return Err(Rollback::Older { package, found: sequence, seen: seen.sequence });
        }
        if sequence == seen.sequence {
            return if digest == seen.digest { Ok(seen.clone()) } else { Err(Rollback::Forked { package, sequence }) };
        }
        let Some(before) = self.releases.get(..seen.releases) else {
            return Err(Rollback::Hidden { package, sequence, found: self.releases.len(), seen: seen.releases });
        };
        let [identity, whole] = identities(&self.releases, seen.releases);
        if identity != seen.identity {
            return Err(Rollback::Rewritten { package, sequence, seen: seen.releases });
        }
        for (release, was) in before.iter().zip(seen.withdrawn.bytes()) {
            if b'0' + release.status.severity() < was {
                let was = if was == b'1' { "yanked" } else { "recalled" };
                return Err(Rollback::Undone { package, sequence, version: release.version.clone(), was });
            }
        }
        Ok(Seen::with_identity(self, digest, whole))
    }
}

/// Hashes of the first `count` releases, and of all releases. A version contains no line break and digests have a fixed
/// length, so rows cannot be confused.
fn identities(releases: &[Release], first: usize) -> [Digest; 2] {
    let (before, after) = releases.split_at_checked(first).unwrap_or((releases, &[]));
    let mut hash = Sha256::new();
    add_rows(&mut hash, before);
    let part = hash.clone();
    add_rows(&mut hash, after);
    [part, hash].map(|hash| Digest::from_bytes(hash.finalize().into()))
}

fn add_rows(hash: &mut Sha256, releases: &[Release]) {
    let mut rows = Vec::new();
    for release in releases {
        write_version(&mut rows, &release.version);
        rows.extend_from_slice(release.digest.as_bytes());
        rows.extend_from_slice(release.manifest_digest.as_bytes());
        if rows.len() >= ROWS_BYTES {
            hash.update(&rows);
            rows.clear();
        }
    }
    hash.update(&rows);
}

/// Writes the version and a line break. Most versions are three short numbers, and formatting them would take as long
/// as hashing the row.
fn write_version(row: &mut Vec<u8>, version: &Version) {
    let numbers = version.as_semver();
    if !numbers.pre.is_empty() {
        // Writing into memory cannot fail.
        let _ = writeln!(row, "{version}");
        return;
    }
    for (number, end) in [numbers.major, numbers.minor, numbers.patch].into_iter().zip(*b"..\n") {
        write_number(row, number);
        row.push(end);
    }
}

fn write_number(row: &mut Vec<u8>, number: u64) {
    if number > 9 {
        write_number(row, number / 10);
    }
    row.push(b'0'.saturating_add(u8::try_from(number % 10).unwrap_or(0)));
}
