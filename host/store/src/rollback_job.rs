//! Rollback jobs: the work after the durable write of a rollback. State is restored, events are requeued, requests are
//! held and dead letters are redriven, in bounded steps. Each step is one frame that moves the job's marker, so that
//! the job resumes after a crash.
//!
//! Defines the steps and their progress; the committer executes them. Delivers and sends nothing.

use serde::{Deserialize, Serialize};

use handoff_model::actor::Actor;
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::time::Timestamp;

use super::committer::Request;
use super::keys::table;
use super::read::Handled;
use super::{OutboxEntry, Shared, Store, StoreError, keys};

/// The step of a rollback job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Withdraw emitted events that nobody has handled.
    Withdraw,
    /// Requeue the entries that the rolled-back generations committed.
    Replay,
    /// Make deliveries due that wait for a retry.
    Retry,
    /// Hold their unanswered requests.
    Hold,
    /// Redrive their dead letters.
    Redrive,
    /// Restore state and timers. Until this is done, state is read through the undo.
    Restore,
    /// The job is done.
    Done,
}

/// The progress of a rollback job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RollbackJob {
    /// The first and the last generation that are rolled back, inclusive.
    pub left: (Generation, Generation),
    /// The current step.
    pub step: Step,
    /// Whether state and timers are restored.
    pub restores: bool,
    /// Whether the deliveries of the rolled-back generations are repeated.
    pub replays: bool,
    /// Emitted events that were withdrawn, counted for each recipient.
    pub events_withdrawn: u64,
    /// State keys that were restored.
    pub keys_restored: u64,
    /// Timers that were set, changed or removed.
    pub timers_restored: u64,
    /// Events that were requeued.
    pub events_replayed: u64,
    /// Deliveries that retention dropped before they could be repeated.
    pub events_gone: u64,
    /// Deliveries that waited for a retry and are due.
    pub retries_made_due: u64,
    /// Requests that are held.
    pub requests_held: u64,
    /// Dead letters that were redriven.
    pub dead_letters_redriven: u64,
}

impl RollbackJob {
    pub(super) fn new(left: (Generation, Generation), restores: bool, replays: bool) -> Self {
        Self {
            left,
            step: Step::Withdraw,
            restores,
            replays,
            events_withdrawn: 0,
            keys_restored: 0,
            timers_restored: 0,
            events_replayed: 0,
            events_gone: 0,
            retries_made_due: 0,
            requests_held: 0,
            dead_letters_redriven: 0,
        }
    }

    /// Whether some deliveries must wait, because their queues are not restored yet. Events that a replay has passed may
    /// be delivered while it requeues the rest.
    #[must_use]
    pub fn holds_deliveries(&self) -> bool {
        match self.step {
            Step::Replay => true,
            // The restored version must not emit again what is not withdrawn yet.
            Step::Withdraw => self.replays,
            Step::Retry | Step::Hold | Step::Redrive | Step::Restore | Step::Done => false,
        }
    }

    /// Whether timers must wait: they are not restored yet, or events before them are not queued yet.
    #[must_use]
    pub fn holds_timers(&self) -> bool {
        self.holds_deliveries() || self.restores && !self.is_done()
    }

    /// Whether the job is done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.step == Step::Done
    }

    /// True for a generation that is rolled back.
    #[must_use]
    pub fn leaves(&self, generation: Generation) -> bool {
        (self.left.0..=self.left.1).contains(&generation)
    }
}

/// Before the first position of the log.
const NOWHERE: Position = Position(0);
/// After the last one.
const EVERYWHERE: Position = Position(u64::MAX);

/// The row of a rollback job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marker {
    pub(super) installation: InstallationId,
    /// The generation that the rollback created.
    pub(super) generation: Generation,
    pub(super) restore: bool,
    pub(super) replay: bool,
    pub(super) by: Actor,
    /// Deliveries that the rolled-back generations committed, as far as they were counted.
    pub(super) committed: u64,
    pub(super) cursor: Cursor,
    pub(super) done: RollbackJob,
}

