//! Installations: `GET /v1/installations` and `GET /v1/installations/{name}`.

pub mod history;
pub mod install;
pub mod lock;
pub mod many;
pub mod rollback;
pub mod uninstall;
pub mod upgrade;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Time;
use crate::ChangeRequest;
use crate::host::status::{Counts, HostState};
use crate::installations::rollback::RollbackJobView;
use crate::operation::{Get, Nothing, Post};
use handoff_model::grants::Grants;
use handoff_model::names::{Generation, InstallationName};
use handoff_model::scope::Scope;

/// Lists installations.
pub const LIST: Get<InstallationQuery, InstallationList> =
    Get::get("listInstallations", "/v1/installations", "List installations").works_offline();
/// Shows one installation.
pub const SHOW: Get<Nothing, InstallationView> =
    Get::get("showInstallation", "/v1/installations/{name}", "Show an installation").works_offline();
/// Shows the settings of the active generation.
pub const SETTINGS: Get<Nothing, SettingsView> = Get::get(
    "installationSettings",
    "/v1/installations/{name}/settings",
    "Show the settings of the active generation, as in a settings file",
)
.works_offline();
/// Retries the waiting events of an installation at once.
pub const RETRY_NOW: Post<ChangeRequest, RetryReport> =
    Post::post("retryNow", "/v1/installations/{name}/retry-now", "Deliver the events that wait for a retry at once");
/// Pauses an installation.
pub const PAUSE: Post<ChangeRequest, PauseReport> =
    Post::post("pause", "/v1/installations/{name}/pause", "Pause deliveries to an installation");
/// Resumes an installation.
pub const RESUME: Post<ChangeRequest, PauseReport> =
    Post::post("resume", "/v1/installations/{name}/resume", "Resume deliveries to an installation");

/// Selects installations: `GET /v1/installations`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InstallationQuery {
    /// Only installations of this rooftop, or of a group as `group:NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rooftop: Option<Scope>,
}

/// The installations of a host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstallationList {
    /// Whether the host accepts work.
    #[serde(default = "ready")]
    pub host: HostState,
    /// Installations, sorted by name.
    pub installations: Vec<InstallationSummary>,
    /// Open incidents of the host as a whole, which hold up all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<super::incidents::IncidentView>,
}

/// A host that does not say is one of an earlier version, and answered.
fn ready() -> HostState {
    HostState::Ready
}

/// The summary of an installation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstallationSummary {
    /// Its name.
    pub name: InstallationName,
    /// The rooftop or the group that it is for.
    pub scope: Scope,
    /// `publisher/name`.
    pub package: String,
    /// The active version.
    pub version: String,
    /// The active generation.
    pub generation: Generation,
    /// Why deliveries are paused, if they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<PauseView>,
    /// The unfinished rollback job, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_job: Option<RollbackJobView>,
    /// Counts of pending work.
    pub counts: Counts,
    /// What the host stopped or refuses by itself that holds up its work.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<super::incidents::IncidentView>,
    /// Warnings, for example that its version was recalled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<WarningView>,
}

/// A warning about an installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WarningView {
    /// Its kind.
    pub kind: WarningKind,
    /// The message in one sentence.
    pub message: String,
    /// The command to run, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// The kind of a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WarningKind {
    /// Its publisher recalled the active version.
    Recalled,
    /// The key that signed the active version is no longer trusted.
    KeyRevoked,
    /// The newest version list of its package that this host has seen was signed too long ago.
    ListOld,
    /// A rollback had events delivered again, and the active version emitted events that differ from those emitted
    /// before. The new ones are not delivered.
    EventsDiffer,
    /// Its data cannot be read.
    Unreadable,
}

/// An event type that an installation shares with another rooftop or group, or accepts from it. Events cross only while
/// the settings of both sides name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShareView {
    /// Whether it shares the type or accepts it.
    pub direction: ShareDirection,
    /// The event type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The other rooftop or group.
    pub scope: Scope,
    /// The installations at the other side whose settings name it, too. Empty: no event crosses.
    #[serde(default)]
    pub installations: Vec<InstallationName>,
}

/// The direction of a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ShareDirection {
    /// It emits the events, and shares them with the other scope.
    With,
    /// It receives events that the other scope shares.
    From,
}

/// Why an installation is paused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PauseView {
    /// When it was paused.
    pub at: Time,
    /// The reason, for people.
    pub message: String,
}

/// Everything about an installation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstallationView {
    /// Its summary.
    #[serde(flatten)]
    pub summary: InstallationSummary,
    /// IANA time zone of its scope; none if the configuration no longer contains that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The grants of the active generation.
    pub grants: Grants,
    /// Event types that it shares with other rooftops and groups, and accepts from them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<ShareView>,
    /// The path on the ingress listener that accepts its webhooks, if it accepts any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook_path: Option<String>,
    /// All generations, newest first.
    pub generations: Vec<GenerationView>,
    /// Counts of deliveries since the installation was created.
    pub deliveries: DeliveryTotals,
    /// The probation of the active generation, if an upgrade or a change of settings created it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probation: Option<super::incidents::ProbationView>,
    /// Metrics of the connector.
    #[serde(default)]
    pub metrics: Vec<MetricView>,
}

/// The settings of an installation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SettingsView {
    /// The installation.
    pub name: InstallationName,
    /// The active generation.
    pub generation: Generation,
    /// With the keys of a settings file. They name secrets and contain none; paths are absolute.
    pub settings: serde_json::Value,
}

/// A generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GenerationView {
    /// Its number.
    pub generation: Generation,
    /// Its version.
    pub version: String,
    /// The sha256 digest of its component.
    pub digest: String,
    /// The version of its state schema.
    pub state_schema: u32,
    /// Whether it is active.
    pub active: bool,
    /// Whether its digest was rolled back: nothing selects it again unless forced.
    #[serde(default)]
    pub quarantined: bool,
    /// When it was created.
    pub at: Time,
    /// Who created it.
    pub by: String,
    /// The change that created it.
    pub kind: GenerationKind,
    /// For a rollback: the generation whose content it restores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restores: Option<Generation>,
    /// The reason given by its creator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The change that created a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GenerationKind {
    /// The first generation of an installation.
    Install,
    /// Another version.
    Upgrade,
    /// The same version with different settings.
    Reconfigure,
    /// The content of an older generation.
    Rollback,
}

/// Counts of deliveries since the installation was created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryTotals {
    /// Committed deliveries.
    pub committed: u64,
    /// Failed attempts.
    #[serde(default)]
    pub failed_attempts: u64,
    /// Deliveries that failed permanently, including those redriven or discarded since.
    #[serde(default)]
    pub dead_lettered: u64,
}

/// A metric of a connector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricView {
    /// Its name in kebab case.
    pub name: String,
    /// Its labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The value of a counter or gauge; the mean of a histogram.
    pub value: f64,
    /// Number of values in a histogram.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

/// The response to retry-now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetryReport {
    /// The installation.
    pub name: InstallationName,
    /// Number of events that waited for a retry and are due now.
    pub events: u64,
}

/// The response to pause and resume.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PauseReport {
    /// The installation after the change.
    pub installation: InstallationSummary,
    /// False if it was already in this state.
    pub changed: bool,
}
