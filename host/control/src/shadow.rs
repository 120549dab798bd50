//! Running recorded deliveries again: `POST /v1/installations/{name}/shadow` and `POST /v1/events/{position}/replay`.
//!
//! A shadow run answers in lines of JSON (`application/x-ndjson`): some [`ShadowLine::Progress`], then one
//! [`ShadowLine::Report`] or [`ShadowLine::Problem`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{FailureView, Time};
use crate::operation::{Media, Post};
use handoff_model::names::{Generation, InstallationName, Position};
use std::time::Duration;

/// Runs recorded deliveries on another version.
pub const RUN: Post<ShadowRequest, ShadowLine> = Post::post(
    "shadow",
    "/v1/installations/{name}/shadow",
    "Run recorded deliveries on another version or configuration, without effects",
)
.timeout(SHADOW_TIMEOUT)
.answer(Media::JsonLines);
/// Runs one delivery again.
pub const REPLAY: Post<ReplayRequest, ReplayView> =
    Post::post("replay", "/v1/events/{position}/replay", "Run one recorded delivery again, without effects");

/// Time for a shadow run: compiling, and what the host gives a run at most.
const SHADOW_TIMEOUT: Duration = Duration::from_secs(300 + 3_600);

/// Which code and settings run the deliveries. Nothing named: the active generation, as a control.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CandidateRequest {
    /// `sha256:<hex>` of a package that the host has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The version of a generation of the installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The settings file as JSON, keys as in the file; without it, the settings that the installation has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Value>,
    /// Absolute folder from which relative paths in the settings count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings_folder: Option<String>,
}

/// Asks for a shadow run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShadowRequest {
    /// What runs.
    #[serde(default)]
    pub candidate: CandidateRequest,
    /// The newest events, so many: 1 to 10,000; 50 if neither this nor `since` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u32>,
    /// Events whose delivery ended since then, at most 10,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// Time for the run, in milliseconds: at most an hour, ten minutes if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<u64>,
}

/// One line of the answer to a shadow run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ShadowLine {
    /// How far it is.
    Progress {
        /// Deliveries done.
        done: u64,
        /// Deliveries of the run.
        total: u64,
    },
    /// The end.
    Report(Box<ShadowView>),
    /// The end, if the run broke off: problem details (RFC 9457).
    Problem(Value),
}

/// What a candidate does otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShadowView {
    /// The installation.
    pub name: InstallationName,
    /// The active generation when the run began.
    pub generation: Generation,
    /// The active version.
    pub version: String,
    /// What ran.
    pub candidate: CandidateView,
    /// How many deliveries.
    pub deliveries: ShadowCounts,
    /// The first of their events, and when the earliest of them was delivered; none if nothing is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<ShadowPlace>,
    /// The last of their events, and when the latest of them was delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<ShadowPlace>,
    /// Why not all of them ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<CutView>,
    /// Why the candidate could not migrate the state, so that none ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migration_failure: Option<FailureView>,
    /// What differs, most frequent first.
    #[serde(default)]
    pub differences: Vec<DifferenceGroup>,
    /// Differences in further groups, which are not shown.
    #[serde(default)]
    pub differences_left_out: u64,
    /// How long deliveries took then, and now. Look-ups took time then and are answered at once now.
    pub durations: ShadowDurations,
    /// What someone should know, in sentences.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// How long all of it took.
    pub took_ms: u64,
}

/// What ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CandidateView {
    /// Its version.
    pub version: String,
    /// sha256 of its component.
    pub digest: String,
}

/// How many deliveries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShadowCounts {
    /// In the window: the last attempt at each event counts.
    pub total: u64,
    /// That ran again.
    pub ran: u64,
    /// That did the same.
    pub same: u64,
    /// That did something else.
    pub different: u64,
    /// Whose event or record is not kept any more.
    pub gone: u64,
    /// That had failed for a reason of the host's own.
    pub hosts_own: u64,
    /// That read state of which nobody knows for sure how it was.
    pub state_assumed: u64,
    /// That asked what the recorded delivery did not ask; they were told that it is not recorded.
    pub not_recorded: u64,
    /// Look-ups that were not recorded.
    pub look_ups_not_recorded: u64,
}

