//! The only writer. Takes requests in batches, decides each one against the index, writes one journal batch, syncs it
//! once, and only then answers.
//!
//! Decisions read the index; the resulting changes hold everything that was decided (see `changes`). Later requests of
//! a batch see the writes of earlier ones: if the sync fails, no request is acknowledged and the committer stops for
//! good.

mod append;
mod audit;
mod by_hand;
mod dead_letters;
mod delivery;
mod emitted;
mod held;
mod installations;
mod metrics;
mod outbox;
mod queue_counters;
mod repeats;
mod request;
mod requeue;
mod restore;
mod retries;
mod rollback_job;
mod timers;
mod undo;
mod uninstall;
mod withdraw;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::WeakSender;

use handoff_model::installation::Installation;
use handoff_model::names::{InstallationId, Position};

pub use by_hand::ByHand;
pub(super) use request::{Commit, Fail, Request, Requests};

use queue_counters::QueueCounters;
use repeats::Repeats;
use undo::ActiveUndo;

use super::applier::{Applier, Source};
use super::changes::{Change, Frame};
use super::checkpoint::{Checkpoints, Commits};
use super::conflicts::RecentWrites;
use super::journal::{JournalError, Location, Writer};
use super::routing::Routing;
use super::wakeups::Pending;
use super::{Reply, Shared, StoreError, retain};

/// Requests answered by one sync.
const BATCH_REQUESTS_MAX: usize = 4_096;
/// A batch of this many bytes is synced before more is added.
const BATCH_BYTES_MAX: usize = 4 << 20;
/// The longest pause before a batch is submitted again.
const BLOCKED_PAUSE_MAX: Duration = Duration::from_secs(1);

/// An answer that waits for the sync. Called with the batch's failure, or none.
type Answer = Box<dyn FnOnce(Option<&StoreError>) + Send>;

/// The committer's state. Owned by its thread.
pub(super) struct Committer {
    pub(super) shared: Arc<Shared>,
    writer: Box<dyn Writer>,
    /// Bytes of the batch that are not synced yet.
    pending_bytes: usize,
    pub(super) recent: RecentWrites,
    pub(super) checkpoints: Checkpoints,
    /// The number of metrics of each installation that added one since the start.
    pub(super) metric_counts: BTreeMap<InstallationId, u64>,
    applier: Applier,
    queue_counters: QueueCounters,
    repeats: Repeats,
    /// The undo state of active generations.
    undos: BTreeMap<InstallationId, ActiveUndo>,
    /// Who receives which event, as of the active generations.
    routing: Arc<Routing>,
    answers: Vec<Answer>,
    /// Tells whether any caller still exists. None if the committer has no thread of its own: then nothing waits.
    pub(super) callers: Option<WeakSender<Request>>,
    wakeups: Pending,
    /// Why no more requests are accepted.
    stopped: Option<StoreError>,
}

impl Committer {
    pub(super) fn new(shared: Arc<Shared>, writer: Box<dyn Writer>, checkpoints: Checkpoints) -> Self {
        let waiting = shared.counts.read().waiting();
        let mut committer = Self {
            queue_counters: if waiting == 0 { QueueCounters::empty() } else { QueueCounters::unknown() },
            repeats: Repeats::unknown(shared.options.steps),
            applier: Applier::new(shared.clone(), Source::Commit),
            shared,
            writer,
            pending_bytes: 0,
            recent: RecentWrites::default(),
            checkpoints,
            metric_counts: BTreeMap::new(),
            undos: BTreeMap::new(),
            routing: Arc::default(),
            answers: Vec::new(),
            callers: None,
            wakeups: Pending::default(),
            stopped: None,
        };
        committer.index_routing();
        committer
    }

    /// Runs until all handles of the store are dropped, then writes a last checkpoint.
    pub(super) fn run(mut self, mut requests: Requests) {
        if let Err(error) = self.drop_leftovers() {
            tracing::warn!(%error, "rows of uninstalled installations could not be removed; the next start tries again");
        }
        while let Some(first) = requests.all.blocking_recv() {
            let urgent = requests.urgent.try_recv().ok();
            // An urgent request waits only for the batch that has begun.
            let mut is_urgent = urgent.is_some();
            urgent.into_iter().chain([first]).for_each(|request| self.handle(request));
            while !is_urgent
                && self.answers.len() < BATCH_REQUESTS_MAX
                && self.pending_bytes < BATCH_BYTES_MAX
                && let Some((request, goes_first)) = requests.next()
            {
                is_urgent = goes_first;
                self.handle(request);
            }
            self.finish_batch();
        }
        // Also after a stop: a running checkpoint would keep the data folder locked.
        let last = if self.stopped.is_none() { self.checkpoint_now() } else { self.checkpoints.join() };
        if let Err(error) = last {
            tracing::error!(%error, "the last checkpoint failed; the next start replays the journal");
        }
    }

