//! The way of an event through the host: `GET /v1/events/{position}/trace`.

use serde::{Deserialize, Serialize};

use crate::events::{DeliveryState, EventSummary};
use crate::host::logs::LogView;
use crate::outbox::OutboxView;
use crate::{FailureView, Time};
use handoff_model::names::{Generation, InstallationName, Position};

/// Deepest nesting of emitted events that the host answers; deeper ones are counted in `cut`.
pub const DEPTH_MAX: u32 = 16;

/// Most events that the host answers in one trace.
pub const EVENTS_MAX: usize = 500;

/// An event and all that came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceView {
    /// The event.
    pub event: EventSummary,
    /// To whom it went. Empty if nobody handles its type.
    #[serde(default)]
    pub deliveries: Vec<TraceDelivery>,
    /// True if more came of it than is shown, because the tree is too deep or too large.
    #[serde(default)]
    pub cut: bool,
}

/// The delivery of an event to one installation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceDelivery {
    /// Who handled it.
    pub installation: InstallationName,
    /// How it stands.
    pub state: DeliveryState,
    /// When it is tried next, if it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Time>,
    /// The event that repeats it, if it was a dead letter and was redriven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redriven_as: Option<Position>,
    /// What became of that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub redriven: Option<Box<TraceView>>,
    /// Every attempt of which a record is kept, oldest first.
    #[serde(default)]
    pub attempts: Vec<TraceAttempt>,
    /// What the commit changed, if there was one. Where a rollback had the event delivered again, that is the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effects: Option<TraceEffects>,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceAttempt {
    /// 1 for the first.
    pub attempt: u32,
    /// Under which generation.
    pub generation: Generation,
    /// That generation's version.
    pub version: String,
    /// When it began.
    pub at: Time,
    /// How long the call took, in milliseconds.
    pub duration_ms: f64,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureView>,
    /// Its look-ups.
    #[serde(default)]
    pub look_ups: Vec<LookUpView>,
    /// Its log.
    #[serde(default)]
    pub logs: Vec<LogView>,
    /// What it changed, if it committed and a rollback had the event delivered again afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effects: Option<TraceEffects>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptOutcome {
    /// It took effect.
    Committed,
    /// The connector or the host refused; see the failure.
    Failed,
}

/// One look-up of an attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LookUpView {
    /// The method.
    pub method: String,
    /// The URL, without secrets.
    pub url: String,
    /// The answer's status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took.
    pub duration_ms: u64,
}

/// What a commit changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceEffects {
    /// State keys that were written or removed.
    #[serde(default)]
    pub state: Vec<StateEffect>,
    /// Events that it made, with all that came of them.
    #[serde(default)]
    #[schema(no_recursion)]
    pub emitted: Vec<TraceView>,
    /// Events that it emitted and nobody got, because an earlier delivery of the same event had emitted them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emitted_before: Vec<EmittedBefore>,
    /// Timers that it set or cancelled.
    #[serde(default)]
    pub timers: Vec<TimerEffect>,
    /// Requests that it put into the outbox.
    #[serde(default)]
    pub outbox: Vec<OutboxEffect>,
    /// Keys of requests that it wrote and that are not sent again, because they were there before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requested_before: Vec<String>,
}

/// An event that was in the log when a delivery emitted it. Others have the one in the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmittedBefore {
    /// The place of the one in the log.
    pub position: Position,
    /// The type of what the delivery emitted.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The generation that made the one in the log; none if the record of that is not kept any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<Generation>,
    /// That generation's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether the delivery emitted another than the one in the log.
    pub differs: bool,
    /// Where they differ, as far as both are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<EmittedField>,
    /// Fields that differ besides.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub fields_left_out: u64,
}

/// A field of an event that was emitted twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmittedField {
    /// Where, dotted; empty for the whole.
    pub path: String,
    /// What the event in the log has; none if it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_log: Option<String>,
    /// What the delivery emitted; none if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emitted: Option<String>,
}

/// One state key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StateEffect {
    /// The key.
    pub key: String,
    /// Bytes of the new value; none if it was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// One timer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimerEffect {
    /// Its key.
    pub key: String,
    /// For when; none if it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// Type of the event that it makes.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// The event that it made, once it went off, with all that came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub fired: Option<Box<TraceView>>,
}

/// One outbox request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutboxEffect {
    /// The request and how it stands.
    #[serde(flatten)]
    pub request: OutboxView,
    /// The event with the answer, if the connector asked for it, with all that came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub answer: Option<Box<TraceView>>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
