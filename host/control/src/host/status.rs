//! The status of the whole host: `GET /v1/status` and `GET /metrics`.

use serde::{Deserialize, Serialize};

use crate::Time;
use crate::incidents::IncidentView;
use crate::installations::WarningView;
use crate::operation::{Get, Media, Nothing};
use handoff_model::names::{InstallationName, Position};

/// Shows the status.
pub const SHOW: Get<Nothing, StatusView> = Get::get("status", "/v1/status", "Show host status").works_offline();
/// Shows all metrics, at the path where Prometheus looks for them.
pub const METRICS: Get<Nothing, String> =
    Get::get("metrics", "/metrics", "Show metrics of the host and of connectors").answer(Media::Text);

/// The status of a host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusView {
    /// The version of the program.
    pub version: String,
    /// Whether it accepts work.
    pub state: HostState,
    /// The problem, if it has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The time of the host's clock.
    pub now: Time,
    /// When the process started; none if the host is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// The path of the data folder.
    pub data_folder: String,
    /// Free space on the store's file system in bytes.
    pub disk_free_bytes: u64,
    /// Size of the store in bytes.
    pub store_bytes: u64,
    /// The newest position in the log.
    pub last_position: Position,
    /// Number of active installations.
    pub active_installations: u32,
    /// Number of paused installations.
    pub paused_installations: u32,
    /// Number of installations in which a rollback is still restoring data.
    #[serde(default)]
    pub restoring_installations: u32,
    /// Totals over all installations.
    pub counts: Counts,
    /// Warnings about installations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<NamedWarning>,
    /// Open incidents: what the host stopped or refuses by itself first, then those that people close.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<IncidentView>,
}

/// A warning about an installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamedWarning {
    /// The installation.
    pub installation: InstallationName,
    /// The warning.
    #[serde(flatten)]
    pub warning: WarningView,
}

/// Whether a host accepts work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HostState {
    /// Recovers from the journal after a stop; accepts nothing yet.
    Recovering,
    /// Accepts events and delivers them.
    Ready,
    /// Acknowledges nothing until its disk can be written again, for example because it is full. Resumes by itself.
    Blocked,
    /// Acknowledges nothing because its disk failed; has to be restarted.
    Failed,
    /// Finishes running work before it stops.
    Stopping,
    /// Not running: the metrics come from the store.
    Stopped,
}

/// Counts of pending work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Events that wait for a delivery, including those between two attempts.
    pub waiting: u64,
    /// Running deliveries.
    pub in_flight: u64,
    /// Deliveries that failed permanently.
    pub dead_letters: u64,
    /// Outbox requests without a response yet.
    pub outbox_pending: u64,
    /// Outbox requests that a rollback holds until someone releases or discards them.
    #[serde(default)]
    pub outbox_held: u64,
    /// Active timers.
    #[serde(default)]
    pub timers: u64,
}
