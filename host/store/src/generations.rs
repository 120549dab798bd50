//! A new generation, with everything that takes effect together with its swap. Plain data; the committer decides.

use std::collections::BTreeMap;

use handoff_model::actor::Actor;
use handoff_model::effects::ReadSet;
use handoff_model::installation::{GenerationContent, GenerationReason, NewDetails};
use handoff_model::names::{Generation, InstallationName};
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;

use super::Snapshot;

/// A new generation.
#[derive(Debug)]
pub struct NewGeneration {
    /// The installation, new or existing.
    pub name: InstallationName,
    /// The rooftop or the group that it is for.
    pub scope: Scope,
    /// Its content.
    pub content: GenerationContent,
    /// Who creates it.
    pub by: Actor,
    /// The reason.
    pub reason: GenerationReason,
    /// A note from the person.
    pub note: Option<String>,
    /// When it is created.
    pub at: Timestamp,
    /// The generation that the caller saw as active; none for a new installation.
    pub expected: Option<Generation>,
    /// The origin of its package; for a rollback, the details of the restored generation.
    pub details: NewDetails,
    /// The result of its `migrate`, written together with the swap.
    pub migration: Option<Migration>,
    /// The differences from the previous generation, as a JSON object, for the audit chain.
    pub changes_json: Option<String>,
    /// For a rollback: how to treat the effects of the generations that are rolled back.
    pub leave: Option<Leave>,
}

/// The result of a migration, which takes effect with the swap.
#[derive(Debug)]
pub struct Migration {
    /// The snapshot that it read from.
    pub snapshot: Snapshot,
    /// What it read. The migration is refused if any of it was written since.
    pub reads: ReadSet,
    /// Key → new value, or none for a removal.
    pub writes: BTreeMap<String, Option<Vec<u8>>>,
}

/// A rollback: every generation after `to_end_of` is rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leave {
    /// The last generation that is not rolled back.
    pub to_end_of: Generation,
    /// State and timers are restored to the end of that generation.
    pub restore_state: bool,
    /// Deliveries that the rolled-back generations committed are delivered again.
    pub replay: bool,
    /// Refuse if the installation is paused. For automatic callers, because a new generation is never paused.
    pub unless_paused: bool,
}
