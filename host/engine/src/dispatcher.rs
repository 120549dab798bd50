//! The dispatcher of one installation: takes entries that are ready, and keeps a bounded number of deliveries in
//! flight. Few of them run; more only wait for the disk.
//!
//! The store determines the order: only the first entry of a queue is ever ready. The dispatcher remembers its
//! deliveries in flight and how far it has looked. It asks the store again for everything else.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use handoff_model::actor::Actor;
use handoff_model::installation::{Installation, Pause};
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::time::Timestamp;
use handoff_store::{Ready, StoreError};

use super::Shared;
use super::delivery::{Ended, deliver};
use super::running::Running;
use super::work::Work;

/// Entries looked up at once.
const PAGE: usize = 128;
/// Deliveries started before the dispatcher looks for new entries, even if it has not started all it found. Without
/// this bound, a few long queues would be found again and again, and all others would wait for their end.
const LOOK_AFTER: usize = 64;
/// Deliveries in flight for each one that may run. Those beyond have run and wait until their commit is durable. With
/// more of them, one sync of the disk serves more commits.
const ACTIVE_PER_CALL: usize = 16;
/// How long an installation pauses after an internal error of the host, before it is retried.
const REST: Duration = Duration::from_secs(1);

struct Dispatcher {
    shared: Arc<Shared>,
    id: InstallationId,
    /// The generation that was active when deliveries were last started.
    generation: Option<Generation>,
    /// Entries found and not started.
    found: VecDeque<Ready>,
    /// The last entry found. Later entries have higher positions, except for the next entry of a queue, which its
    /// delivery returns.
    looked_up_to: Option<Position>,
    /// There may be more entries than were found.
    look_again: bool,
    started_since_look: usize,
    next_retry: Option<Timestamp>,
    /// Entries that are found or in flight, and must not be found again.
    taken: HashSet<Position>,
    active: JoinSet<Result<Ended, StoreError>>,
    /// Bounds the deliveries that run at once.
    calls: Arc<Semaphore>,
    /// The permit to run for the next delivery.
    call: Option<OwnedSemaphorePermit>,
    /// The delivery of each task, also available when a task panics.
    entries: HashMap<Id, Delivery>,
    work: Arc<Work>,
}

/// A delivery in flight.
struct Delivery {
    entry: Ready,
    /// The generation that it goes to.
    generation: Generation,
    task: AbortHandle,
}

/// Delivers until `stop` is cancelled or the installation has ended, then waits for the deliveries in flight.
pub(super) async fn run(shared: Arc<Shared>, id: InstallationId, stop: CancellationToken) {
    let bell = shared.store.wakeups().queue(id);
    let mut dispatcher = Dispatcher {
        work: shared.work.of(id),
        shared: shared.clone(),
        id,
        generation: None,
        found: VecDeque::new(),
        looked_up_to: None,
        look_again: true,
        started_since_look: 0,
        next_retry: None,
        taken: HashSet::new(),
        active: JoinSet::new(),
        calls: Arc::new(Semaphore::new(shared.limits.concurrency_per_installation)),
        call: None,
        entries: HashMap::new(),
    };
    loop {
        let stopped_at = match dispatcher.start_deliveries().await {
            Ok(StoppedAt::Uninstalled) => {
                dispatcher.active.abort_all();
                break;
            }
            Ok(stopped_at) => stopped_at,
            Err(error) if dispatcher.rest(&error, &stop).await => continue,
            Err(_) => break,
        };
        let retry = dispatcher.next_retry.filter(|_| stopped_at == StoppedAt::Nothing);
        let (calls, work) = (dispatcher.calls.clone(), dispatcher.work.clone());
        // The order matters: wakeups and due retries run out between two look-ups, but completed deliveries may not.
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = bell.notified() => dispatcher.look_again = true,
            () = work.rings() => dispatcher.look_again = true,
            () = shared.wait_until(retry) => dispatcher.look_again = true,
            Some(ended) = dispatcher.active.join_next_with_id() => {
                if let Err(error) = dispatcher.end(ended).await
                    && !dispatcher.rest(&error, &stop).await
                {
                    break;
                }
            }
            // Last, because a completed delivery returns the next entry of its queue.
            Ok(call) = calls.acquire_owned(), if stopped_at == StoppedAt::Calls => dispatcher.call = Some(call),
        }
    }
    while dispatcher.active.join_next().await.is_some() {}
}

