//! The signed list of a package's releases: the only place where hosts look for versions. It only ever grows, so an older or
//! a shortened one is noticed. Bytes only: fetching is `client`'s, choosing is `resolve`'s.

mod progress;
mod read;

pub use progress::{Rollback, Seen};

use crate::Digest;
use crate::manifest::{PackageName, Summary, Version};
use crate::trust::{Envelope, Expect, Signer, SigningKey, Statement, TrustError, TrustList, statement};
use serde::{Deserialize, Serialize};

/// Releases that one package may have.
pub const RELEASES_MAX: usize = 10_000;
/// Bytes of an index as JSON.
pub const INDEX_BYTES_MAX: usize = 12 * 1024 * 1024;

/// All releases of a package, in the order in which they were published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PackageIndex {
    /// Which package.
    pub package: PackageName,
    /// Grows by one with each change; the first is 1.
    pub sequence: u64,
    /// Oldest first. None is ever removed or changed but in its status.
    #[serde(deserialize_with = "read::releases")]
    pub releases: Vec<Release>,
}

/// One release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Release {
    /// Its version.
    pub version: Version,
    /// Digest of the component.
    pub digest: Digest,
    /// Digest of the OCI manifest that holds it.
    pub manifest_digest: Digest,
    /// Whether it is to be used.
    #[serde(default, skip_serializing_if = "Status::is_active")]
    pub status: Status,
    /// By the publisher's clock, in milliseconds since 1970.
    pub published_at_ms: u64,
    /// Version of the interface that it is built against.
    pub interface: semver::Version,
    /// What changed, in one line of at most 300 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Summary>,
}

/// Whether a release is to be used. The note says why, in one line of at most 300 characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is", deny_unknown_fields)]
pub enum Status {
    /// Yes.
    #[default]
    Active,
    /// Yes, with a warning.
    Deprecated {
        /// Why, and what to use instead.
        note: Summary,
    },
    /// Only where it is pinned already. Cannot be undone.
    Yanked {
        /// Why.
        note: Summary,
    },
    /// No: every host that has it is told so. Cannot be undone.
    Recalled {
        /// Why, and what to do.
        note: Summary,
    },
}

impl Status {
    /// Active?
    #[must_use]
    pub const fn is_active(&self) -> bool {
        matches!(self, Self::Active)
    }

    /// One word, as in JSON.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deprecated { .. } => "deprecated",
            Self::Yanked { .. } => "yanked",
            Self::Recalled { .. } => "recalled",
        }
    }

    /// Why; none if active.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        match self {
            Self::Active => None,
            Self::Deprecated { note } | Self::Yanked { note } | Self::Recalled { note } => Some(note.as_str()),
        }
    }

    /// What cannot be undone: 0 active or deprecated, 1 yanked, 2 recalled.
    const fn severity(&self) -> u8 {
        match self {
            Self::Active | Self::Deprecated { .. } => 0,
            Self::Yanked { .. } => 1,
            Self::Recalled { .. } => 2,
        }
    }
}

/// An index is not what it must be, or a change of it is not possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// Over the bound.
    #[error("the index has {bytes} bytes; at most {max} are allowed")]
    TooLarge {
        /// What it has.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// Not readable.
    #[error("the index cannot be read: {0}")]
    Malformed(String),
    /// Of another package.
    #[error("this is the index of {found}, and {expected}'s was asked for")]
    OtherPackage {
        /// What was asked for.
        expected: PackageName,
        /// What is there.
        found: PackageName,
    },
    /// A version cannot be published twice.
    #[error(
        "{package} {version} is published already, as other bytes ({published}): a published version never changes, so publish a higher version"
    )]
    Published {
        /// Which package.
        package: PackageName,
        /// Which version.
        version: Version,
        /// The digest of what is published.
        published: Digest,
    },
    /// There is no such version.
    #[error("{package} has no version {version}")]
    NoSuchVersion {
        /// Which package.
        package: PackageName,
        /// Which version.
        version: Version,
    },
    /// Yanked or recalled ones do not come back.
    #[error(
        "{package} {version} is {is}, and that cannot be undone, because hosts would take it for an attack: publish a new version"
    )]
    Final {
        /// Which package.
        package: PackageName,
        /// Which version.
        version: Version,
        /// `yanked` or `recalled`.
        is: &'static str,
    },
    /// No more releases.
    #[error("{package} has {RELEASES_MAX} releases, which is the most that one package may have")]
    Full {
        /// Which package.
        package: PackageName,
    },
}