    fn handle(&mut self, request: Request) {
        if self.stopped.is_some() {
            return request.refuse(self.stopped.as_ref());
        }
        match request {
            Request::Append { events, received_at, tick, audit, reply } => {
                let done = self.append(events, received_at, tick, audit);
                self.answer(reply, done);
            }
            Request::Commit(commit) => self.commit(*commit),
            Request::Fail(fail) => self.fail(*fail),
            Request::StartSend { installation, position, reply } => {
                let done = self.start_send(installation, position);
                self.answer(reply, done);
            }
            Request::FinishSend { installation, position, at, outcome, reply } => {
                let done = self.finish_send(installation, position, at, *outcome);
                self.answer(reply, done);
            }
            Request::FireTimers { now, reply } => {
                let done = self.fire_timers(now);
                self.answer(reply, done);
            }
            Request::PutGeneration { new, reply } => {
                let done = self.put_generation(*new);
                self.answer(reply, done);
            }
            Request::PutGenerations { new, reply } => {
                let done = new.into_iter().map(|new| self.put_generation(new)).collect();
                self.answer(reply, Ok(done));
            }
            Request::SetPaused { name, paused, by, at, reply } => {
                let done = self.set_paused(&name, paused, by, at);
                self.answer(reply, done);
            }
            Request::Redrive { letters, by, reason, at, reply } => {
                let done = self.redrive(letters, by, reason, at);
                self.answer(reply, done);
            }
            Request::Discard { letters, by, reason, at, reply } => {
                let done = self.discard(letters, by, reason, at);
                self.answer(reply, done);
            }
            Request::SetAside { installation, position, by, reason, at, reply } => {
                let done = self.set_aside((installation, position), &by, &reason, at);
                self.answer(reply, done);
            }
            Request::FireTimer { installation, key, by, reason, at, reply } => {
                let done = self.fire_timer(installation, &key, &by, &reason, at);
                self.answer(reply, done);
            }
            Request::RetryNow { installation, by, reason, at, reply } => {
                let done = self.retry_now(installation, &by, &reason, at);
                self.answer(reply, done);
            }
            Request::SetHostRecord { record, audit, reply } => {
                let done = self.set_host_record(*record, audit);
                self.answer(reply, done);
            }
            Request::AddAudit { new, reply } => {
                let done = self.add_audit(*new);
                self.answer(reply, done);
            }
            Request::ContinueRollback { id, at, handled, reply } => {
                let done = self.continue_rollback(id, at, handled);
                self.answer(reply, done);
            }
            Request::DropUndo { older_than, reply } => {
                let done = self.drop_undo(older_than);
                self.answer(reply, done);
            }
            Request::ResolveHeld { which, then, by, reason, at, reply } => {
                let done = self.resolve_held(&which, then, &by, &reason, at);
                self.answer(reply, done);
            }
            Request::HurryRequests { which, at, reply } => {
                let done = self.hurry_requests(&which, at);
                self.answer(reply, done);
            }
            Request::Retain { older_than, bytes_max, reply } => {
                retain::retain(self, older_than, bytes_max, reply);
            }
            Request::Checkpoint { reply } => {
                let done = self.checkpoint_now();
                self.answer(reply, done);
            }
            Request::Uninstall { ask, reply } => {
                let done = self.uninstall(*ask);
                self.answer(reply, done);
            }
            Request::Urgent => {}
        }
    }

    /// Makes the batch durable and answers its callers.
    fn finish_batch(&mut self) {
        if self.stopped.is_some() {
            return;
        }
        let failure = self.sync_now().err();
        for answer in self.answers.drain(..) {
            answer(failure.as_ref());
        }
        if let Some(error) = failure {
            tracing::error!(%error, "the journal failed: nothing more is acknowledged");
            self.stop(error);
            return;
        }
        std::mem::take(&mut self.wakeups).wake(&self.shared.wakeups);
        self.shared.cache.trim(self.end());
        self.recent.prune(&self.shared.snapshots);
        if self.shared.counts.read().waiting() == 0 {
            self.queue_counters.all_are_empty();
        }
        let rows = self.shared.options.steps.learned_rows;
        let learnt =
            self.repeats.learn(&self.shared.view).and_then(|()| self.queue_counters.learn(&self.shared.view, rows));
        if let Err(error) = learnt {
            tracing::warn!(%error, "the index cannot be read ahead: what could be known is looked up in it each time");
        }
        if let Err(error) = self.continue_checkpoints() {
            tracing::error!(%error, "the checkpoint failed; the journal still holds everything");
            self.stop(error);
        }
    }

    /// Stops for good: after a failure the content of the journal is unknown until it is read again.
    fn stop(&mut self, error: StoreError) {
        *self.shared.stopped.lock() = Some(error.to_string());
        self.stopped = Some(error);
        // What is being sent must be cut off.
        self.shared.wakeups.outbox().notify_one();
    }

