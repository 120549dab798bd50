//! Rollback: `POST /v1/installations/{name}/rollback`.

use serde::{Deserialize, Serialize};

use crate::operation::Post;
use handoff_model::names::{Generation, InstallationName, Position};

/// Rolls an installation back.
pub const ROLLBACK: Post<RollbackRequest, RollbackReport> =
    Post::post("rollback", "/v1/installations/{name}/rollback", "Roll back to an earlier generation").works_offline();

/// Requests a generation with the content of an older one. At most one of `toGeneration` and `toVersion`; without them,
/// the previous generation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollbackRequest {
    /// The target generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_generation: Option<Generation>,
    /// The newest earlier generation with this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_version: Option<String>,
    /// Restore state and timers as of the end of the target generation, even if its schema is the same.
    #[serde(default, skip_serializing_if = "is_false")]
    pub restore_state: bool,
    /// Keep state and timers, even if the older version has a different schema.
    #[serde(default, skip_serializing_if = "is_false")]
    pub keep_state: bool,
    /// Deliver events of the rolled-back generations again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub replay: bool,
    /// Report what would happen and change nothing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
    /// The person that the caller acts for, or another note for the history. The host identifies the caller itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The reason, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The result of a rollback, or of a dry run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollbackReport {
    /// The installation.
    pub name: InstallationName,
    /// The generation that was rolled back. Its digest is now quarantined.
    pub from: RollbackSide,
    /// The generation whose content is restored.
    pub to: RollbackSide,
    /// The new generation with that content.
    pub new_generation: Generation,
    /// False for a dry run, which changes nothing.
    pub applied: bool,
    /// Time from the request to the durable swap, in whole milliseconds.
    pub took_ms: u64,
    /// The same time in microseconds.
    #[serde(default)]
    pub took_us: u64,
    /// Time from the request until the restored version could receive its first event, in microseconds. None if the
    /// host was stopped, the installation was paused, or the restore was not finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliverable_us: Option<u64>,
    /// What happens to its state.
    pub state: RollbackState,
    /// Restored state keys; an upper bound for a dry run.
    #[serde(default)]
    pub keys_restored: u64,
    /// Restored timers; an upper bound for a dry run.
    #[serde(default)]
    pub timers_restored: u64,
    /// Events that were in flight in the rolled-back generation and are delivered again.
    pub events_redelivered: u64,
    /// Events that rolled-back generations had handled and that are delivered again, if requested. For a dry run: the
    /// number of handled events.
    #[serde(default)]
    pub events_replayed: u64,
    /// Events that could not be delivered again because the log no longer contains them.
    #[serde(default)]
    pub events_forgotten: u64,
    /// Events that rolled-back generations emitted and that nobody had handled yet, counted for each recipient. With a
    /// replay they are removed, because the restored version emits its own; otherwise they are dead letters of their
    /// recipients with the code `withdrawn`.
    #[serde(default)]
    pub events_withdrawn: u64,
    /// The newest events that rolled-back generations emitted and that other installations have handled, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emitted_handled: Vec<EmittedHandled>,
    /// Dead letters of rolled-back generations that were queued again.
    pub dead_letters_redriven: u64,
    /// Events that waited for a retry and are delivered again at once.
    #[serde(default)]
    pub retries_made_due: u64,
    /// Outbox requests of rolled-back generations that are held until someone releases or discards them.
    #[serde(default)]
    pub requests_held: u64,
    /// Effects of rolled-back generations that cannot be undone.
    #[serde(default)]
    pub unsent: CannotBeUnsent,
    /// The remaining work after the swap, if the response did not wait for it. The host continues it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<RollbackJobView>,
    /// Warnings, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// False if the host was stopped: the swap takes effect when it starts.
    pub host_running: bool,
}

/// An emitted event of a rolled-back generation that another installation has handled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmittedHandled {
    /// Its position in the log.
    pub position: Position,
    /// Its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The installation that handled it.
    pub installation: InstallationName,
    /// Events that it emitted for it.
    pub emitted: u64,
    /// Requests that it sent, or will send, for it.
    pub requests: u64,
    /// State keys that it wrote for it.
    pub state_keys: u64,
}

/// The old or the new side of a rollback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollbackSide {
    /// The number.
    pub generation: Generation,
    /// The version.
    pub version: String,
}

/// What a rollback does to state and timers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollbackState {
    /// Whether it is kept or restored.
    pub does: KeepOrRestore,
    /// Its schema version.
    pub schema: u32,
    /// The schema version of the restored version.
    pub schema_known: u32,
}

/// What happens to state and timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeepOrRestore {
    /// They stay as the rolled-back generations left them.
    Keep,
    /// Their earlier values are restored.
    Restore,
}

/// Effects that cannot be undone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CannotBeUnsent {
    /// Outbox requests that their targets responded to.
    pub requests_answered: u64,
    /// Requests without an answer that may have reached their target.
    #[serde(default)]
    pub requests_may_have_been_sent: u64,
    /// Events that were emitted into the log or to other installations.
    pub events_emitted: u64,
    /// True if there were too many to count: the numbers are lower bounds.
    #[serde(default, skip_serializing_if = "is_false")]
    pub at_least: bool,
}

/// An unfinished rollback job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollbackJobView {
    /// The first rolled-back generation.
    pub left_from: Generation,
    /// The last rolled-back generation.
    pub left_to: Generation,
    /// The current step.
    pub step: RollbackStep,
    /// True while events wait for it: all events, or, during a replay, those that it has not reached yet.
    pub holds_deliveries: bool,
    /// Keys restored so far.
    pub keys_restored: u64,
    /// Timers restored so far.
    #[serde(default)]
    pub timers_restored: u64,
    /// Events queued again so far.
    pub events_replayed: u64,
    /// Events so far that waited for a retry and are delivered again at once.
    #[serde(default)]
    pub retries_made_due: u64,
    /// Requests held so far.
    pub requests_held: u64,
    /// Dead letters redriven so far.
    pub dead_letters_redriven: u64,
}

/// The steps of a rollback job, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RollbackStep {
    /// Withdraws emitted events that nobody has handled.
    Withdraw,
    /// Queues events again.
    Replay,
    /// Makes events due that wait for a retry.
    Retry,
    /// Holds requests that were not sent.
    Hold,
    /// Queues dead letters again.
    Redrive,
    /// Restores state and timers. Deliveries read the restored values from the first moment; timers wait.
    Restore,
    /// All steps are finished.
    Done,
}

fn is_false(value: &bool) -> bool {
    !*value
}
