//! Gates, which every request to a target passes: `GET /v1/gates` and `POST /v1/gates/open`.

use serde::{Deserialize, Serialize};

use super::Time;
use crate::operation::{Get, Nothing, Post};

/// Lists gates.
pub const LIST: Get<Nothing, GateList> =
    Get::get("listGates", "/v1/gates", "List the gates to targets: whether requests pass, and why not");
/// Opens a gate.
pub const OPEN: Post<GateRequest, OpenReport> =
    Post::post("openGate", "/v1/gates/open", "Open a gate that a target closed; waiting requests are due at once");

/// The gates of a host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GateList {
    /// One for each target and auth profile that was used since the host started: closed ones first, at most 1,000.
    pub gates: Vec<GateView>,
}

/// A gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GateView {
    /// Host and port.
    pub target: String,
    /// The auth profile of the requests, if they have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Why it is closed. None: requests pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<ClosedBy>,
    /// When the next request may pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}

/// Why a gate is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClosedBy {
    /// The target keeps failing: its circuit breaker is open.
    Failures,
    /// The target asked to wait (`Retry-After`).
    RetryAfter,
    /// The requests of the day are used up (`daily` in the configuration).
    Budget,
}

/// Selects a gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GateRequest {
    /// Host and port.
    pub target: String,
    /// The auth profile of the requests, if they have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// A note beside the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The result of opening a gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenReport {
    /// Host and port.
    pub target: String,
    /// The auth profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// False if requests passed already.
    pub was_closed: bool,
    /// Outbox requests that waited and are due now.
    pub requests: u64,
}
