//! Timers: `GET /v1/timers` and `POST /v1/timers/fire`.

use serde::{Deserialize, Serialize};

use super::Time;
use crate::operation::{Get, Post};
use handoff_model::names::{InstallationName, Position};
use handoff_model::scope::Scope;

/// Lists timers.
pub const LIST: Get<TimerQuery, TimerList> =
    Get::get("listTimers", "/v1/timers", "List timers in the order in which they are due").works_offline();
/// Fires a timer.
pub const FIRE: Post<FireRequest, FireReport> =
    Post::post("fireTimer", "/v1/timers/fire", "Deliver the event of a timer now");

/// Selects timers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimerQuery {
    /// Only timers of this installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationName>,
    /// Maximum number of timers, up to 1,000. None means 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Timers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimerList {
    /// In the order in which they are due.
    pub timers: Vec<TimerView>,
}

/// A timer that is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimerView {
    /// The installation that set it.
    pub installation: InstallationName,
    /// Its key.
    pub key: String,
    /// When it is due.
    pub due: Time,
    /// The rooftop or the group for which it was set.
    pub scope: Scope,
    /// The type of its event.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The subject of its event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The position of the event whose delivery set it.
    pub set_by: Position,
}

/// Requests to fire a timer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FireRequest {
    /// The installation.
    pub installation: InstallationName,
    /// The timer's key.
    pub key: String,
    /// The person that the caller acts for, or another note for the history. The host identifies the caller itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The reason, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A timer that has fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FireReport {
    /// The installation.
    pub installation: InstallationName,
    /// The timer's key.
    pub key: String,
    /// The position of its event.
    pub position: Position,
}
