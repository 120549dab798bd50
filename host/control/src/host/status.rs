//! The state of a whole host: `GET /v1/status`.

use serde::{Deserialize, Serialize};

use crate::Time;
use crate::incidents::IncidentView;
use crate::installations::WarningView;
use crate::operation::{Get, Media, Nothing};
use handoff_model::names::{InstallationName, Position};

/// Shows the status.
pub const SHOW: Get<Nothing, StatusView> = Get::get("status", "/v1/status", "Show host status").works_offline();
/// Shows all metrics.
pub const METRICS: Get<Nothing, String> =
    Get::get("metrics", "/v1/metrics", "Show metrics of the host and of connectors").answer(Media::OpenMetrics);

/// How a host is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusView {
    /// The program's version.
    pub version: String,
    /// Whether it takes work.
    pub state: HostState,
    /// What is wrong, if it has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The host's clock.
    pub now: Time,
    /// When the process started; none if it does not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// Where the store lies.
    pub data_folder: String,
    /// Bytes free on the store's file system.
    pub disk_free_bytes: u64,
    /// Bytes of the store.
    pub store_bytes: u64,
    /// The newest position in the log.
    pub last_position: Position,
    /// Installations that are at work.
    pub active_installations: u32,
    /// Installations that are paused.
    pub paused_installations: u32,
    /// Installations in which a rollback still puts things back.
    #[serde(default)]
    pub restoring_installations: u32,
    /// Totals over all installations.
    pub counts: Counts,
    /// Installations of which an operator should know something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<NamedWarning>,
    /// What the host noticed lately, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<IncidentView>,
}

/// What an operator should know of one installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamedWarning {
    /// The installation.
    pub installation: InstallationName,
    /// What it is.
    #[serde(flatten)]
    pub warning: WarningView,
}

/// Whether a host takes work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HostState {
    /// Reads the journal after a stop; takes nothing yet.
    Recovering,
    /// Takes events and delivers.
    Ready,
    /// Refuses new events because queues are full or the disk is; delivers.
    Saturated,
    /// Acknowledges nothing any more, because its disk failed; has to be started again.
    Failed,
    /// Ends what it began.
    Stopping,
    /// Not running: the figures come from the store.
    Stopped,
}

/// What waits where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Events that wait for a delivery, those between two attempts included.
    pub waiting: u64,
    /// Deliveries that run now.
    pub in_flight: u64,
    /// Deliveries that failed for good.
    pub dead_letters: u64,
    /// Outbox requests that are not answered yet.
    pub outbox_pending: u64,
    /// Outbox requests that a rollback keeps back until someone releases or discards them.
    #[serde(default)]
    pub outbox_held: u64,
    /// Timers that are set.
    #[serde(default)]
    pub timers: u64,
}
