//! From a requirement to a pin: chooses a release of an index. It decides from the index alone and never fetches.

use crate::Digest;
use crate::index::{PackageIndex, Release, Status};
use crate::manifest::{PackageName, Version};
use semver::{Comparator, Op, VersionReq};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Size limit of a requirement, in bytes.
const REQUIREMENT_BYTES_MAX: usize = 200;
/// Maximum number of versions that an error lists.
const NAMED_MAX: usize = 5;

/// Which versions are wanted, with Cargo's meaning: `1.2` is `^1.2`; also `~1.2`, `=1.2.3`, `>=1, <1.5`, `1.*`, `*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Requirement(VersionReq);

/// The text is not a version requirement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a version requirement ({problem}): expected for example `1.2`, `~1.2.3`, `=1.2.3`, `>=1, <1.5` or `*`"
)]
pub struct InvalidRequirement {
    text: String,
    problem: String,
}

impl Requirement {
    /// Every version but pre-releases.
    #[must_use]
    pub const fn any() -> Self {
        Self(VersionReq::STAR)
    }

    /// Exactly this version.
    #[must_use]
    pub fn exactly(version: &Version) -> Self {
        let version = version.as_semver();
        let comparator = Comparator {
            op: Op::Exact,
            major: version.major,
            minor: Some(version.minor),
            patch: Some(version.patch),
            pre: version.pre.clone(),
        };
        Self(VersionReq { comparators: vec![comparator] })
    }

    /// Whether a version matches; a pre-release only if the requirement names one of the same numbers.
    #[must_use]
    pub fn matches(&self, version: &Version) -> bool {
        self.0.matches(version.as_semver())
    }

    /// Whether a version matches when pre-releases are allowed: compares without its pre-release part.
    fn matches_release_of(&self, version: &Version) -> bool {
        let mut version = version.as_semver().clone();
        version.pre = semver::Prerelease::EMPTY;
        self.0.matches(&version)
    }

    /// The version, if the requirement is `=x.y.z`.
    fn exact(&self) -> Option<semver::Version> {
        let [Comparator { op: Op::Exact, major, minor: Some(minor), patch: Some(patch), pre }] =
            self.0.comparators.as_slice()
        else {
            return None;
        };
        let mut version = semver::Version::new(*major, *minor, *patch);
        version.pre = pre.clone();
        Some(version)
    }
}

impl FromStr for Requirement {
    type Err = InvalidRequirement;

    fn from_str(text: &str) -> Result<Self, InvalidRequirement> {
        let refused = |problem: String| InvalidRequirement {
            text: text.chars().take(80).flat_map(char::escape_debug).collect(),
            problem,
        };
        if text.len() > REQUIREMENT_BYTES_MAX {
            return Err(refused(format!("it has more than {REQUIREMENT_BYTES_MAX} bytes")));
        }
        VersionReq::parse(text).map(Self).map_err(|error| refused(error.to_string()))
    }
}

impl TryFrom<String> for Requirement {
    type Error = InvalidRequirement;

    fn try_from(text: String) -> Result<Self, InvalidRequirement> {
        text.parse()
    }
}

impl From<Requirement> for String {
    fn from(requirement: Requirement) -> Self {
        requirement.to_string()
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Exactly one release: what an installation is pinned to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pin {
    /// The package.
    pub package: PackageName,
    /// The version.
    pub version: Version,
    /// Digest of the component.
    pub digest: Digest,
    /// Digest of the OCI manifest that holds it.
    pub manifest_digest: Digest,
}

/// How to choose.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResolveOptions {
    /// Allow pre-releases even if the requirement names none.
    pub pre_releases: bool,
}

/// The chosen release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The release.
    pub pin: Pin,
    /// Warning that the release is deprecated, or yanked but required exactly.
    pub warning: Option<String>,
}

