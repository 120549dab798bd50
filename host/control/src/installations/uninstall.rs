//! Uninstalls: `POST /v1/installations/{name}/uninstall`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Time;
use crate::operation::Post;
use crate::outbox::OutboxView;
use handoff_model::names::{Generation, InstallationName};
use handoff_model::scope::Scope;

/// Ends an installation. An export of a large state takes minutes.
pub const UNINSTALL: Post<UninstallRequest, UninstallReport> =
    Post::post("uninstall", "/v1/installations/{name}/uninstall", "End an installation and remove its state")
        .works_offline()
        .timeout(Duration::from_secs(3_600));

/// Requests the end of an installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UninstallRequest {
    /// Report what would be removed, and change nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// An absolute path on the host's machine: a folder to create, into which state and pending work are written before
    /// anything is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<String>,
    /// A note beside the caller, for example for whom it acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The reason, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What an uninstall removes, or would remove.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UninstallReport {
    /// The installation.
    pub name: InstallationName,
    /// The rooftop or the group that it was for.
    pub scope: Scope,
    /// `publisher/name`.
    pub package: String,
    /// The active version.
    pub version: String,
    /// The active generation.
    pub generation: Generation,
    /// False for a dry run.
    pub uninstalled: bool,
    /// What is removed.
    pub removed: PendingView,
    /// Requests without an answer that may have reached their target, at most 100 of them. Their answers are not
    /// delivered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub perhaps_sent: Vec<OutboxView>,
    /// The export, if one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<ExportView>,
}

/// The state and the pending work of an installation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PendingView {
    /// Events that wait for a delivery.
    pub events: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Outbox requests that are not answered yet.
    pub requests: u64,
    /// Outbox requests that a rollback holds.
    pub requests_held: u64,
    /// Those of both that may have reached their target.
    pub requests_perhaps_sent: u64,
    /// Timers.
    pub timers: u64,
    /// State keys.
    pub state_keys: u64,
}

/// A finished export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportView {
    /// Its folder, on the host's machine.
    pub folder: String,
    /// Its files of JSON lines.
    pub files: Vec<ExportedFile>,
    /// The size of all files in bytes.
    pub bytes: u64,
}

/// A file of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedFile {
    /// Its name.
    pub name: String,
    /// The number of lines.
    pub lines: u64,
}

/// When and by whom an installation was uninstalled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UninstalledView {
    /// When.
    pub at: Time,
    /// By whom.
    pub by: String,
    /// The reason that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
