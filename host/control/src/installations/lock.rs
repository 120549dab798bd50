//! A whole host's installations as a document, and putting a host into that state: `GET /v1/lock`, `POST /v1/apply`.

use serde::{Deserialize, Serialize};

use super::upgrade::ConfigChangeView;
use crate::operation::{Get, Nothing, Post};
use crate::registry::SignerView;
use handoff_model::names::{Generation, InstallationName, RooftopName};
use std::time::Duration;

/// Locks the installations of a host.
pub const LOCK: Get<Nothing, LockView> =
    Get::get("lock", "/v1/lock", "Show exactly what is installed, as a lock").works_offline();
/// Applies a lock.
pub const APPLY: Post<ApplyRequest, ApplyReport> =
    Post::post("apply", "/v1/apply", "Bring the installations of a host to the state of a lock").timeout(APPLY_TIMEOUT);

/// Time for an answer that compiles components for many installations.
const APPLY_TIMEOUT: Duration = Duration::from_secs(3_600);

/// What is installed on a host, exactly. `handoff.lock` is its TOML form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LockView {
    /// Sorted by name.
    pub installations: Vec<LockedInstallation>,
}

/// One installation of a lock.
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
    /// Who signed the package; none if it was given as a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<SignerView>,
    /// The registry's name in the host's configuration; none if the package was given as a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// Its rooftop.
    pub rooftop: RooftopName,
    /// Absolute folder from which relative paths in the settings count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings_folder: Option<String>,
    /// Its settings without the rooftop, keys as in the file. They name secrets and hold none.
    pub settings: serde_json::Value,
}

/// Asks to bring installations into the state of a lock. Never removes one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApplyRequest {
    /// The state to reach.
    pub lock: LockView,
    /// True: show the plan, change nothing. Packages are fetched and checked either way.
    #[serde(default)]
    pub dry_run: bool,
    /// The code of the plan that somebody agreed to: with another plan nothing is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approve: Option<String>,
    /// For whom the caller acts, or what else should stand beside its name in the history. The host knows who the
    /// caller is; this is a note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The plan of an apply, and what was done of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplyReport {
    /// One for each installation of the lock, in its order.
    pub steps: Vec<ApplyStep>,
    /// Installations that the lock does not name: they stay as they are.
    #[serde(default)]
    pub not_in_lock: Vec<InstallationName>,
    /// Names this plan: give it as `approve`. None if there is nothing to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// False for a dry run.
    pub applied: bool,
}

/// One installation of an apply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplyStep {
    /// The installation.
    pub name: InstallationName,
    /// `publisher/name`.
    pub package: String,
    /// The version of the lock.
    pub version: String,
    /// What has to be done.
    pub does: ApplyDoes,
    /// The version at work before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_version: Option<String>,
    /// Its rooftop.
    pub rooftop: RooftopName,
    /// What it may do that it may not do now, each with its verb: `reach crm: POST …`. Part of what the code agrees to.
    #[serde(default)]
    pub grants: Vec<String>,
    /// What it may do now, and may not do any more.
    #[serde(default)]
    pub grants_dropped: Vec<String>,
    /// What differs from its present settings, by the field's path in the settings file. Empty for one that is not there yet.
    #[serde(default)]
    pub changes: Vec<ConfigChangeView>,
    /// What someone should know, in sentences.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Why it cannot be done, or was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The generation that it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<Generation>,
}

/// What has to be done with an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ApplyDoes {
    /// It is not there yet.
    Install,
    /// It is there with another package digest.
    Upgrade,
    /// Only its settings differ.
    Reconfigure,
    /// It is as the lock says.
    Nothing,
}
