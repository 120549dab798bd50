//! Going back: `POST /v1/installations/{name}/rollback`.

use serde::{Deserialize, Serialize};

use crate::operation::Post;
use handoff_model::names::{Generation, InstallationName};

/// Rolls an installation back.
pub const ROLLBACK: Post<RollbackRequest, RollbackReport> =
    Post::post("rollback", "/v1/installations/{name}/rollback", "Roll back to an earlier generation").works_offline();

/// Asks for a generation with the content of an older one. At most one of `toGeneration` and `toVersion`; without them,
/// the generation before the active one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollbackRequest {
    /// Which one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_generation: Option<Generation>,
    /// The newest earlier one of this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_version: Option<String>,
    /// Put state and timers back to what they were when that generation was left, also if its schema is the same.
    #[serde(default, skip_serializing_if = "is_false")]
    pub restore_state: bool,
    /// Keep state and timers, also if their schema is not the one that the older version knows.
    #[serde(default, skip_serializing_if = "is_false")]
    pub keep_state: bool,
    /// Deliver what the left generations handled again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub replay: bool,
    /// Say what would happen; change nothing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
    /// For whom the caller acts, or what else should stand beside its name in the history. The host knows who the
    /// caller is; this is a note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a rollback did, or would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollbackReport {
    /// The installation.
    pub name: InstallationName,
    /// The generation that it left: its digest is quarantined from now on.
    pub from: RollbackSide,
    /// The generation whose content is restored.
    pub to: RollbackSide,
    /// The new generation with that content.
    pub new_generation: Generation,
    /// False after a dry run: nothing was changed.
    pub applied: bool,
    /// From request to durable swap, in whole milliseconds.
    pub took_ms: u64,
    /// The same in microseconds.
    #[serde(default)]
    pub took_us: u64,
    /// From request to the moment when the restored version could be given its first event, in microseconds. None if the
    /// host was stopped or paused, or still puts things back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliverable_us: Option<u64>,
    /// What becomes of its state.
    pub state: RollbackState,
    /// Keys of state that are put back; of a dry run, at most so many.
    #[serde(default)]
    pub keys_restored: u64,
    /// Timers that are put back; of a dry run, at most so many.
    #[serde(default)]
    pub timers_restored: u64,
    /// Events that the left generation had in flight: delivered again to the restored one.
    pub events_redelivered: u64,
    /// Events that left generations had handled and that are delivered again, if that was asked for; of a dry run, how
    /// many they handled.
    #[serde(default)]
    pub events_replayed: u64,
    /// Events that were to be delivered again and are too old to be in the log.
    #[serde(default)]
    pub events_forgotten: u64,
    /// Dead letters of left generations that wait again.
    pub dead_letters_redriven: u64,
    /// Outbox requests of left generations that are kept back until someone releases or discards them.
    #[serde(default)]
    pub requests_held: u64,
    /// How many of these were cut off on the wire: the target may have them.
    #[serde(default)]
    pub requests_cut: u64,
    /// What left generations did that nothing takes back.
    #[serde(default)]
    pub unsent: CannotBeUnsent,
    /// What is still to be done after the swap, if the host was not waited for any longer: it goes on by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<RollbackJobView>,
    /// What someone should know, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// False if the host was stopped: the swap takes effect when it starts.
    pub host_running: bool,
}

/// One side of a rollback.
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
    /// Kept or restored.
    pub does: KeepOrRestore,
    /// The schema that it has.
    pub schema: u32,
    /// The schema that the restored version knows.
    pub schema_known: u32,
}

/// What becomes of state and timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeepOrRestore {
    /// They stay as the left generations made them.
    Keep,
    /// They become what they were before.
    Restore,
}

/// What nothing takes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CannotBeUnsent {
    /// Outbox requests that their targets answered.
    pub requests_answered: u64,
    /// Events emitted to other installations or into the log.
    pub events_emitted: u64,
    /// There were too many to count: the numbers are least ones.
    #[serde(default, skip_serializing_if = "is_false")]
    pub at_least: bool,
}

/// What follows from a rollback and is still at work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollbackJobView {
    /// The first generation that was left.
    pub left_from: Generation,
    /// The last one.
    pub left_to: Generation,
    /// What is done now.
    pub step: RollbackStep,
    /// True while events wait for it: all of them, or, during a replay, those that it has not come to yet.
    pub holds_deliveries: bool,
    /// Keys that were put back so far.
    pub keys_restored: u64,
    /// Timers that were put back so far.
    #[serde(default)]
    pub timers_restored: u64,
    /// Events that were queued again so far.
    pub events_replayed: u64,
    /// Requests that were held so far.
    pub requests_held: u64,
    /// Dead letters that were redriven so far.
    pub dead_letters_redriven: u64,
}

/// A step of what follows from a rollback, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RollbackStep {
    /// State and timers are put back.
    Restore,
    /// Events are queued again.
    Replay,
    /// Requests that were not sent are held.
    Hold,
    /// Dead letters are queued again.
    Redrive,
    /// Nothing is left to do.
    Done,
}

fn is_false(value: &bool) -> bool {
    !*value
}