/// Where a step continues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Cursor {
    /// At its beginning.
    Start,
    /// At the undo rows of a generation, after a key.
    Undo { generation: Generation, after: Vec<u8> },
    /// After a position.
    Position(Position),
    /// After a key of the index.
    Key(Vec<u8>),
}

impl Marker {
    /// The last position that may be delivered: a replay will no longer add an entry before it to any queue.
    pub(super) fn delivers_up_to(&self) -> Position {
        match self.done.step {
            Step::Withdraw if self.replay => NOWHERE,
            Step::Replay => self.replayed_up_to(),
            Step::Withdraw | Step::Retry | Step::Hold | Step::Redrive | Step::Restore | Step::Done => EVERYWHERE,
        }
    }

    /// The position up to which everything is requeued.
    pub(super) fn replayed_up_to(&self) -> Position {
        match self.cursor {
            Cursor::Position(after) => after,
            _ => NOWHERE,
        }
    }

    /// Whether the state of the rolled-back deliveries is undone for good: they are not repeated.
    pub(super) fn undoes_state(&self) -> bool {
        self.restore && !self.replay
    }

    /// Goes to the next step that has work.
    pub(super) fn advance(&mut self) {
        self.cursor = Cursor::Start;
        self.done.step = match self.done.step {
            Step::Withdraw if self.replay => Step::Replay,
            Step::Withdraw | Step::Replay => Step::Retry,
            Step::Retry => Step::Hold,
            Step::Hold => Step::Redrive,
            Step::Redrive if self.restore => Step::Restore,
            Step::Redrive | Step::Restore | Step::Done => Step::Done,
        };
    }
}

/// How far back state can be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndoReach {
    /// To the requested generation.
    Whole {
        /// The maximum number of keys that change.
        keys: u64,
        /// The maximum number of timers that change.
        timers: u64,
    },
    /// The undo rows for it were dropped.
    Gone {
        /// The oldest generation whose end state can be restored.
        oldest: Generation,
    },
}

/// What to do with held requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldAction {
    /// Send them.
    Release,
    /// Discard them.
    Discard,
}

impl Store {
    /// The job of an installation's last rollback, until its next generation. Read from memory.
    #[must_use]
    pub fn rollback_job(&self, id: InstallationId) -> Option<RollbackJob> {
        self.shared.markers.read().get(&id).map(|marker| marker.done)
    }

    /// Runs one more bounded step of a rollback job, durably. Call it until the job is done.
    pub async fn continue_rollback(&self, id: InstallationId, at: Timestamp) -> Result<RollbackJob, StoreError> {
        let marker = self.shared.marker(id).ok_or(StoreError::NoRollback(id.0))?;
        if marker.done.is_done() {
            return Ok(marker.done);
        }
        // The answer arrives once everything before it is durable: only durable frames can be read.
        let done = self.ask(|reply| Request::ContinueRollback { id, at, handled: None, reply }).await?;
        let place = |marker: &Marker| (marker.generation, marker.done.step, marker.cursor.clone());
        let stood_still = |now: &Marker| now.done.step == Step::Replay && place(now) == place(&marker);
        let Some(marker) = self.shared.marker(id).filter(stood_still) else { return Ok(done) };
        // The entries to requeue are not in memory.
        let (shared, cursor) = (self.shared.clone(), marker.cursor.clone());
        let handled =
            Some((cursor, off_thread(self.shared.options.steps.uses_threads, move || shared.handled(&marker)).await?));
        self.ask(|reply| Request::ContinueRollback { id, at, handled, reply }).await
    }

    /// True while no delivery of an installation may start: a rollback is restoring its queues.
    #[must_use]
    pub fn holds_all_deliveries(&self, id: InstallationId) -> bool {
        self.shared.delivers_up_to(id) == NOWHERE
    }

    /// How far back state can be restored, and the maximum number of changes. Reads two rows per generation.
    pub fn undo_reach(&self, id: InstallationId, to_end_of: Generation) -> Result<UndoReach, StoreError> {
        self.shared.undo_reach(id, to_end_of)
    }

    /// Deliveries that were committed since a generation's swap, as far as they were counted.
    pub fn committed_since(&self, id: InstallationId, generation: Generation) -> Result<u64, StoreError> {
        self.shared.committed_since(id, generation)
    }

