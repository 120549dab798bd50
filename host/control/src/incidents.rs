//! Incidents, which an operator should look at: `GET /v1/incidents`, `POST /v1/incidents/{id}/close`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Time;
use crate::ChangeRequest;
use crate::operation::{Get, Post};
pub use handoff_model::host_records::ProbationState;
use handoff_model::names::InstallationName;
use handoff_model::scope::Scope;

/// Lists open incidents.
pub const LIST: Get<IncidentQuery, IncidentList> =
    Get::get("listIncidents", "/v1/incidents", "List open incidents, newest first").works_offline();
/// Closes an incident.
pub const CLOSE: Post<ChangeRequest, IncidentView> =
    Post::post("closeIncident", "/v1/incidents/{id}/close", "Close an incident that does not close by itself");

/// Selects open incidents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IncidentQuery {
    /// Only incidents of installations of this rooftop, or of a group as `group:NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rooftop: Option<Scope>,
}

/// Open incidents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IncidentList {
    /// What the host stopped or refuses by itself first, then at most 200 that people close: a new one removes the oldest.
    pub incidents: Vec<IncidentView>,
}

/// An incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IncidentView {
    /// Its id.
    pub id: String,
    /// When the host detected it, or since when it has been so.
    pub at: Time,
    /// Its kind in kebab case, for example `automatic-rollback` or `folder-unreadable`.
    pub kind: String,
    /// What it is about, within its kind: an installation, a folder, a target, a secret, `host`.
    #[serde(default)]
    pub subject: String,
    /// The installation, if it concerns one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationName>,
    /// The rooftop or the group of the installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// What happened, or what is wrong, in one sentence.
    pub message: String,
    /// What waits meanwhile. A stopped host does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Whether the host closes it when it is over. Nobody else can.
    #[serde(default)]
    pub closes_itself: bool,
    /// How often it has begun: one that comes and goes is one incident.
    #[serde(default)]
    pub count: u64,
    /// The data on which the host based it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub evidence: Value,
}

/// The probation of the active generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProbationView {
    /// When it ends, if there are enough deliveries by then.
    pub until: Time,
    /// When it ends at the latest.
    pub ends_by: Time,
    /// Its state. `not-judged`: it is over, and there was too little to compare.
    pub state: ProbationState,
    /// Number of deliveries of the active generation so far; an event counts once.
    pub deliveries: u64,
    /// Number of deliveries of the generation that it is compared with.
    pub baseline_deliveries: u64,
    /// Why it was not judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