impl PackageIndex {
    /// The index before the first release.
    #[must_use]
    pub const fn empty(package: PackageName) -> Self {
        Self { package, sequence: 0, releases: Vec::new() }
    }

    /// The JSON: the same bytes for the same index.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Serializing texts and numbers into memory has no way to fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The release of a version.
    #[must_use]
    pub fn release(&self, version: &Version) -> Option<&Release> {
        self.releases.iter().find(|release| release.version == *version)
    }

    /// Adds a release. Says whether that changed anything: the same version with the same bytes is there already.
    ///
    /// # Errors
    /// The version is there with other bytes, or there are too many.
    pub fn publish(&mut self, release: Release) -> Result<bool, IndexError> {
        if let Some(there) = self.release(&release.version) {
            if there.digest == release.digest {
                return Ok(false);
            }
            let (package, version, published) = (self.package.clone(), release.version, there.digest);
            return Err(IndexError::Published { package, version, published });
        }
        if self.releases.len() >= RELEASES_MAX {
            return Err(IndexError::Full { package: self.package.clone() });
        }
        self.releases.push(release);
        self.sequence = self.sequence.saturating_add(1);
        Ok(true)
    }

    /// Changes a release's status. Says whether that changed anything.
    ///
    /// # Errors
    /// There is no such version, or it is yanked or recalled for good.
    pub fn set_status(&mut self, version: &Version, status: Status) -> Result<bool, IndexError> {
        let package = self.package.clone();
        let Some(release) = self.releases.iter_mut().find(|release| release.version == *version) else {
            return Err(IndexError::NoSuchVersion { package, version: version.clone() });
        };
        if status.severity() < release.status.severity() {
            return Err(IndexError::Final { package, version: version.clone(), is: release.status.word() });
        }
        if release.status == status {
            return Ok(false);
        }
        release.status = status;
        self.sequence = self.sequence.saturating_add(1);
        Ok(true)
    }

    /// Makes it the next one, with the same releases: signed anew, it says that they are still all.
    pub const fn renew(&mut self) {
        self.sequence = self.sequence.saturating_add(1);
    }

    /// Signs it: its JSON, and the envelope's.
    #[must_use]
    pub fn sign(&self, key: &SigningKey, at_ms: u64) -> (Vec<u8>, Vec<u8>) {
        let json = self.to_json();
        let (package, digest) = (self.package.clone(), Digest::of(&json));
        let said = statement::Index { package, sequence: self.sequence, digest, signed_at_ms: at_ms };
        let envelope: Envelope = Statement::Index(said).sign(key);
        (json, envelope.to_json())
    }

    /// Reads an index and believes it only if its signature holds.
    ///
    /// # Errors
    /// Says what is wrong with the index or with its signature.
    pub fn verify(
        json: &[u8],
        envelope: &[u8],
        package: &PackageName,
        trust: &TrustList,
    ) -> Result<(Self, Signer), UntrustedIndex> {
        let index = Self::from_json(json)?;
        let (signer, _) = index.believe(Digest::of(json), envelope, package, trust)?;
        Ok((index, signer))
    }

    /// Believes an index that was read before, from JSON of this digest, only if its signature holds. Says when its signer
    /// says to have signed, in milliseconds since 1970.
    pub fn believe(
        &self,
        digest: Digest,
        envelope: &[u8],
        package: &PackageName,
        trust: &TrustList,
    ) -> Result<(Signer, u64), UntrustedIndex> {
        if self.package != *package {
            return Err(IndexError::OtherPackage { expected: package.clone(), found: self.package.clone() }.into());
        }
        Ok(trust.verify_dated(envelope, Expect::Index { package, sequence: self.sequence, digest })?)
    }
}

/// An index or its signature is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UntrustedIndex {
    /// The index itself.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// Its signature.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

#[cfg(test)]
mod tests;
