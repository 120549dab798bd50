//! Shadow runs and replays of recorded deliveries: `POST /v1/installations/{name}/shadow` and `POST
//! /v1/events/{position}/replay`.
//!
//! The response to a shadow run is JSON lines (`application/x-ndjson`): any number of [`ShadowLine::Progress`], then
//! one [`ShadowLine::Report`] or [`ShadowLine::Problem`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{FailureView, Time};
use crate::operation::{Media, Post};
use handoff_model::names::{Generation, InstallationName, Position};
use std::time::Duration;

/// Runs recorded deliveries with another version.
pub const RUN: Post<ShadowRequest, ShadowLine> = Post::post(
    "shadow",
    "/v1/installations/{name}/shadow",
    "Run recorded deliveries on another version or configuration, without effects",
)
.timeout(SHADOW_TIMEOUT)
.answer(Media::JsonLines);
/// Replays one delivery.
pub const REPLAY: Post<ReplayRequest, ReplayView> =
    Post::post("replay", "/v1/events/{position}/replay", "Run one recorded delivery again, without effects");

/// Timeout of a shadow run: compilation and the host's maximum time for a run.
const SHADOW_TIMEOUT: Duration = Duration::from_secs(300 + 3_600);

/// The code and settings that run the deliveries. Without fields: the active generation, as a control.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CandidateRequest {
    /// `sha256:<hex>` of a package that the host has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The version of a generation of the installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The settings file as JSON, with the same keys. Without it: the settings of the installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Value>,
    /// The absolute folder that relative paths in the settings start from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings_folder: Option<String>,
}

/// Requests a shadow run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShadowRequest {
    /// The code and settings to run.
    #[serde(default)]
    pub candidate: CandidateRequest,
    /// The number of newest events, 1 to 10,000. 50 if neither this nor `since` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u32>,
    /// Events whose delivery ended since then, at most 10,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// Time limit of the run in milliseconds, at most one hour. Default: ten minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<u64>,
}

/// A line of the response to a shadow run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ShadowLine {
    /// The progress.
    Progress {
        /// Number of finished deliveries.
        done: u64,
        /// Total number of deliveries.
        total: u64,
    },
    /// The result.
    Report(Box<ShadowView>),
    /// The error that ended the run, as problem details (RFC 9457).
    Problem(Value),
}

/// What a candidate does differently.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShadowView {
    /// The installation.
    pub name: InstallationName,
    /// The generation that was active when the run started.
    pub generation: Generation,
    /// The active version.
    pub version: String,
    /// The code that ran.
    pub candidate: CandidateView,
    /// Counts of deliveries.
    pub deliveries: ShadowCounts,
    /// The first event, and the time of the earliest delivery; none if nothing is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<ShadowPlace>,
    /// The last event, and the time of the latest delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<ShadowPlace>,
    /// Why the run ended early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<CutView>,
    /// Why the candidate could not migrate the state, so that nothing ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migration_failure: Option<FailureView>,
    /// Differences, most frequent first.
    #[serde(default)]
    pub differences: Vec<DifferenceGroup>,
    /// Number of differences in further groups, which are not listed.
    #[serde(default)]
    pub differences_left_out: u64,
    /// Durations of the recorded and of the repeated deliveries. Recorded look-ups took time; repeated ones are
    /// answered at once.
    pub durations: ShadowDurations,
    /// Warnings, in sentences.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Duration of the whole run, in milliseconds.
    pub took_ms: u64,
}

/// The code that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CandidateView {
    /// Its version.
    pub version: String,
    /// The sha256 digest of its component.
    pub digest: String,
}

/// Counts of deliveries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShadowCounts {
    /// Deliveries in the window. The last attempt at each event counts.
    pub total: u64,
    /// Deliveries that were repeated.
    pub ran: u64,
    /// Deliveries with the same result.
    pub same: u64,
    /// Deliveries with a different result.
    pub different: u64,
    /// Deliveries whose event or record is no longer kept.
    pub gone: u64,
    /// Deliveries that had failed because of the host itself.
    pub hosts_own: u64,
    /// Deliveries that read state that could not be reconstructed with certainty.
    pub state_assumed: u64,
    /// Deliveries that made look-ups missing in the recording. They got an error.
    pub not_recorded: u64,
    /// Look-ups that were not recorded.
    pub look_ups_not_recorded: u64,
}

/// A delivery in the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShadowPlace {
    /// The event.
    pub position: Position,
    /// When it was delivered.
    pub at: Time,
}

