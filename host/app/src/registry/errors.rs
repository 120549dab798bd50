//! Converts errors of the registry library to errors of use cases. The kind depends on who is at fault.

use handoff_package::index::IndexError;
use handoff_package::resolve::ResolveError;
use handoff_registry_client::ClientError;

use crate::error::AppError;

/// An error of the registry, its connection or its content.
#[must_use]
pub fn registry_error(error: ClientError) -> AppError {
    let message = error.to_string();
    let refused = |code| AppError::Refused { code, message: message.clone() };
    match &error {
        ClientError::NoSuchPackage { package, registry } => {
            AppError::NotFound { what: format!("package `{package}` in {registry}; `handoff search` looks for others") }
        }
        ClientError::Index(IndexError::NoSuchVersion { package, version }) => AppError::NotFound {
            what: format!("version {version} of {package}; `handoff info {package}` lists those that are"),
        },
        ClientError::Unauthorized { .. } => refused("login-refused"),
        ClientError::Unlisted { .. } => refused("unlisted"),
        ClientError::Trust(_) => refused("untrusted"),
        ClientError::Rollback(_) => refused("registry-went-back"),
        ClientError::Tampered { .. } | ClientError::Truncated { .. } | ClientError::Substituted { .. } => {
            refused("tampered")
        }
        ClientError::Index(_) | ClientError::Artifact { .. } | ClientError::Package(_) => refused("unusable-package"),
        ClientError::TooLarge { .. } => AppError::TooLarge { message },
        ClientError::Options(_) => AppError::invalid("registry", message),
        ClientError::Busy { .. } => AppError::Conflict { message },
        // Unreachable, refused, damaged or anything else: the fault of the registry or the connection to it.
        _ => AppError::Registry { message },
    }
}

/// No version matches.
pub(super) fn resolve_error(error: &ResolveError) -> AppError {
    let message = error.to_string();
    match error {
        ResolveError::Empty { package } => AppError::NotFound { what: format!("version of {package} yet") },
        ResolveError::NoMatch { package, requirement, nearest } => {
            let nearest: Vec<String> = nearest.iter().map(ToString::to_string).collect();
            let others = if nearest.is_empty() { "none to be had".to_owned() } else { nearest.join(", ") };
            AppError::NotFound { what: format!("version of {package} that fits `{requirement}`; there are {others}") }
        }
        ResolveError::Yanked { .. } => AppError::Refused { code: "yanked", message },
        ResolveError::Recalled { .. } => AppError::Refused { code: "recalled", message },
        _ => AppError::invalid("requirement", message),
    }
}
