//! Checkpoints: write the buffer's net effect to sled, together with the journal position that it covers.
//!
//! sled does not work on after a write that failed for lack of room, so a checkpoint does not start before the disk has
//! enough. Until then the buffer grows; far past its limit, commits wait.
//!
//! Later rows may reach sled before the position does: replaying the journal writes them again (see `apply`).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::counts::Counts;
use super::journal::Location;
use super::keys::{self, SCHEMA_VERSION};
use super::rows::{decode, encode};
use super::track_records::AllTrackRecords;
use super::{Shared, StoreError, StoreOptions, rewrite};

/// The content of a checkpoint's row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    pub(super) schema: u32,
    /// The index does not contain the journal from here on.
    pub(super) journal: Location,
    pub(super) next_position: u64,
    pub(super) next_installation: u32,
    pub(super) counts: Counts,
    pub(super) track_records: AllTrackRecords,
}

impl Checkpoint {
    /// Decodes the newest checkpoint's row. Refuses data of another schema.
    pub(super) fn read(key: &[u8], row: &[u8]) -> Result<Self, StoreError> {
        // The schema is the first field, and may be the only readable one.
        let found: u32 = decode(key, row)?;
        if found != SCHEMA_VERSION {
            return Err(StoreError::Schema { found, known: SCHEMA_VERSION });
        }
        decode(key, row)
    }
}

/// The key of the newest checkpoint.
pub(super) fn key() -> keys::Key {
    keys::meta("checkpoint")
}

/// How many times its limit the buffer may hold during a checkpoint before commits wait.
const OVERRUN: usize = 4;

/// How much sled may write for a byte of rows: it writes whole pages.
const WRITTEN_PER_BYTE: u64 = 3;

/// How long to wait before looking for room again.
const ROOM_PAUSE: Duration = Duration::from_secs(1);

/// Runs checkpoints on their own thread, one at a time.
#[derive(Default)]
pub(super) struct Checkpoints {
    running: Option<JoinHandle<Result<(), StoreError>>>,
    /// When the disk last had no room for a checkpoint.
    found_full: Option<Instant>,
}

/// Whether commits may go on.
pub(super) enum Commits {
    /// They may.
    Continue,
    /// They wait: the buffer is far too large and the disk has no room for a checkpoint.
    Wait(StoreError),
}

impl Checkpoints {
    /// Called between batches. Joins a finished checkpoint. Starts a new one if the buffer is large enough or the last
    /// one did not finish. Waits for the running one if the buffer is far too large.
    pub(super) fn continue_if_needed(
        &mut self,
        shared: &Arc<Shared>,
        journal: Location,
    ) -> Result<Commits, StoreError> {
        let bound = shared.options.buffer_bytes;
        if self.running.as_ref().is_some_and(JoinHandle::is_finished) {
            self.join()?;
        }
        let buffered = shared.view.buffered_bytes();
        let is_far_too_large = buffered > bound.saturating_mul(OVERRUN);
        if is_far_too_large {
            self.join()?;
        }
        if self.running.is_some() || (buffered <= bound && shared.view.index().is_sealed()) {
            return Ok(Commits::Continue);
        }
        if !is_far_too_large && self.found_full.is_some_and(|seen| seen.elapsed() < ROOM_PAUSE) {
            return Ok(Commits::Continue);
        }
        if let Err(disk_full) = check_room(shared) {
            if self.found_full.replace(Instant::now()).is_none() {
                tracing::error!(error = %disk_full, "no checkpoint is written until the disk has room");
            }
            return Ok(if is_far_too_large { Commits::Wait(disk_full) } else { Commits::Continue });
        }
        if self.found_full.take().is_some() {
            tracing::info!("the disk has room for a checkpoint again");
        }
        let work = prepare(shared, journal);
        self.running = Some(std::thread::spawn(work));
        Ok(Commits::Continue)
    }

    /// Writes everything before `journal`, which must be durable.
    pub(super) fn run_to_end(&mut self, shared: &Arc<Shared>, journal: Location) -> Result<(), StoreError> {
        self.join()?;
        check_room(shared)?;
        prepare(shared, journal)()
    }

    /// Starts to write everything so far, then passes the result to `more` on the same thread, before any later
    /// checkpoint, so the index does not change in between. Requires that no other checkpoint is running and that
    /// everything before `journal` is durable.
    pub(super) fn start_and_then(
        &mut self,
        shared: &Arc<Shared>,
        journal: Location,
        more: impl FnOnce(Result<(), StoreError>) + Send + 'static,
    ) {
        if let Err(disk_full) = check_room(shared) {
            return more(Err(disk_full));
        }
        let work = prepare(shared, journal);
        self.running = Some(std::thread::spawn(move || {
            let written = work();
            more(written.as_ref().map_err(StoreError::stopped).copied());
            written
        }));
    }

    /// Waits for the running checkpoint, if any.
    pub(super) fn join(&mut self) -> Result<(), StoreError> {
        match self.running.take() {
            None => Ok(()),
            Some(thread) => {
                thread.join().unwrap_or_else(|_| Err(StoreError::Stopped("the checkpoint panicked".to_owned())))
            }
        }
    }
}

/// Checks that the disk has room for what a checkpoint of the buffer may write.
pub(super) fn check_room(shared: &Shared) -> Result<(), StoreError> {
    let StoreOptions { dir, steps, .. } = &shared.options;
    let rows = u64::try_from(shared.view.buffered_bytes()).unwrap_or(u64::MAX);
    let needed = rows.saturating_mul(WRITTEN_PER_BYTE).saturating_add(steps.checkpoint_room);
    match (steps.free_bytes)(dir) {
        Some(free) if free < needed => Err(StoreError::DiskFull { path: dir.clone(), free, needed }),
        _ => Ok(()),
    }
}

/// Freezes the buffer as of `journal` and returns the closure that writes it.
pub(super) fn prepare(
    shared: &Arc<Shared>,
    journal: Location,
) -> impl FnOnce() -> Result<(), StoreError> + Send + use<> {
    let counts = shared.counts.read().clone();
    let track_records = shared.track_records.read().clone();
    let checkpoint = Checkpoint {
        schema: SCHEMA_VERSION,
        journal,
        next_position: shared.next_position.load(Ordering::Relaxed),
        next_installation: shared.next_installation.load(Ordering::Relaxed),
        counts,
        track_records,
    };
    let frozen = shared.view.freeze();
    let shared = shared.clone();
    move || {
        // The layer of an earlier, failed checkpoint is still frozen, and this checkpoint would lack its rows.
        let Some(frozen) = frozen else {
            return Err(StoreError::Stopped("an earlier checkpoint failed; the journal holds everything".to_owned()));
        };
        let started = Instant::now();
        shared.view.index().checkpoint(frozen.iter(), (key(), encode(&checkpoint)))?;
        let rows = frozen.len();
        shared.view.thaw();
        rewrite::if_worth_it(&shared, &checkpoint);
        tracing::debug!(rows, duration_ms = started.elapsed().as_millis(), "checkpoint written");
        Ok(())
    }
}
