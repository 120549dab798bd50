//! Notices when a registry, or whoever has taken it over, goes back: an older index, a hidden or exchanged version, an undone
//! yank or recall. Needs a few kilobytes of memory of what was seen before, whatever the number of releases.

use super::{PackageIndex, Release};
use crate::Digest;
use crate::manifest::{PackageName, Version};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::io::Write as _;

/// Bytes that are hashed at once, or a row more.
const ROWS_BYTES: usize = 16 * 1024;

/// What a host remembers of the last index of a package that it believed. As JSON under 16 KiB.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Seen {
    /// The index's number.
    pub sequence: u64,
    /// Digest of its JSON.
    pub digest: Digest,
    /// How many releases it had.
    pub releases: usize,
    /// Over version and both digests of all of them, in order.
    pub identity: Digest,
    /// One digit for each release: 0 usable, 1 yanked, 2 recalled.
    pub withdrawn: String,
}

/// The registry went back behind what it showed before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rollback {
    /// An older index.
    #[error(
        "the registry shows index {found} of {package}, and this host has seen {seen} already: an older list may hide a newer version or a recall, so it is refused"
    )]
    Older {
        /// Which package.
        package: PackageName,
        /// The number shown.
        found: u64,
        /// The number seen before.
        seen: u64,
    },
    /// Two different indexes under one number.
    #[error(
        "the registry shows another index {sequence} of {package} than before: the publisher signed two lists under one number, so neither can be relied on; ask the publisher"
    )]
    Forked {
        /// Which package.
        package: PackageName,
        /// The number.
        sequence: u64,
    },
    /// Fewer releases than before.
    #[error(
        "index {sequence} of {package} hides releases: it lists {found}, and this host has seen {seen}; no release is ever removed, so it is refused"
    )]
    Hidden {
        /// Which package.
        package: PackageName,
        /// The number shown.
        sequence: u64,
        /// How many it lists.
        found: usize,
        /// How many were seen before.
        seen: usize,
    },
    /// A release was left out or exchanged.
    #[error(
        "index {sequence} of {package} leaves out, exchanges or reorders one of the {seen} releases that this host has seen before: a published release never changes, so it is refused"
    )]
    Rewritten {
        /// Which package.
        package: PackageName,
        /// The number shown.
        sequence: u64,
        /// How many were seen before.
        seen: usize,
    },
    /// A yank or recall is gone.
    #[error("index {sequence} of {package} undoes that {version} was {was}: that is never undone, so it is refused")]
    Undone {
        /// Which package.
        package: PackageName,
        /// The number shown.
        sequence: u64,
        /// Which release.
        version: Version,
        /// `yanked` or `recalled`.
        was: &'static str,
    },
}

impl Seen {
    /// What to remember of an index, given the digest of its JSON.
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
    /// Checks an index whose signature holds against what was seen before, and says what to remember from now on. `digest`
    /// is that of its JSON.
    ///
    /// # Errors
    /// Says in what it goes back.
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

/// Over version and digests of the first so many releases, and of all. A version has no line break, and digests have one
/// length: nothing can be shifted.
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

/// The version and a line break. Most are three short numbers, for which the formatter takes as long as the hash of a whole row.
fn write_version(row: &mut Vec<u8>, version: &Version) {
    let numbers = version.as_semver();
    if !numbers.pre.is_empty() {
        // Writing into memory has no way to fail.
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
