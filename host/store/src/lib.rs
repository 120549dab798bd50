//! The store: the host's durable data. Offers a small set of complete operations over a journal, which is the source of
//! truth, and an index in sled, which can be rebuilt.
//!
//! No other crate uses sled or the journal. This crate knows nothing of HTTP, Wasm or retry policies.

mod applier;
mod apply;
mod audit;
mod backup;
mod bodies;
mod buffer;
mod capacity;
mod changes;
mod checkpoint;
mod committer;
mod conflicts;
mod counts;
mod error;
mod export;
mod files;
mod find;
#[doc(hidden)]
pub mod fuzzing;
mod generations;
mod host_records;
mod index;
mod journal;
mod keys;
mod messages;
mod open;
mod options;
mod read;
mod retain;
mod rewrite;
mod rollback_job;
mod routing;
mod rows;
mod schema;
mod state_values;
#[cfg(test)]
mod tests;
mod track_records;
mod uninstall;
mod volume;
mod wakeups;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, oneshot};

pub use audit::{AuditEntry, AuditVerdict, NewAudit};
pub use backup::{Backup, BackupError, BackupFile, restore_backup, verify_backup};
pub use bodies::{FoundPackage, Packages};
pub use capacity::CapacityExceeded;
pub use changes::{CauseRef, RepeatedEvent};
pub use conflicts::Snapshot;
pub use counts::InstallationCounts;
pub use error::StoreError;
pub use find::{FindEnd, FindQuery, Found, FoundWhat, OnFound, Pattern};
pub use generations::{Leave, Migration, NewGeneration};
pub use host_records::HOST_RECORD_BYTES_MAX;
pub use journal::{
    AddFile, BlobDigest, BlobKind, Blobs, FileJournal, FrameMeaning, Journal, JournalError, Location, Loss,
    MemoryJournal, ReadPositions, Segment, Tail, Visit, WriteExport, Writer,
};
pub use keys::{QueueKey, SCHEMA_VERSION};
pub use messages::{
    Appended, Attempt, DeadLetterIds, FailureAction, NewEvent, Recipients, RequestOutcome, Retained, ScheduleTick,
    Verdict,
};
pub use open::repair;
pub use options::StoreOptions;
pub use read::{
    AttemptRecord, Claim, DeadLetter, DueRequest, EmittedRef, EventFilter, LeftBy, LogPage, LoggedLine, Moment,
    OutboxEntry, Ready, RecordedChanges, RecordedDelivery, RecordedEffects, RecordingPlace, RouteState, Standing,
    StoredEvent, StoredTimer, TimerRef,
};
pub use rollback_job::{HeldAction, RollbackJob, Step, UndoReach};
pub use routing::Crossing;
pub use rows::{HISTOGRAM_BOUNDS, MetricRow, MetricValue, OutboxState, RepeatedEvents};
pub use track_records::TrackRecords;
pub use uninstall::{Exported, Pending, Uninstall, UninstallOutcome, Uninstalled};
pub use volume::{BATCH_SECONDS_BOUNDS, JournalVolume};
pub use wakeups::{InstallationChanges, Wakeups};

use handoff_model::actor::Actor;
use handoff_model::effects::{Effects, Trace};
use handoff_model::failure::Failure;
use handoff_model::installation::{Installation, Pause};
use handoff_model::names::{InstallationId, InstallationName, Position};
use handoff_model::time::Timestamp;

use committer::Request;
use conflicts::Snapshots;
#[doc(hidden)]
pub use {committer::ByHand, journal::Crash, options::Steps};

/// The failure code of a dead letter whose event was withdrawn by a rollback of its emitter.
pub const WITHDRAWN: &str = "withdrawn";
/// The failure code of a dead letter that a person set aside.
pub const SET_ASIDE: &str = "set-aside";

/// The shared handle of a store.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    requests: Asking,
    committer: Arc<CommitterThread>,
}

/// The queues to the committer. Urgent requests overtake waiting ones.
#[derive(Clone)]
struct Asking {
    all: mpsc::Sender<Request>,
    urgent: mpsc::Sender<Request>,
}

/// The state that readers and the committer share.
struct Shared {
    options: StoreOptions,
    view: buffer::View,
    snapshots: Arc<Snapshots>,
    installations: RwLock<BTreeMap<InstallationId, Arc<Installation>>>,
    /// Installations that have ended.
    uninstalled: RwLock<BTreeMap<InstallationId, Arc<Uninstalled>>>,
    /// Who receives which event, as the committer decides it.
    routing: RwLock<Arc<routing::Routing>>,
    counts: RwLock<counts::Counts>,
    track_records: RwLock<track_records::AllTrackRecords>,
    wakeups: Wakeups,
    next_position: std::sync::atomic::AtomicU64,
    next_installation: std::sync::atomic::AtomicU32,
    /// Frames before this location are durable.
    durable: Mutex<Location>,
    cache: read::Cache,
    journal: Arc<dyn Journal>,
    /// Held while segments and bodies are dropped, or copied into a backup.
    retention: Mutex<()>,
    journal_volume: Mutex<JournalVolume>,
    /// Why the committer has stopped acknowledging for good.
    stopped: Mutex<Option<String>>,
    /// Why the committer currently cannot acknowledge.
    blocked: Mutex<Option<String>>,
    /// Number and hash of the last entry of the audit chain.
    audit_head: Mutex<(u64, [u8; 32])>,
    /// The rollback job of each installation.
    markers: RwLock<BTreeMap<InstallationId, Arc<rollback_job::Marker>>>,
    /// Journal entries that were read for rollback jobs that requeue events.
    replays: Mutex<BTreeMap<InstallationId, read::Window>>,
    _lock: std::fs::File,
}

