//! The signed list of a package's releases: the only source from which hosts learn versions. It only grows, so an older
//! or shortened list is detected. It handles bytes only: `client` fetches, `resolve` chooses.

mod progress;
mod read;

pub use progress::{Rollback, Seen};

use crate::Digest;
use crate::manifest::{PackageName, Summary, Version};
use crate::trust::{Envelope, Expect, Signer, SigningKey, Statement, TrustError, TrustList, statement};
use serde::{Deserialize, Serialize};

/// Maximum number of releases of a package.
pub const RELEASES_MAX: usize = 10_000;
/// Size limit of an index as JSON, in bytes.
pub const INDEX_BYTES_MAX: usize = 12 * 1024 * 1024;
/// The highest sequence number: JSON numbers are exact up to here in other languages.
pub const SEQUENCE_MAX: u64 = (1 << 53) - 1;

/// All releases of a package, in the order of publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PackageIndex {
    /// The package.
    pub package: PackageName,
    /// Increases by one with each change, from 1 to at most [`SEQUENCE_MAX`].
    pub sequence: u64,
    /// Oldest first. A release is never removed, and only its status changes.
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
    /// Whether it may be used.
    #[serde(default, skip_serializing_if = "Status::is_active")]
    pub status: Status,
    /// Publication time by the publisher's clock, in milliseconds since 1970.
    pub published_at_ms: u64,
    /// Interface version that it is built against.
    pub interface: semver::Version,
    /// What changed, in one line of at most 300 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Summary>,
}

/// Whether a release may be used. The note gives the reason, in one line of at most 300 characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is", deny_unknown_fields)]
pub enum Status {
    /// May be used.
    #[default]
    Active,
    /// May be used, with a warning.
    Deprecated {
        /// The reason, and what to use instead.
        note: Summary,
    },
    /// May be used only where it is already pinned. Cannot be undone.
    Yanked {
        /// The reason.
        note: Summary,
    },
    /// Must not be used, and every host that has it is warned. Cannot be undone.
    Recalled {
        /// The reason, and what to do.
        note: Summary,
    },
}

impl Status {
    /// Whether the release is active.
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

    /// The reason; none for an active release.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        match self {
            Self::Active => None,
            Self::Deprecated { note } | Self::Yanked { note } | Self::Recalled { note } => Some(note.as_str()),
        }
    }

    /// Ranks what cannot be undone: 0 active or deprecated, 1 yanked, 2 recalled.
    const fn severity(&self) -> u8 {
        match self {
            Self::Active | Self::Deprecated { .. } => 0,
            Self::Yanked { .. } => 1,
            Self::Recalled { .. } => 2,
        }
    }
}

/// An index is invalid, or a change to it is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The index is too large.
    #[error("the index has {bytes} bytes; at most {max} are allowed")]
    TooLarge {
        /// Actual size.
        bytes: usize,
        /// Limit.
        max: usize,
    },
    /// The index is not valid JSON or breaks a rule.
    #[error("the index cannot be read: {0}")]
    Malformed(String),
    /// The index belongs to another package.
    #[error("expected the index of {expected}, found the index of {found}")]
    OtherPackage {
        /// The package that was requested.
        expected: PackageName,
        /// The package that was found.
        found: PackageName,
    },
    /// The version is already published with other bytes.
    #[error(
        "{package} {version} is already published with other bytes ({published}): a published version never changes, so publish a higher version"
    )]
    Published {
        /// The package.
        package: PackageName,
        /// The version.
        version: Version,
        /// Digest of the published component.
        published: Digest,
    },
    /// The version does not exist.
    #[error("{package} has no version {version}")]
    NoSuchVersion {
        /// The package.
        package: PackageName,
        /// The version.
        version: Version,
    },
    /// A yanked or recalled version cannot become usable again.
    #[error(
        "{package} {version} is {is}; this cannot be undone, because hosts would treat it as an attack: publish a new version"
    )]
    Final {
        /// The package.
        package: PackageName,
        /// The version.
        version: Version,
        /// `yanked` or `recalled`.
        is: &'static str,
    },
    /// The package has the maximum number of releases.
    #[error("{package} already has {RELEASES_MAX} releases, the maximum for a package")]
    Full {
        /// The package.
        package: PackageName,
    },
    /// The index has the highest sequence number, so nothing can follow it.
    #[error(
        "the index of {package} has the sequence number {SEQUENCE_MAX}, the highest there is: no publisher gets there by publishing, so \
         have the registry's administrator set it back with `handoff registry reset-index`"
    )]
    Exhausted {
        /// The package.
        package: PackageName,
    },
}

impl PackageIndex {
    /// An empty index, before the first release.
    #[must_use]
    pub const fn empty(package: PackageName) -> Self {
        Self { package, sequence: 0, releases: Vec::new() }
    }

    /// Serializes to JSON. Equal indexes give equal bytes.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Serializing strings and numbers into memory cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The release with this version.
    #[must_use]
    pub fn release(&self, version: &Version) -> Option<&Release> {
        self.releases.iter().find(|release| release.version == *version)
    }

    /// Adds a release. Returns `false` if the same version with the same bytes is already listed.
    ///
    /// # Errors
    /// The version is listed with other bytes, the index is full, or its sequence number is the highest.
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
        self.sequence = self.next()?;
        self.releases.push(release);
        Ok(true)
    }

    /// Changes a release's status. Returns `false` if it already had this status.
    ///
    /// # Errors
    /// The version does not exist, is permanently yanked or recalled, or the sequence number is the highest.
    pub fn set_status(&mut self, version: &Version, status: Status) -> Result<bool, IndexError> {
        let (package, next) = (self.package.clone(), self.next());
        let Some(release) = self.releases.iter_mut().find(|release| release.version == *version) else {
            return Err(IndexError::NoSuchVersion { package, version: version.clone() });
        };
        if status.severity() < release.status.severity() {
            return Err(IndexError::Final { package, version: version.clone(), is: release.status.word() });
        }
        if release.status == status {
            return Ok(false);
        }
        self.sequence = next?;
        release.status = status;
        Ok(true)
    }

    /// Increases the sequence number and keeps the releases. Signing the result confirms that the list is still
    /// current.
    ///
    /// # Errors
    /// The sequence number is the highest.
    pub fn renew(&mut self) -> Result<(), IndexError> {
        self.sequence = self.next()?;
        Ok(())
    }

    fn next(&self) -> Result<u64, IndexError> {
        let next = self.sequence.checked_add(1).filter(|next| *next <= SEQUENCE_MAX);
        next.ok_or_else(|| IndexError::Exhausted { package: self.package.clone() })
    }

    /// Signs the index and returns its JSON and the envelope's JSON.
    #[must_use]
    pub fn sign(&self, key: &SigningKey, at_ms: u64) -> (Vec<u8>, Vec<u8>) {
        let json = self.to_json();
        let (package, digest) = (self.package.clone(), Digest::of(&json));
        let said = statement::Index { package, sequence: self.sequence, digest, signed_at_ms: at_ms };
        let envelope: Envelope = Statement::Index(said).sign(key);
        (json, envelope.to_json())
    }

    /// Reads an index and accepts it only if its signature is valid.
    ///
    /// # Errors
    /// The index or its signature is invalid.
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

    /// Accepts an index that was parsed before, from JSON with this digest, only if its signature is valid. Returns the
    /// signing time that the signer states, in milliseconds since 1970.
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

/// An index or its signature is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UntrustedIndex {
    /// The index is invalid.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The signature is invalid.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

#[cfg(test)]
mod tests;
