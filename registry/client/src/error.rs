//! Why a registry operation failed. The text always says whether the registry, the network or something in between is
//! at fault; it never contains a credential.

use handoff_package::artifact::InvalidArtifact;
use handoff_package::index::{IndexError, Rollback, UntrustedIndex};
use handoff_package::manifest::PackageName;
use handoff_package::trust::TrustError;
use handoff_package::{Digest, PackageError};
use std::path::PathBuf;

/// Why a registry operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The options do not fit the registry.
    #[error("{0}")]
    Options(String),
    /// The registry cannot be reached or stopped answering. A retry may succeed.
    #[error("cannot reach {registry}: {problem}")]
    Unreachable {
        /// Scheme, host and port.
        registry: String,
        /// The problem.
        problem: String,
    },
    /// The registry refuses the login.
    #[error("{registry} refuses the login for {what}: {problem}; log in with `handoff login {registry}`")]
    Unauthorized {
        /// Scheme, host and port.
        registry: String,
        /// The requested object.
        what: String,
        /// The registry's message.
        problem: String,
    },
    /// The registry answered with an error.
    #[error("{registry} answered {status} to {what}: {problem}")]
    Refused {
        /// Scheme, host and port.
        registry: String,
        /// The requested object.
        what: String,
        /// The HTTP status.
        status: u16,
        /// The registry's message.
        problem: String,
    },
    /// The answer violates the protocol.
    #[error("{registry} gave an answer for {what} that violates the OCI protocol: {problem}")]
    Protocol {
        /// Scheme, host and port, or the folder.
        registry: String,
        /// The requested object.
        what: String,
        /// The problem.
        problem: String,
    },
    /// The registry does not have the package.
    #[error("{registry} has no package {package}: check the name and the registry")]
    NoSuchPackage {
        /// The registry.
        registry: String,
        /// The package.
        package: PackageName,
    },
    /// The package has versions but no signed index.
    #[error(
        "{registry} has versions of {package} but no signed list of them: the copy lacks the tag `handoff-index` and the \
         signatures behind (`oras cp -r` copies both), or pushed it by other means than `handoff publish`"
    )]
    Unlisted {
        /// The registry.
        registry: String,
        /// The package.
        package: PackageName,
    },
    /// Expected content is missing.
    #[error("{registry} does not have {what}: it was removed, or the registry is damaged")]
    Missing {
        /// The registry.
        registry: String,
        /// The missing object.
        what: String,
    },
    /// The size differs from the descriptor.
    #[error("{what} is cut off or too long: expected {expected} bytes, received {found}; pull it again")]
    Truncated {
        /// The pulled object.
        what: String,
        /// Expected size in bytes.
        expected: u64,
        /// Received bytes (as far as they were read).
        found: u64,
    },
    /// The digest differs from the descriptor.
    #[error("{what} was changed: expected {expected}, found {found}")]
    Tampered {
        /// The pulled object.
        what: String,
        /// The expected digest.
        expected: Digest,
        /// The digest of the received bytes.
        found: Digest,
    },
    /// The object is too large.
    #[error("{what} has {size} bytes; at most {max} are allowed")]
    TooLarge {
        /// The object.
        what: String,
        /// Its size, as far as it is known.
        size: u64,
        /// The limit.
        max: u64,
    },
    /// Valid content, but of another package or version.
    #[error("{what} contains {found}: the content was replaced, so it is refused")]
    Substituted {
        /// The pulled object.
        what: String,
        /// What it contains.
        found: String,
    },
    /// A manifest is invalid.
    #[error("{what}: {problem}")]
    Artifact {
        /// The pulled object.
        what: String,
        /// The problem.
        problem: InvalidArtifact,
    },
    /// A signature is not trusted.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The index is invalid, or the change to it is not allowed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The registry shows an older state than before.
    #[error(transparent)]
    Rollback(#[from] Rollback),
    /// The component is not a package.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// Other clients keep changing the same index.
    #[error("other clients changed the index of {package} during each of {tries} attempts: try again")]
    Busy {
        /// The package.
        package: PackageName,
        /// Number of attempts.
        tries: u32,
    },
    /// A file or folder cannot be read or written.
    #[error("{path}: {problem}", path = .path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// The cause.
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