/// Why a run ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CutView {
    /// Its time limit expired.
    Time,
    /// Its deliveries wrote more state than a run keeps in memory.
    State,
    /// The host is stopping.
    Stopping,
}

/// The kind of effect that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    /// Whether it committed, and its failure.
    Outcome,
    /// Emitted events.
    Emitted,
    /// State keys that were written or removed.
    State,
    /// Timers that were set or cancelled.
    Timer,
    /// Outbox requests.
    Request,
}

/// How it differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceChange {
    /// Only the candidate has it.
    Added,
    /// Only the recording has it.
    Removed,
    /// Both have it, with different content.
    Changed,
    /// Both have the same ones in a different order.
    Reordered,
}

/// A group of similar differences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DifferenceGroup {
    /// The kind of effect.
    pub kind: DifferenceKind,
    /// How it differs.
    pub change: DifferenceChange,
    /// An event type, the pattern of a key, a method and a host, or two outcomes.
    pub what: String,
    /// Number of differences.
    pub count: u64,
    /// The first examples, at most three.
    pub examples: Vec<DifferenceExample>,
}

/// An example of a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DifferenceExample {
    /// The event.
    pub position: Position,
    /// The number of the attempt.
    pub attempt: u32,
    /// A key or an event type.
    pub name: String,
    /// The fields that differ.
    pub fields: Vec<FieldView>,
    /// Number of further fields that differ.
    #[serde(default)]
    pub fields_left_out: u64,
    /// Whether the delivery read state that could not be reconstructed with certainty.
    #[serde(default)]
    pub state_assumed: bool,
    /// Look-ups of the delivery that were not recorded.
    #[serde(default)]
    pub not_recorded: Vec<String>,
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldView {
    /// The path of the field, with dots between levels; empty for the whole.
    pub path: String,
    /// The recorded value; none if the field is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<String>,
    /// The candidate's value; none if the field is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<String>,
}

/// Durations of the connector's calls, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShadowDurations {
    /// Recorded median.
    pub recorded_p50_ms: f64,
    /// Recorded 95th percentile.
    pub recorded_p95_ms: f64,
    /// Candidate's median.
    pub candidate_p50_ms: f64,
    /// Candidate's 95th percentile.
    pub candidate_p95_ms: f64,
}

/// Requests the replay of one delivery.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplayRequest {
    /// The receiving installation. Required if there were several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationName>,
    /// The number of the attempt. Without it: the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The code and settings to run. Without fields: the generation of the recording.
    #[serde(default)]
    pub candidate: CandidateRequest,
    /// Also return the delivery as a test case for the SDK's test kit.
    #[serde(default)]
    pub export: bool,
}

/// The result of a replay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplayView {
    /// The installation.
    pub name: InstallationName,
    /// The event.
    pub position: Position,
    /// The number of the attempt.
    pub attempt: u32,
    /// When it was delivered.
    pub at: Time,
    /// The generation of the recording.
    pub generation: Generation,
    /// The code that ran now.
    pub candidate: CandidateView,
    /// True if the same component ran with the same settings, so that every byte was compared.
    pub exact: bool,
    /// Whether both results are the same.
    pub same: bool,
    /// Whether the delivery read state that could not be reconstructed with certainty.
    pub state_assumed: bool,
    /// Look-ups that were not recorded.
    #[serde(default)]
    pub not_recorded: Vec<String>,
    /// The recorded failure; none if it committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_failure: Option<FailureView>,
    /// The failure of the replay; none if it would commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureView>,
    /// The changes that the replay would commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effects: Option<ReplayEffects>,
    /// Differences between recording and replay.
    #[serde(default)]
    pub differences: Vec<DifferenceGroup>,
    /// Duration of the connector's call, in milliseconds.
    pub duration_ms: f64,
    /// The delivery as a test case, if requested: `case` and `expected`, the content of its two files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_case: Option<Value>,
}

/// The changes of a commit. Bytes are shown as JSON if they are JSON, else as text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplayEffects {
    /// Emitted events.
    #[serde(default)]
    pub emitted: Vec<Value>,
    /// State keys with their new values; null for a removal.
    #[serde(default)]
    pub state: BTreeMap<String, Value>,
    /// Timers set, by key.
    #[serde(default)]
    pub timers_set: BTreeMap<String, Value>,
    /// Timers cancelled.
    #[serde(default)]
    pub timers_cancelled: Vec<String>,
    /// Requests, by key.
    #[serde(default)]
    pub requests: BTreeMap<String, Value>,
}