/// Why no more deliveries are started.
#[derive(Clone, Copy, PartialEq, Eq)]
enum StoppedAt {
    /// There is nothing to deliver now.
    Nothing,
    /// The limit of running deliveries is reached.
    Calls,
    /// The limit of deliveries in flight is reached.
    AtWork,
    /// There is no such installation any more.
    Uninstalled,
}

impl Dispatcher {
    async fn start_deliveries(&mut self) -> Result<StoppedAt, StoreError> {
        loop {
            let Some(installation) = self.shared.store.installation_by_id(self.id) else {
                return Ok(StoppedAt::Uninstalled);
            };
            if self.generation.replace(installation.active.generation) != Some(installation.active.generation) {
                self.leave_others(installation.active.generation);
            }
            if installation.paused.is_some() || self.is_held(installation.active.generation) {
                self.start_over();
                return Ok(StoppedAt::Nothing);
            }
            if self.active.len() >= self.shared.limits.concurrency_per_installation.saturating_mul(ACTIVE_PER_CALL) {
                return Ok(StoppedAt::AtWork);
            }
            let Some(call) = self.call.take().or_else(|| self.calls.clone().try_acquire_owned().ok()) else {
                return Ok(StoppedAt::Calls);
            };
            let Some(entry) = self.next()? else { return Ok(StoppedAt::Nothing) };
            let content = &installation.active.content;
            match self.shared.generations.load(self.id, content).await {
                Ok(loaded) => {
                    let generation = installation.active.generation;
                    // While its code was loaded, the installation was paused or replaced, and that is already
                    // acknowledged; or deliveries were stopped.
                    if !self.is_current(&installation) || !self.work.begin(generation) {
                        self.found.push_front(entry);
                        continue;
                    }
                    self.started_since_look += 1;
                    let (shared, calls) = (self.shared.clone(), self.calls.clone());
                    let running = Running::new(shared.clock.clone());
                    let own = running.clone();
                    let task =
                        async move { deliver(&shared, &installation, &loaded, entry, (&calls, call), &own).await };
                    let task = self.active.spawn(task);
                    if self.work.begun(task.clone(), generation, running) {
                        self.shared.probations.look_again();
                    }
                    self.entries.insert(task.id(), Delivery { entry, generation, task });
                }
                Err(error) => {
                    self.found.push_front(entry);
                    self.pause(&installation, &format!("{}: {error}", error.code())).await?;
                }
            }
        }
    }

    fn is_current(&self, installation: &Arc<Installation>) -> bool {
        self.shared.store.installation_by_id(self.id).is_some_and(|now| Arc::ptr_eq(&now, installation))
    }

    /// Aborts deliveries to other generations because another one is active. They cannot take effect any more, and
    /// would only use the slots of deliveries that can: a guest that hangs does so until its deadline.
    fn leave_others(&mut self, active: Generation) {
        let mut others: Vec<&Delivery> =
            self.entries.values().filter(|delivery| delivery.generation != active).collect();
        // In a fixed order, which a simulation repeats.
        others.sort_unstable_by_key(|other| other.entry.position);
        others.into_iter().for_each(|other| other.task.abort());
        // A rollback may have restored older entries before those that were found.
        self.start_over();
    }

    /// Deliveries are not allowed now: a rollback restores state, or someone has stopped deliveries.
    fn is_held(&self, generation: Generation) -> bool {
        self.work.wants_quiet(generation) || self.shared.store.holds_all_deliveries(self.id)
    }

    /// The next entry that is ready.
    fn next(&mut self) -> Result<Option<Ready>, StoreError> {
        if self.look_again && (self.found.is_empty() || self.started_since_look >= LOOK_AFTER) {
            self.look()?;
        }
        Ok(self.found.pop_front())
    }