/// The committer's thread. It ends when all handles are dropped.
struct CommitterThread(Mutex<Option<std::thread::JoinHandle<()>>>);

impl Store {
    /// Opens the data folder, recovers the data of the last process, and starts the committer.
    pub fn open(options: StoreOptions) -> Result<Self, StoreError> {
        open::open(options, None)
    }

    /// Opens a store over a journal outside the data folder. The index is in the data folder all the same.
    pub fn open_with(options: StoreOptions, journal: Arc<dyn Journal>) -> Result<Self, StoreError> {
        open::open(options, Some(journal))
    }

    /// Opens a store without a committer thread: the caller drives the committer.
    #[doc(hidden)]
    pub fn open_by_hand(options: StoreOptions) -> Result<(Self, ByHand), StoreError> {
        open::open_by_hand(options, None)
    }

    /// Opens a store without a committer thread, over a journal.
    #[doc(hidden)]
    pub fn open_by_hand_with(options: StoreOptions, journal: Arc<dyn Journal>) -> Result<(Self, ByHand), StoreError> {
        open::open_by_hand(options, Some(journal))
    }

    /// Appends all events, or none; durable on return.
    pub async fn append(
        &self,
        events: Vec<NewEvent>,
        received_at: Timestamp,
        tick: Option<ScheduleTick>,
    ) -> Result<Vec<Appended>, StoreError> {
        let events = bodies::set_aside(&self.shared, events).await?;
        self.ask(|reply| Request::Append { events, received_at, tick, audit: None, reply }).await
    }

    /// Appends events that a person sends, with the audit entry.
    pub async fn append_audited(
        &self,
        events: Vec<NewEvent>,
        received_at: Timestamp,
        audit: NewAudit,
    ) -> Result<Vec<Appended>, StoreError> {
        let (events, audit) = (bodies::set_aside(&self.shared, events).await?, Some(Box::new(audit)));
        self.ask(|reply| Request::Append { events, received_at, tick: None, audit, reply }).await
    }

    /// Commits a delivery with all of its effects, or without any effect.
    pub async fn commit(
        &self,
        attempt: Attempt,
        snapshot: Snapshot,
        effects: Effects,
        trace: Trace,
    ) -> Result<Verdict, StoreError> {
        self.ask(|reply| Request::Commit(Box::new(committer::Commit { attempt, snapshot, effects, trace, reply })))
            .await
    }

    /// Records the failure of a delivery.
    pub async fn fail(
        &self,
        attempt: Attempt,
        snapshot: Snapshot,
        failure: Failure,
        then: FailureAction,
        trace: Trace,
    ) -> Result<Verdict, StoreError> {
        self.ask(|reply| Request::Fail(Box::new(committer::Fail { attempt, snapshot, failure, then, trace, reply })))
            .await
    }

    /// Begins an attempt to send an outbox request. Returns its number, from 1, once the beginning is durable; none if
    /// the request must not be sent. Nothing may be sent before.
    pub async fn start_send(
        &self,
        installation: InstallationId,
        position: Position,
    ) -> Result<Option<u32>, StoreError> {
        self.ask(|reply| Request::StartSend { installation, position, reply }).await
    }

    /// Records the end of an attempt that [`Store::start_send`] began. False if the request was no longer pending.
    pub async fn finish_send(
        &self,
        installation: InstallationId,
        position: Position,
        at: Timestamp,
        outcome: RequestOutcome,
    ) -> Result<bool, StoreError> {
        self.ask(|reply| Request::FinishSend { installation, position, at, outcome: Box::new(outcome), reply }).await
    }

    /// Makes pending outbox requests due that wait for a later time. Returns how many.
    pub async fn hurry_requests(
        &self,
        which: Vec<(InstallationId, Position)>,
        at: Timestamp,
    ) -> Result<usize, StoreError> {
        self.ask(|reply| Request::HurryRequests { which, at, reply }).await
    }

    /// Turns timers that are due into events. Returns when the next one is due.
    pub async fn fire_timers(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.ask(|reply| Request::FireTimers { now, reply }).await
    }

    /// Creates a generation and, if needed, its installation. Once it is durable, commits of the previous generation
    /// are refused. A rollback overtakes requests that wait for the committer.
    pub async fn put_generation(&self, new: NewGeneration) -> Result<Arc<Installation>, StoreError> {
        let is_rollback = new.leave.is_some();
        let request = |reply| Request::PutGeneration { new: Box::new(new), reply };
        if is_rollback { self.ask_first(request).await } else { self.ask(request).await }
    }

