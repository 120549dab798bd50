//! Installations as they stand: `GET /v1/installations` and `GET /v1/installations/{name}`.

pub mod history;
pub mod install;
pub mod lock;
pub mod rollback;
pub mod upgrade;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Time;
use crate::ChangeRequest;
use crate::host::status::Counts;
use crate::installations::rollback::RollbackJobView;
use crate::operation::{Get, Nothing, Post};
use handoff_model::grants::Grants;
use handoff_model::names::{Generation, InstallationName, RooftopName};

/// Lists installations.
pub const LIST: Get<Nothing, InstallationList> =
    Get::get("listInstallations", "/v1/installations", "List installations").works_offline();
/// Shows one installation.
pub const SHOW: Get<Nothing, InstallationView> =
    Get::get("showInstallation", "/v1/installations/{name}", "Show an installation").works_offline();
/// Pauses an installation.
pub const PAUSE: Post<ChangeRequest, PauseReport> =
    Post::post("pause", "/v1/installations/{name}/pause", "Pause deliveries to an installation");
/// Resumes an installation.
pub const RESUME: Post<ChangeRequest, PauseReport> =
    Post::post("resume", "/v1/installations/{name}/resume", "Resume deliveries to an installation");

/// Every installation of a host: `GET /v1/installations`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstallationList {
    /// Sorted by name.
    pub installations: Vec<InstallationSummary>,
}

/// One line about an installation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstallationSummary {
    /// Its name.
    pub name: InstallationName,
    /// Its rooftop.
    pub rooftop: RooftopName,
    /// `publisher/name`.
    pub package: String,
    /// The active version.
    pub version: String,
    /// The active generation.
    pub generation: Generation,
    /// Why no deliveries are made, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<PauseView>,
    /// What follows from a rollback and is still at work, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_job: Option<RollbackJobView>,
    /// What waits.
    pub counts: Counts,
    /// What an operator should know of it: that its version was recalled, for example.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<WarningView>,
}

/// What an operator should know of an installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WarningView {
    /// What sort of thing.
    pub kind: WarningKind,
    /// In a sentence.
    pub message: String,
    /// What to type, if something can be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// What sort of thing an operator should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WarningKind {
    /// Its publisher recalled the version at work.
    Recalled,
    /// The key that signed the version at work is no longer trusted.
    KeyRevoked,
    /// The newest list of its package's versions that this host has seen was signed too long ago.
    ListOld,
    /// A rollback had events delivered again, and the version at work emitted others than those that were emitted before,
    /// which nobody gets again.
    EventsDiffer,
    /// What is known of it cannot be read.
    Unreadable,
}

/// Why an installation is paused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PauseView {
    /// Since when.
    pub at: Time,
    /// What a person should read.
    pub message: String,
}

/// Everything about an installation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstallationView {
    /// The line about it.
    #[serde(flatten)]
    pub summary: InstallationSummary,
    /// IANA time zone of the rooftop; none if the configuration does not name the rooftop any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// What the active generation may reach.
    pub grants: Grants,
    /// Where webhooks for it go, if it takes any: a path on the ingress listener.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook_path: Option<String>,
    /// Every generation, newest first.
    pub generations: Vec<GenerationView>,
    /// Deliveries since the installation was made.
    pub deliveries: DeliveryFigures,
    /// How the probation of the active generation stands, if an upgrade made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probation: Option<super::incidents::ProbationView>,
    /// The connector's own figures.
    #[serde(default)]
    pub metrics: Vec<MetricView>,
}

/// One generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GenerationView {
    /// Its number.
    pub generation: Generation,
    /// Its version.
    pub version: String,
    /// sha256 of its component.
    pub digest: String,
    /// Number of its state's schema.
    pub state_schema: u32,
    /// Whether its commits count now.
    pub active: bool,
    /// Whether a rollback left its digest: nothing picks it again unless forced.
    #[serde(default)]
    pub quarantined: bool,
    /// When it was made.
    pub at: Time,
    /// By whom.
    pub by: String,
    /// How it came about.
    pub kind: GenerationKind,
    /// The generation whose content it restores, of a rollback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restores: Option<Generation>,
    /// Why, as whoever made it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How a generation came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GenerationKind {
    /// The first of an installation.
    Install,
    /// Another version.
    Upgrade,
    /// The same version with other settings.
    Reconfigure,
    /// The content of an older generation.
    Rollback,
}

/// Deliveries since the installation was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryFigures {
    /// That took effect.
    pub committed: u64,
    /// Attempts that failed.
    #[serde(default)]
    pub failed_attempts: u64,
    /// That failed for good, those redriven or discarded since included.
    #[serde(default)]
    pub dead_lettered: u64,
}

/// One of the connector's own figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricView {
    /// Kebab-case name.
    pub name: String,
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// A counter's or gauge's value; a histogram's mean.
    pub value: f64,
    /// How many values a histogram recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

/// The answer to pause and resume.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PauseReport {
    /// The installation as it is now.
    pub installation: InstallationSummary,
    /// False if it was so already.
    pub changed: bool,
}
