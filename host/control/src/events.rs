//! Events in the log: `GET /v1/events` and `GET /v1/events/{position}`.

pub mod trace;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Time;
use crate::operation::{Get, Nothing};
use handoff_model::names::{InstallationName, Position};

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

/// Which events to list, newest first. Every given condition holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventQuery {
    /// At most so many; the host answers at most 1,000. None means 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only positions before this one: the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Position>,
    /// Exact type, or a prefix that ends in `*`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// Exact source, or a prefix that ends in `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
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

/// One line about an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventSummary {
    /// Its place in the log.
    pub position: Position,
    /// When the host took it.
    pub at: Time,
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
    /// Bytes of its data.
    pub data_bytes: u64,
    /// To whom it went, and how that stands.
    #[serde(default)]
    pub routes: Vec<RouteView>,
}

/// How the delivery of an event to one installation stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteView {
    /// The installation.
    pub installation: InstallationName,
    /// How it stands.
    pub state: DeliveryState,
}

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryState {
    /// Waits for its first attempt, or has it now.
    Waiting,
    /// Failed and is tried again.
    Retrying,
    /// Took effect.
    Committed,
    /// Failed for good.
    DeadLetter,
    /// Failed for good and was delivered again as a new event.
    Redriven,
    /// Failed for good and was given up by a person.
    Discarded,
}

/// An event with its data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventView {
    /// The line about it.
    #[serde(flatten)]
    pub summary: EventSummary,
    /// CloudEvents `time`: when it happened, if the source says so.
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
    /// The event whose delivery made this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caused_by: Option<Position>,
    /// The dead letter that it repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redrive_of: Option<Position>,
    /// The data, if it is UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// The data in base64, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_base64: Option<String>,
}