/// Why no release was chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// Nothing is published yet.
    #[error("{package} has no releases yet")]
    Empty {
        /// The package.
        package: PackageName,
    },
    /// No version matches.
    #[error("no version of {package} matches `{requirement}`; available: {}", list(.nearest))]
    NoMatch {
        /// The package.
        package: PackageName,
        /// The requirement.
        requirement: Requirement,
        /// The nearest usable versions, newest first.
        nearest: Vec<Version>,
    },
    /// Only pre-releases match.
    #[error(
        "only pre-releases of {package} match `{requirement}`: require `={}`, or allow pre-releases", .pre_releases.first().map_or_else(String::new, ToString::to_string)
    )]
    OnlyPreReleases {
        /// The package.
        package: PackageName,
        /// The requirement.
        requirement: Requirement,
        /// The pre-releases that match, newest first.
        pre_releases: Vec<Version>,
    },
    /// Every match was yanked.
    #[error(
        "every version of {package} that matches `{requirement}` was yanked by its publisher ({version}: {note}); available: {}; who depends \
         on {version} requires `={version}`", list(.nearest)
    )]
    Yanked {
        /// The package.
        package: PackageName,
        /// The requirement.
        requirement: Requirement,
        /// The newest yanked version.
        version: Version,
        /// The reason.
        note: String,
        /// The nearest usable versions.
        nearest: Vec<Version>,
    },
    /// Every match was recalled.
    #[error(
        "every version of {package} that matches `{requirement}` was recalled by its publisher ({version}: {note}); available: {}", list(.nearest)
    )]
    Recalled {
        /// The package.
        package: PackageName,
        /// The requirement.
        requirement: Requirement,
        /// The newest recalled version.
        version: Version,
        /// The reason.
        note: String,
        /// The nearest usable versions.
        nearest: Vec<Version>,
    },
}

fn list(versions: &[Version]) -> String {
    if versions.is_empty() {
        return "none".to_owned();
    }
    versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Chooses the highest matching version that may be used. A yanked version stays usable for a requirement of exactly it
/// (`=1.2.3`), because that is how it is pinned; no other requirement chooses it.
///
/// # Errors
/// No version matches or may be used. The error lists the nearest ones.
pub fn resolve(
    index: &PackageIndex,
    requirement: &Requirement,
    options: &ResolveOptions,
) -> Result<Resolved, ResolveError> {
    let fits = |version: &Version| {
        requirement.matches(version)
            || (options.pre_releases && !version.as_semver().pre.is_empty() && requirement.matches_release_of(version))
    };
    let exact = requirement.exact();
    let usable = |release: &Release| match &release.status {
        Status::Active | Status::Deprecated { .. } => true,
        Status::Yanked { .. } => exact.as_ref() == Some(release.version.as_semver()),
        Status::Recalled { .. } => false,
    };
    let fitting = || index.releases.iter().filter(|release| fits(&release.version));
    match fitting().filter(|release| usable(release)).max_by(|a, b| a.version.cmp(&b.version)) {
        Some(release) => Ok(Resolved { pin: pin(index, release), warning: warning(index, release) }),
        None => Err(explain(index, requirement, fitting().max_by(|a, b| a.version.cmp(&b.version)))),
    }
}

fn pin(index: &PackageIndex, release: &Release) -> Pin {
    Pin {
        package: index.package.clone(),
        version: release.version.clone(),
        digest: release.digest,
        manifest_digest: release.manifest_digest,
    }
}

fn warning(index: &PackageIndex, release: &Release) -> Option<String> {
    let note = release.status.note()?;
    Some(format!("{} {} is {}: {note}", index.package, release.version, release.status.word()))
}

fn explain(index: &PackageIndex, requirement: &Requirement, withdrawn: Option<&Release>) -> ResolveError {
    let (package, requirement) = (index.package.clone(), requirement.clone());
    let nearest = nearest(index, &requirement);
    if let Some(release) = withdrawn {
        let (version, note) = (release.version.clone(), release.status.note().unwrap_or_default().to_owned());
        return if matches!(release.status, Status::Recalled { .. }) {
            ResolveError::Recalled { package, requirement, version, note, nearest }
        } else {
            ResolveError::Yanked { package, requirement, version, note, nearest }
        };
    }
    if index.releases.is_empty() {
        return ResolveError::Empty { package };
    }
    let pre_releases = newest(index.releases.iter().filter(|release| {
        !release.version.as_semver().pre.is_empty()
            && release.status.is_active()
            && requirement.matches_release_of(&release.version)
    }));
    if pre_releases.is_empty() {
        ResolveError::NoMatch { package, requirement, nearest }
    } else {
        ResolveError::OnlyPreReleases { package, requirement, pre_releases }
    }
}

/// Usable versions of the same major version as the requirement's, otherwise the newest of all.
fn nearest(index: &PackageIndex, requirement: &Requirement) -> Vec<Version> {
    let usable = || {
        let active = |release: &&Release| matches!(release.status, Status::Active | Status::Deprecated { .. });
        index.releases.iter().filter(active)
    };
    let major = requirement.0.comparators.first().map(|comparator| comparator.major);
    let same = newest(usable().filter(|release| Some(release.version.as_semver().major) == major));
    if same.is_empty() { newest(usable()) } else { same }
}

fn newest<'a>(releases: impl Iterator<Item = &'a Release>) -> Vec<Version> {
    let mut versions: Vec<&Version> = releases.map(|release| &release.version).collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions.into_iter().take(NAMED_MAX).cloned().collect()
}

#[cfg(test)]
mod tests;
