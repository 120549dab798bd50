//! The trace of an event through the host: `GET /v1/events/{position}/trace`.

use serde::{Deserialize, Serialize};

use crate::events::{DeliveryState, EventSummary};
use crate::host::logs::LogView;
use crate::outbox::OutboxView;
use crate::{FailureView, Time};
use handoff_model::names::{Generation, InstallationName, Position};
use handoff_model::scope::Scope;

/// Maximum nesting of emitted events in a trace. Deeper events are left out, and `cut` is true.
pub const DEPTH_MAX: u32 = 16;

/// Maximum number of events in a trace.
pub const EVENTS_MAX: usize = 500;

/// An event and all its effects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceView {
    /// The event.
    pub event: EventSummary,
    /// Its deliveries. Empty if no installation accepts its type.
    #[serde(default)]
    pub deliveries: Vec<TraceDelivery>,
    /// True if effects are left out because the tree is too deep or too large.
    #[serde(default)]
    pub cut: bool,
}

/// The delivery of an event to one installation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceDelivery {
    /// The receiving installation.
    pub installation: InstallationName,
    /// The rooftop or the group of the installation.
    pub scope: Scope,
    /// True if the event belongs to another rooftop or group, which shares it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
    /// The state of the delivery.
    pub state: DeliveryState,
    /// When the next attempt is due, if it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Time>,
    /// The event that repeats it, if it was a dead letter and was redriven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redriven_as: Option<Position>,
    /// The trace of that event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub redriven: Option<Box<TraceView>>,
    /// All recorded attempts, oldest first.
    #[serde(default)]
    pub attempts: Vec<TraceAttempt>,
    /// The changes of the commit, if there was one. If a rollback had the event delivered again, those of the last
    /// commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effects: Option<TraceEffects>,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceAttempt {
    /// Its number, from 1.
    pub attempt: u32,
    /// The generation that ran.
    pub generation: Generation,
    /// The version of that generation.
    pub version: String,
    /// When it started.
    pub at: Time,
    /// Duration of the call in milliseconds.
    pub duration_ms: f64,
    /// Its outcome.
    pub outcome: AttemptOutcome,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureView>,
    /// Its look-ups.
    #[serde(default)]
    pub look_ups: Vec<LookUpView>,
    /// Its log messages.
    #[serde(default)]
    pub logs: Vec<LogView>,
    /// Its changes, if it committed and a rollback had the event delivered again afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effects: Option<TraceEffects>,
}

/// The outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptOutcome {
    /// It committed.
    Committed,
    /// The connector or the host failed it; see the failure.
    Failed,
}

/// A look-up of an attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LookUpView {
    /// The method.
    pub method: String,
    /// The URL, without secrets.
    pub url: String,
    /// The status of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why there was no response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Duration in milliseconds.
    pub duration_ms: u64,
}

/// The changes of a commit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceEffects {
    /// State keys that were written or removed.
    #[serde(default)]
    pub state: Vec<StateEffect>,
    /// Events that it emitted, with their effects.
    #[serde(default)]
    #[schema(no_recursion)]
    pub emitted: Vec<TraceView>,
    /// Events that it emitted but that were not delivered, because an earlier delivery of the same event had emitted
    /// them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emitted_before: Vec<EmittedBefore>,
    /// Timers that it set or cancelled.
    #[serde(default)]
    pub timers: Vec<TimerEffect>,
    /// Requests that it added to the outbox.
    #[serde(default)]
    pub outbox: Vec<OutboxEffect>,
    /// Keys of requests that it wrote but that are not sent again, because the outbox already had them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requested_before: Vec<String>,
}

/// An event that was already in the log when a delivery emitted it. Other installations received the one in the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmittedBefore {
    /// The position of the event in the log.
    pub position: Position,
    /// The type of the event that the delivery emitted.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The generation that emitted the event in the log; none if the record is no longer kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<Generation>,
    /// The version of that generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether the emitted event differs from the one in the log.
    pub differs: bool,
    /// The fields that differ, as far as both events are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<EmittedField>,
    /// Number of further fields that differ.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub fields_left_out: u64,
}

/// A field that differs between two emissions of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmittedField {
    /// The path of the field, with dots between levels; empty for the whole.
    pub path: String,
    /// The value in the log; none if the field is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_log: Option<String>,
    /// The emitted value; none if the field is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emitted: Option<String>,
}

/// A changed state key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StateEffect {
    /// The key.
    pub key: String,
    /// Size of the new value in bytes; none if the key was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// A changed timer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimerEffect {
    /// Its key.
    pub key: String,
    /// When it is due; none if it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// The type of the event that it emits.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// The event that it emitted when it fired, with its effects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub fired: Option<Box<TraceView>>,
}

/// A new outbox request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutboxEffect {
    /// The request and its state.
    #[serde(flatten)]
    pub request: OutboxView,
    /// The event with the response, if the connector requested it, with its effects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub answer: Option<Box<TraceView>>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
