//! Exporting a host's installations as a lock, and applying a lock: `GET /v1/lock`, `POST /v1/apply`.

use serde::{Deserialize, Serialize};

use super::upgrade::ConfigChangeView;
use crate::operation::{Get, Nothing, Post};
use crate::registry::SignerView;
use handoff_model::names::{Generation, InstallationName};
use handoff_model::scope::Scope;
use std::time::Duration;

/// Locks the installations of a host.
pub const LOCK: Get<Nothing, LockView> =
    Get::get("lock", "/v1/lock", "Show exactly what is installed, as a lock").works_offline();
/// Applies a lock.
pub const APPLY: Post<ApplyRequest, ApplyReport> =
    Post::post("apply", "/v1/apply", "Bring the installations of a host to the state of a lock").timeout(APPLY_TIMEOUT);

/// Timeout for a response that compiles components of many installations.
const APPLY_TIMEOUT: Duration = Duration::from_secs(3_600);

/// The exact installations of a host. `handoff.lock` is its TOML form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LockView {
    /// Installations, sorted by name.
    pub installations: Vec<LockedInstallation>,
}

/// An installation in a lock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LockedInstallation {
    /// Its name.
    pub name: InstallationName,
    /// `publisher/name`.
    pub package: String,
    /// Its version.
    pub version: String,
    /// `sha256:<hex>` of the component.
    pub digest: String,
    /// Who signed the package; none if it came from a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<SignerView>,
    /// The registry's name in the host's configuration; none if the package came from a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// The rooftop or the group that it is for.
    pub scope: Scope,
    /// The absolute folder on the host's machine that relative paths in the settings start from. A lock that a host
    /// writes has none; the command line names the folder of the lock file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings_folder: Option<String>,
    /// Its settings without `rooftop` or `group`, with the keys of the settings file. They name secrets and contain none.
    pub settings: serde_json::Value,
}

/// Requests to bring installations into the state of a lock. Never removes an installation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApplyRequest {
    /// The requested state.
    pub lock: LockView,
    /// Show the plan and change nothing. Packages are fetched and checked in any case.
    #[serde(default)]
    pub dry_run: bool,
    /// The code of the approved plan. A different plan is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approve: Option<String>,
    /// The person that the caller acts for, or another note for the history. The host identifies the caller itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The reason, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The plan of an apply, with the results.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplyReport {
    /// One step per installation, in the order of the lock.
    pub steps: Vec<ApplyStep>,
    /// Installations that the lock does not name. They are unchanged.
    #[serde(default)]
    pub not_in_lock: Vec<InstallationName>,
    /// The code of this plan: send it as `approve`. None if there is nothing to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// False for a dry run.
    pub applied: bool,
}

/// The step for one installation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplyStep {
    /// The installation.
    pub name: InstallationName,
    /// `publisher/name`.
    pub package: String,
    /// The version in the lock.
    pub version: String,
    /// The required change.
    pub does: ApplyDoes,
    /// The previously active version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_version: Option<String>,
    /// The rooftop or the group that it is for.
    pub scope: Scope,
    /// Added permissions, each with its verb: `reach crm: POST …`. The code covers them.
    #[serde(default)]
    pub grants: Vec<String>,
    /// Removed permissions.
    #[serde(default)]
    pub grants_dropped: Vec<String>,
    /// Changed settings, by field path in the settings file. Empty for a new installation.
    #[serde(default)]
    pub changes: Vec<ConfigChangeView>,
    /// Warnings, in sentences.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Why it is not possible, or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The created generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<Generation>,
}

/// The required change of an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ApplyDoes {
    /// It does not exist yet.
    Install,
    /// It has a different package digest.
    Upgrade,
    /// Only its settings differ.
    Reconfigure,
    /// It equals the lock.
    Nothing,
}