    /// The same for several installations, in one batch of the journal: all that can be created are durable together. The
    /// results are in the order of the requests.
    pub async fn put_generations(
        &self,
        new: Vec<NewGeneration>,
    ) -> Result<Vec<Result<Arc<Installation>, StoreError>>, StoreError> {
        let is_rollback = new.iter().all(|new| new.leave.is_some());
        let request = |reply| Request::PutGenerations { new, reply };
        if is_rollback { self.ask_first(request).await } else { self.ask(request).await }
    }

    /// Pauses or resumes an installation.
    pub async fn set_paused(
        &self,
        name: InstallationName,
        paused: Option<Pause>,
        by: Actor,
        at: Timestamp,
    ) -> Result<Arc<Installation>, StoreError> {
        self.ask(|reply| Request::SetPaused { name, paused, by, at, reply }).await
    }

    /// Makes all deliveries of an installation that wait for a retry due now. Returns how many.
    pub async fn retry_now(
        &self,
        installation: InstallationId,
        by: &Actor,
        reason: &str,
        at: Timestamp,
    ) -> Result<usize, StoreError> {
        let mut total = 0_usize;
        loop {
            let (by, reason) = (by.clone(), reason.to_owned());
            let (count, is_all) = self.ask(|reply| Request::RetryNow { installation, by, reason, at, reply }).await?;
            total = total.saturating_add(count);
            if is_all {
                return Ok(total);
            }
        }
    }

    /// Redrives dead letters, in the given order. Returns the new positions.
    pub async fn redrive(
        &self,
        letters: DeadLetterIds,
        by: Actor,
        reason: String,
        at: Timestamp,
    ) -> Result<Vec<Position>, StoreError> {
        self.ask(|reply| Request::Redrive { letters, by, reason, at, reply }).await
    }

    /// Discards dead letters.
    pub async fn discard(
        &self,
        letters: DeadLetterIds,
        by: Actor,
        reason: String,
        at: Timestamp,
    ) -> Result<usize, StoreError> {
        self.ask(|reply| Request::Discard { letters, by, reason, at, reply }).await
    }

    /// Turns a waiting event of an installation into a dead letter, without another attempt. An attempt that runs does not
    /// take effect.
    pub async fn set_aside(
        &self,
        installation: InstallationId,
        position: Position,
        by: Actor,
        reason: String,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.ask(|reply| Request::SetAside { installation, position, by, reason, at, reply }).await
    }

    /// Turns a timer into an event now. Returns the position of the event.
    pub async fn fire_timer(
        &self,
        installation: InstallationId,
        key: String,
        by: Actor,
        reason: String,
        at: Timestamp,
    ) -> Result<Position, StoreError> {
        self.ask(|reply| Request::FireTimer { installation, key, by, reason, at, reply }).await
    }

    /// Drops segments that exceed the age or size limit, after carrying forward what is still needed.
    pub async fn retain(&self, older_than: Timestamp, bytes_max: u64) -> Result<Retained, StoreError> {
        self.ask(|reply| Request::Retain { older_than, bytes_max, reply }).await
    }

    /// Drops this handle and waits for the committer, which ends once all other handles are dropped too. Everything
    /// that was submitted is then durable, and a last checkpoint is written. Blocks; call it off the async threads.
    pub fn close(self) {
        let Self { shared, requests, committer } = self;
        drop((shared, requests));
        let thread = committer.0.lock().take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the committer panicked; what it had acknowledged is durable");
        }
    }

    /// Why the store has stopped, if it has: a write or sync failed, and nothing is acknowledged until the next start.
    #[must_use]
    pub fn stopped(&self) -> Option<String> {
        self.shared.stopped.lock().clone()
    }

    /// Why nothing is currently acknowledged, if so: the disk has no room. Commits resume once it has.
    #[must_use]
    pub fn blocked(&self) -> Option<String> {
        self.shared.blocked.lock().clone()
    }

    /// What was written to the journal since the process started.
    #[must_use]
    pub fn journal_volume(&self) -> JournalVolume {
        *self.shared.journal_volume.lock()
    }

    /// Writes the buffer to the index and makes it durable.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        self.ask(|reply| Request::Checkpoint { reply }).await
    }

    async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.requests.all.send(request(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Asks the committer ahead of all waiting requests.
    async fn ask_first<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.requests.urgent.send(request(reply)).await.map_err(|_| gone())?;
        // Wakes the committer. If its queue is full it is awake, and checks urgent requests before it takes the next
        // one.
        if let Err(mpsc::error::TrySendError::Closed(_)) = self.requests.all.try_send(Request::Urgent) {
            return Err(gone());
        }
        answer.await.map_err(|_| gone())?
    }
}

fn gone() -> StoreError {
    StoreError::Stopped("the committer is gone".to_owned())
}

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;