    /// Drops the undo of generations that became active before a time, in bounded steps. Returns the number of dropped
    /// rows.
    pub async fn drop_undo(&self, older_than: Timestamp) -> Result<u64, StoreError> {
        let mut dropped = 0_u64;
        loop {
            let (rows, is_all) = self.ask(|reply| Request::DropUndo { older_than, reply }).await?;
            dropped = dropped.saturating_add(rows);
            if is_all {
                return Ok(dropped);
            }
        }
    }

    /// Releases or discards held requests: all of them, or none if one is not, or no longer, held.
    pub async fn resolve_held(
        &self,
        which: Vec<(InstallationId, Position)>,
        then: HeldAction,
        by: Actor,
        reason: String,
        at: Timestamp,
    ) -> Result<usize, StoreError> {
        self.ask(|reply| Request::ResolveHeld { which, then, by, reason, at, reply }).await
    }

    /// Held requests after a position, by installation and age.
    pub fn held(
        &self,
        installation: Option<InstallationId>,
        after: Option<(InstallationId, Position)>,
        limit: usize,
    ) -> Result<Vec<OutboxEntry>, StoreError> {
        let after = after.map(|(id, position)| keys::held(id, position));
        let rows = self.shared.view.scan(&keys::prefix(table::HELD, installation), after.as_deref(), limit)?;
        let mut held = Vec::with_capacity(rows.len());
        for (key, _) in rows {
            let place = keys::installation_at(&key, 1).zip(keys::last_number(&key));
            let Some((id, position)) = place else { continue };
            held.extend(self.outbox_entry(id, Position(position))?);
        }
        Ok(held)
    }
}

/// Runs long journal reads on a thread where they block nothing. A simulation has one thread and a fixed order.
async fn off_thread(
    uses_threads: bool,
    work: impl FnOnce() -> Result<Handled, StoreError> + Send + 'static,
) -> Result<Handled, StoreError> {
    if !uses_threads {
        return work();
    }
    tokio::task::spawn_blocking(work).await.map_err(|error| StoreError::Stopped(error.to_string()))?
}

impl Shared {
    pub(super) fn marker(&self, id: InstallationId) -> Option<Marker> {
        self.markers.read().get(&id).map(|marker| marker.as_ref().clone())
    }

    /// True while a rollback of this generation is running: nothing of it may leave the host.
    pub(super) fn is_being_left(&self, id: InstallationId, generation: Generation) -> bool {
        let markers = self.markers.read();
        markers.get(&id).is_some_and(|marker| !marker.done.is_done() && marker.done.leaves(generation))
    }

    /// The last position of an installation that may be delivered: later ones wait for a rollback.
    pub(super) fn delivers_up_to(&self, id: InstallationId) -> Position {
        self.markers.read().get(&id).map_or(EVERYWHERE, |marker| marker.delivers_up_to())
    }

    pub(super) fn committed_since(&self, id: InstallationId, generation: Generation) -> Result<u64, StoreError> {
        let before = self.details(id, generation)?.map(|row| row.committed);
        let now = self.counts.read().of(id).committed;
        Ok(before.map_or(0, |before| now.saturating_sub(before)))
    }

    pub(super) fn undo_reach(&self, id: InstallationId, to_end_of: Generation) -> Result<UndoReach, StoreError> {
        let active = self.installations.read().get(&id).map(|installation| installation.active.generation);
        let mut generation = active.ok_or_else(|| StoreError::NoInstallation(format!("number {}", id.0)))?;
        let (mut keys, mut timers) = (0_u64, 0_u64);
        while generation > to_end_of {
            if self.view.get(&keys::undo_since(id, generation))?.is_none() {
                return Ok(UndoReach::Gone { oldest: generation });
            }
            if let Some(size) = self.undo_size(id, generation)? {
                keys = keys.saturating_add(size.keys);
                timers = timers.saturating_add(size.timers);
            }
            generation = Generation(generation.0.saturating_sub(1));
        }
        Ok(UndoReach::Whole { keys, timers })
    }
}