    fn look(&mut self) -> Result<(), StoreError> {
        let now = self.shared.clock.now();
        let (due, next_retry) = self.shared.store.due_retries(self.id, now, PAGE)?;
        let ready = self.shared.store.ready(self.id, self.looked_up_to, PAGE)?;
        self.next_retry = next_retry;
        self.look_again = ready.len() == PAGE || due.len() == PAGE;
        self.started_since_look = 0;
        if let Some(last) = ready.last() {
            self.looked_up_to = Some(last.position);
        }
        for entry in due.into_iter().chain(ready) {
            if self.taken.insert(entry.position) {
                self.found.push_back(entry);
            }
        }
        Ok(())
    }

    async fn end(&mut self, ended: Result<(Id, Result<Ended, StoreError>), JoinError>) -> Result<(), StoreError> {
        let (task, ended) = match ended {
            Ok(ended) => ended,
            // Aborted: the queue shows whether it was committed before.
            Err(error) if error.is_cancelled() => (error.id(), Ok(Ended::Gone)),
            Err(error) => {
                tracing::error!(installation = self.id.0, %error, "a delivery panicked; its event is delivered again");
                self.shared.pause(REST).await;
                // It may have been committed before. Then the next entry of its queue is ready, and the dispatcher was
                // not notified.
                (error.id(), Ok(Ended::Gone))
            }
        };
        let Some(Delivery { entry, generation, .. }) = self.entries.remove(&task) else { return Ok(()) };
        self.taken.remove(&entry.position);
        self.work.end(task);
        match ended? {
            // A rollback may have restored other entries before it, or before the next entry of its queue.
            _ if self.generation != Some(generation) => self.look_from_start(),
            Ended::Settled { next } => {
                if let Some(next) = next
                    && self.taken.insert(next.position)
                {
                    self.found.push_back(next);
                }
            }
            Ended::Again => {
                self.taken.insert(entry.position);
                self.found.push_front(entry);
            }
            Ended::Waits => self.look_again = true,
            Ended::Gone => self.look_from_start(),
        }
        Ok(())
    }

    /// Pauses after an internal error of the host. Returns false if continuing is pointless.
    async fn rest(&mut self, error: &StoreError, stop: &CancellationToken) -> bool {
        if matches!(error, StoreError::Stopped(_)) {
            tracing::error!(installation = self.id.0, %error, "deliveries stopped until the host is started again");
            return false;
        }
        tracing::error!(installation = self.id.0, %error, "deliveries rest");
        self.start_over();
        tokio::select! {
            biased;
            () = stop.cancelled() => false,
            () = self.shared.pause(REST) => true,
        }
    }

    /// Pauses the installation because the generation cannot run. Its events wait until someone resolves the cause.
    async fn pause(&mut self, installation: &Installation, why: &str) -> Result<(), StoreError> {
        let now_active = self.shared.store.installation_by_id(self.id).map(|now| now.active.generation);
        if now_active != Some(installation.active.generation) {
            return Ok(()); // Replaced while it was loaded: the error does not concern the new one.
        }
        let message = format!("version {} cannot run: {why}", installation.active.content.version);
        tracing::error!(installation = %installation.name, message, "installation paused");
        let at = self.shared.clock.now();
        let pause = Pause::by_host(message, at);
        self.shared.store.set_paused(installation.name.clone(), Some(pause), Actor::host(), at).await?;
        Ok(())
    }

    /// Discards what was found, because it may be stale once deliveries continue.
    fn start_over(&mut self) {
        for entry in self.found.drain(..) {
            self.taken.remove(&entry.position);
        }
        self.look_from_start();
        self.next_retry = None;
    }

    fn look_from_start(&mut self) {
        self.looked_up_to = None;
        self.look_again = true;
    }
}

/// Also runs when the task is aborted: releases the slots of aborted deliveries.
impl Drop for Dispatcher {
    fn drop(&mut self) {
        self.entries.keys().for_each(|task| self.work.end(*task));
    }
}