    /// Writes changes as one frame, applies them, and records whom to wake.
    pub(super) fn write(&mut self, changes: Vec<Change>) -> Result<Location, StoreError> {
        let frame = Frame { changes };
        let payload = frame.encode();
        let at = self.writer.push(&payload)?;
        self.pending_bytes = self.pending_bytes.saturating_add(payload.len());
        // Cached before it is visible: readers must not look for it on disk.
        let frame = Arc::new(frame);
        self.shared.cache.keep(at, frame.clone(), payload.len());
        if self.applier.apply(&frame, at) {
            self.index_routing();
        }
        self.queue_counters.add(&frame);
        self.repeats.add(&frame);
        self.wakeups.note(&frame);
        Ok(at)
    }

    /// Makes everything so far durable without answering. For operations that must not run ahead of the journal.
    pub(super) fn sync_now(&mut self) -> Result<(), StoreError> {
        let begun = Instant::now();
        self.submit()?;
        let end = self.writer.durable(true)?;
        if end.segment != self.end().segment {
            self.shared.wakeups.segments().notify_one();
        }
        self.shared.journal_volume.lock().add(std::mem::take(&mut self.pending_bytes), begun.elapsed());
        *self.shared.durable.lock() = end;
        Ok(())
    }

    /// Submits the batch. While the journal has no room, waits and submits the same batch again. Readers already see
    /// the changes of the batch, so it cannot be withdrawn: it is either completed, or lost together with everything
    /// after it.
    fn submit(&mut self) -> Result<(), StoreError> {
        let mut pause = self.shared.options.steps.blocked_pause;
        loop {
            match self.writer.submit() {
                Err(JournalError::Blocked(why)) if self.has_callers() => self.wait_for_room(why, &mut pause),
                done => {
                    self.unblock();
                    return Ok(done?);
                }
            }
        }
    }

    /// Starts a checkpoint if one is needed. While the disk has no room for one and the buffer is far too large, waits.
    fn continue_checkpoints(&mut self) -> Result<(), StoreError> {
        let mut pause = self.shared.options.steps.blocked_pause;
        loop {
            match self.checkpoints.continue_if_needed(&self.shared, self.end())? {
                Commits::Wait(disk_full) if self.has_callers() => self.wait_for_room(disk_full.to_string(), &mut pause),
                Commits::Continue | Commits::Wait(_) => {
                    self.unblock();
                    return Ok(());
                }
            }
        }
    }

    fn has_callers(&self) -> bool {
        self.callers.as_ref().is_some_and(|callers| callers.upgrade().is_some())
    }

    fn wait_for_room(&self, why: String, pause: &mut Duration) {
        if self.shared.blocked.lock().replace(why.clone()).is_none() {
            tracing::error!(why, "the store cannot write: nothing is acknowledged until it can");
        }
        // The system does not report when there is room again.
        std::thread::park_timeout(*pause);
        *pause = pause.saturating_mul(2).min(BLOCKED_PAUSE_MAX);
    }

    fn unblock(&self) {
        if self.shared.blocked.lock().take().is_some() {
            tracing::info!("the store can write again");
        }
    }

    /// The location up to which the journal is durable; after [`Committer::sync_now`] this is its end.
    pub(super) fn end(&self) -> Location {
        *self.shared.durable.lock()
    }

    pub(super) fn checkpoint_now(&mut self) -> Result<(), StoreError> {
        self.sync_now()?;
        self.checkpoints.run_to_end(&self.shared, self.end())
    }

    /// Starts a checkpoint in parallel with commits, then calls `more` with its result.
    pub(super) fn start_checkpoint(&mut self, more: impl FnOnce(Result<(), StoreError>) + Send + 'static) {
        self.checkpoints.start_and_then(&self.shared, self.end(), more);
    }

    pub(super) fn answer<T: Send + 'static>(&mut self, reply: Reply<T>, done: Result<T, StoreError>) {
        self.answers.push(Box::new(move |failure| {
            let answer = failure.map_or(done, |failure| Err(failure.stopped()));
            // The caller may have stopped waiting: the requested work is done all the same.
            drop::<Result<(), Result<T, StoreError>>>(reply.send(answer));
        }));
    }

    pub(super) fn next_position(&self) -> Position {
        Position(self.shared.next_position.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn installation(&self, id: InstallationId) -> Option<Arc<Installation>> {
        self.shared.installations.read().get(&id).cloned()
    }

    fn index_routing(&mut self) {
        let installations = self.shared.installations.read();
        let routing = Routing::of(installations.values().map(Arc::as_ref), &self.shared.options.groups);
        drop(installations);
        self.routing = Arc::new(routing);
        *self.shared.routing.write() = self.routing.clone();
    }
}
