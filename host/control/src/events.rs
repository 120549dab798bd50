//! Events in the log: `GET /v1/events` and `GET /v1/events/{position}`.

pub mod find;
pub mod send;
pub mod trace;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Time;
use crate::operation::{Get, Nothing};
use handoff_model::names::{InstallationName, Position};
use handoff_model::scope::Scope;

/// Lists the log.
pub const LIST: Get<EventQuery, EventList> =
    Get::get("listEvents", "/v1/events", "List events, newest first").works_offline();
/// Shows one event.
pub const SHOW: Get<Nothing, EventView> =
    Get::get("showEvent", "/v1/events/{position}", "Show an event with its data").works_offline();
/// Traces an event.
pub const TRACE: Get<Nothing, trace::TraceView> = Get::get(
    "traceEvent",
    "/v1/events/{position}/trace",
    "Show every delivery of an event, and every event that they emitted",
)
.works_offline();

/// Selects events, newest first. All given conditions apply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventQuery {
    /// Maximum number of events, up to 1,000. None means 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only events before this position, for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Position>,
    /// An exact type, or a prefix that ends in `*`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// An exact source, or a prefix that ends in `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Only events of this rooftop, or of a group as `group:NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rooftop: Option<Scope>,
    /// Only events that were routed to this installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationName>,
}

/// A page of the log, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventList {
    /// The events.
    pub events: Vec<EventSummary>,
    /// `before` of the next page, if there may be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Position>,
}

/// The summary of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventSummary {
    /// Its position in the log.
    pub position: Position,
    /// When the host accepted it.
    pub at: Time,
    /// The rooftop or the group that it belongs to.
    pub scope: Scope,
    /// CloudEvents `id`.
    pub id: String,
    /// CloudEvents `source`.
    pub source: String,
    /// CloudEvents `type`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// CloudEvents `subject`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Size of its data in bytes.
    pub data_bytes: u64,
    /// The receiving installations, with the state of each delivery.
    #[serde(default)]
    pub routes: Vec<RouteView>,
}

/// The delivery of an event to one installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteView {
    /// The installation.
    pub installation: InstallationName,
    /// The state of the delivery.
    pub state: DeliveryState,
}

/// The state of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryState {
    /// Waits for its first attempt or is running it.
    Waiting,
    /// Failed and will be retried.
    Retrying,
    /// Committed.
    Committed,
    /// Failed permanently.
    DeadLetter,
    /// Failed permanently and was delivered again as a new event.
    Redriven,
    /// Failed permanently and was discarded by a person.
    Discarded,
    /// The installation was uninstalled before it handled the event.
    Uninstalled,
}

/// An event with its data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventView {
    /// Its summary.
    #[serde(flatten)]
    pub summary: EventSummary,
    /// CloudEvents `time`: when it happened, if the source states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// CloudEvents `datacontenttype`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_content_type: Option<String>,
    /// CloudEvents `dataschema`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_schema: Option<String>,
    /// Extension attributes.
    #[serde(default)]
    pub extensions: BTreeMap<String, String>,
    /// The event whose delivery emitted this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caused_by: Option<Position>,
    /// The position of the dead letter whose event it repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redrive_of: Option<Position>,
    /// The data, if it is UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// The data in base64, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_base64: Option<String>,
}
