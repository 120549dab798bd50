//! Why a registry did not do what was asked. Whether the registry, the way to it or somebody in between is at fault is always
//! in the text; a login never is.

use handoff_package::artifact::InvalidArtifact;
use handoff_package::index::{IndexError, Rollback, UntrustedIndex};
use handoff_package::manifest::PackageName;
use handoff_package::trust::TrustError;
use handoff_package::{Digest, PackageError};
use std::path::PathBuf;

/// Why a registry did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The options do not fit the registry.
    #[error("{0}")]
    Options(String),
    /// It cannot be reached, or stopped answering. Trying again later may help.
    #[error("{registry} cannot be reached: {problem}")]
    Unreachable {
        /// Scheme, host and port.
        registry: String,
        /// What happened.
        problem: String,
    },
    /// It wants another login.
    #[error("{registry} refuses the login for {what}: {problem}; `handoff login {registry}` keeps one")]
    Unauthorized {
        /// Scheme, host and port.
        registry: String,
        /// What was asked for.
        what: String,
        /// What it says.
        problem: String,
    },
    /// It answered with an error.
    #[error("{registry} answered {status} to {what}: {problem}")]
    Refused {
        /// Scheme, host and port.
        registry: String,
        /// What was asked for.
        what: String,
        /// The HTTP status.
        status: u16,
        /// What it says.
        problem: String,
    },
    /// Its answer breaks the protocol.
    #[error("{registry} does not answer as an OCI registry should, to {what}: {problem}")]
    Protocol {
        /// Scheme, host and port, or the folder.
        registry: String,
        /// What was asked for.
        what: String,
        /// What is wrong.
        problem: String,
    },
    /// It knows no such package.
    #[error("{registry} has no package {package}: check the name and the registry")]
    NoSuchPackage {
        /// Which registry.
        registry: String,
        /// Which package.
        package: PackageName,
    },
    /// There are versions of it, and nobody says by a signature which.
    #[error(
        "{registry} has versions of {package}, and no signed list of them: whoever copied it left the tag `handoff-index` and the \
         signatures behind (`oras cp -r` copies both), or pushed it by other means than `handoff publish`"
    )]
    Unlisted {
        /// Which registry.
        registry: String,
        /// Which package.
        package: PackageName,
    },
    /// Content that should be there is not.
    #[error("{registry} does not have {what}: it was removed, or the registry is damaged")]
    Missing {
        /// Which registry.
        registry: String,
        /// What.
        what: String,
    },
    /// Fewer or more bytes than promised.
    #[error(
        "{what} is cut off or too long: {found} bytes came, and {expected} were promised; it is refused, pull it again"
    )]
    Truncated {
        /// What was pulled.
        what: String,
        /// Bytes promised.
        expected: u64,
        /// Bytes that came (as far as was read).
        found: u64,
    },
    /// Other bytes than promised.
    #[error("{what} was changed: it should be {expected} and is {found}; it is refused")]
    Tampered {
        /// What was pulled.
        what: String,
        /// The digest promised.
        expected: Digest,
        /// The digest of what came.
        found: Digest,
    },
    /// Over a bound.
    #[error("{what} has {size} bytes; at most {max} are taken")]
    TooLarge {
        /// What.
        what: String,
        /// Its size, as far as is known.
        size: u64,
        /// The bound.
        max: u64,
    },
    /// Good bytes, but of something else.
    #[error("{what} is {found} in truth: something was put in its place, so it is refused")]
    Substituted {
        /// What was pulled.
        what: String,
        /// What came.
        found: String,
    },
    /// A manifest is not one of ours.
    #[error("{what}: {problem}")]
    Artifact {
        /// What was pulled.
        what: String,
        /// What is wrong.
        problem: InvalidArtifact,
    },
    /// A signature does not hold.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The index is wrong, or the change of it not possible.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The registry went back behind what was seen before.
    #[error(transparent)]
    Rollback(#[from] Rollback),
    /// The component is no package.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// Somebody else changes the same index all the time.
    #[error("the index of {package} was changed by others {tries} times while this change was made: try again")]
    Busy {
        /// Which package.
        package: PackageName,
        /// How often it was tried.
        tries: u32,
    },
    /// A file or folder.
    #[error("{path}: {problem}", path = .path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What happened.
        problem: String,
    },
}

impl From<UntrustedIndex> for ClientError {
    fn from(error: UntrustedIndex) -> Self {
        match error {
            UntrustedIndex::Index(error) => Self::Index(error),
            UntrustedIndex::Trust(error) => Self::Trust(error),
        }
    }
}
