//! What a person should look at: `GET /v1/incidents`, `POST /v1/incidents/{id}/close`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Time;
use crate::ChangeRequest;
use crate::operation::{Get, Nothing, Post};
pub use handoff_model::host_records::ProbationState;
use handoff_model::names::InstallationName;

/// Lists open incidents.
pub const LIST: Get<Nothing, IncidentList> =
    Get::get("listIncidents", "/v1/incidents", "List open incidents, newest first").works_offline();
/// Closes an incident.
pub const CLOSE: Post<ChangeRequest, IncidentView> =
    Post::post("closeIncident", "/v1/incidents/{id}/close", "Close an incident");

/// Incidents that nobody has closed, newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IncidentList {
    /// At most 200: the oldest beyond it go.
    pub incidents: Vec<IncidentView>,
}

/// One incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IncidentView {
    /// Names it.
    pub id: String,
    /// When it was noticed.
    pub at: Time,
    /// Kebab-case word, for example `automatic-rollback`.
    pub kind: String,
    /// Whom it is about, if it is one installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationName>,
    /// What happened, in a sentence.
    pub message: String,
    /// What to type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// What it was concluded from.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub evidence: Value,
}

/// How the probation of the active generation stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProbationView {
    /// When it ends.
    pub until: Time,
    /// How it stands.
    pub state: ProbationState,
    /// Deliveries of the generation before that it is compared with. With too few nothing is judged.
    pub baseline_deliveries: u64,
}
