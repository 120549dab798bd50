//! A generation to be made, with all that becomes true together with its swap. Plain data; the committer decides.

use std::collections::BTreeMap;

use handoff_model::effects::ReadSet;
use handoff_model::installation::{GenerationContent, GenerationReason, NewDetails};
use handoff_model::names::{Generation, InstallationName, RooftopName};
use handoff_model::time::Timestamp;

use super::Snapshot;

/// A generation to be made.
#[derive(Debug)]
pub struct NewGeneration {
    /// The installation, new or existing.
    pub name: InstallationName,
    /// Its rooftop.
    pub rooftop: RooftopName,
    /// What it will be.
    pub content: GenerationContent,
    /// Who makes it.
    pub by: String,
    /// Why.
    pub reason: GenerationReason,
    /// What the person says about it.
    pub note: Option<String>,
    /// When.
    pub at: Timestamp,
    /// The generation that the caller saw active; none for a new installation.
    pub expected: Option<Generation>,
    /// Where it comes from; for a rollback, what is known of the generation that it restores.
    pub details: NewDetails,
    /// What its `migrate` made of the state, written together with the swap.
    pub migration: Option<Migration>,
    /// What differs from the generation before, as a JSON object, for the audit chain.
    pub changes_json: Option<String>,
    /// For a rollback: what becomes of what the generations left did.
    pub leave: Option<Leave>,
}

/// What a candidate made of the state, to become true with its swap.
#[derive(Debug)]
pub struct Migration {
    /// From when on it read.
    pub snapshot: Snapshot,
    /// What it read: refused if any of it was written since.
    pub reads: ReadSet,
    /// Key → new value, or none for a removal.
    pub writes: BTreeMap<String, Option<Vec<u8>>>,
}

/// A rollback: the generations after one are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leave {
    /// The last generation that is not left.
    pub to_end_of: Generation,
    /// State and timers become what they were at its end.
    pub restore_state: bool,
    /// What the generations left committed is delivered again.
    pub replay: bool,
    /// Refuse if the installation is paused: for whoever is no person, because a new generation is not paused.
    pub unless_paused: bool,
}