/// A delivery.
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
    /// Its time was up.
    Time,
    /// Its deliveries wrote more state than a run keeps in memory.
    State,
    /// The host stops.
    Stopping,
}

/// What sort of effect differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    /// Whether it committed, and how it failed.
    Outcome,
    /// Events emitted.
    Emitted,
    /// State keys written or removed.
    State,
    /// Timers set or cancelled.
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
    /// Both have it, with other content.
    Changed,
    /// The same ones in another order.
    Reordered,
}

/// Differences of one sort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DifferenceGroup {
    /// What sort of effect.
    pub kind: DifferenceKind,
    /// How it differs.
    pub change: DifferenceChange,
    /// An event type, the shape of a key, a method and a host, or two outcomes.
    pub what: String,
    /// How many.
    pub count: u64,
    /// The first of them, at most three.
    pub examples: Vec<DifferenceExample>,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DifferenceExample {
    /// The event.
    pub position: Position,
    /// Which attempt at it.
    pub attempt: u32,
    /// A key or an event type.
    pub name: String,
    /// The fields that differ.
    pub fields: Vec<FieldView>,
    /// Fields that differ besides.
    #[serde(default)]
    pub fields_left_out: u64,
    /// The delivery read state of which nobody knows for sure how it was.
    #[serde(default)]
    pub state_assumed: bool,
    /// Look-ups of the delivery that were not recorded.
    #[serde(default)]
    pub not_recorded: Vec<String>,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldView {
    /// Where, dotted; empty for the whole.
    pub path: String,
    /// What it was; none if it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<String>,
    /// What it is with the candidate; none if it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<String>,
}

/// Durations of the connector's work, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShadowDurations {
    /// Median then.
    pub recorded_p50_ms: f64,
    /// 95th percentile then.
    pub recorded_p95_ms: f64,
    /// Median now.
    pub candidate_p50_ms: f64,
    /// 95th percentile now.
    pub candidate_p95_ms: f64,
}

/// Asks for one delivery to run again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplayRequest {
    /// Whose delivery; needed if the event went to several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationName>,
    /// Which attempt; without it the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// What runs; nothing named: the generation that ran then.
    #[serde(default)]
    pub candidate: CandidateRequest,
    /// True: answer the delivery as a test case for the SDK's test kit too.
    #[serde(default)]
    pub export: bool,
}

/// What a delivery does when it runs again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplayView {
    /// Whose delivery.
    pub name: InstallationName,
    /// The event.
    pub position: Position,
    /// Which attempt at it.
    pub attempt: u32,
    /// When it was delivered.
    pub at: Time,
    /// The generation that ran then.
    pub generation: Generation,
    /// What ran now.
    pub candidate: CandidateView,
    /// True if the same component ran with the same settings: every byte was compared then.
    pub exact: bool,
    /// Whether both did the same.
    pub same: bool,
    /// It read state of which nobody knows for sure how it was.
    pub state_assumed: bool,
    /// Look-ups that were not recorded.
    #[serde(default)]
    pub not_recorded: Vec<String>,
    /// Why it failed then; none if it committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_failure: Option<FailureView>,
    /// Why it fails now; none if it would commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureView>,
    /// What it would change now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effects: Option<ReplayEffects>,
    /// Where the two differ.
    #[serde(default)]
    pub differences: Vec<DifferenceGroup>,
    /// How long the connector worked now, in milliseconds.
    pub duration_ms: f64,
    /// The delivery as a test case, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_case: Option<Value>,
}

/// What a commit would change. Bytes are shown as JSON where they are, else as text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplayEffects {
    /// Events.
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
