//! The dispatcher of one installation: takes entries that may go now, and keeps a bounded number of deliveries at work: few that
//! run, and more that only wait for the disk.
//!
//! Order is the store's: only the first entry of a queue is ever ready. The dispatcher remembers what it has at work and
//! how far it has looked; everything else it asks the store again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use handoff_model::installation::{BY_HOST, Installation, Pause};
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::time::Timestamp;
use handoff_store::{Ready, StoreError};

use super::Shared;
use super::delivery::{Ended, deliver};
use super::running::Running;
use super::work::Work;

/// Entries looked up at once.
const PAGE: usize = 128;
/// Deliveries started before new entries are looked for, even if some that were found are left: those are found again
/// and again where a few queues are long, and all others would wait for their end.
const LOOK_AFTER: usize = 64;
/// Deliveries at work for each that may run: those beyond have run and wait until their commit is durable. With more of them, one
/// sync of the disk serves more commits.
const AT_WORK_PER_CALL: usize = 16;
/// How long an installation rests after a fault of the host itself, before it is tried again.
const REST: Duration = Duration::from_secs(1);

struct Dispatcher {
    shared: Arc<Shared>,
    id: InstallationId,
    /// The generation that was active when deliveries were last started.
    generation: Option<Generation>,
    /// Entries found and not started.
    found: VecDeque<Ready>,
    /// What was found last: later entries have higher places, except for the next of a queue, which its delivery names.
    looked_up_to: Option<Position>,
    /// There may be more than was found.
    look_again: bool,
    started_since_look: usize,
    next_retry: Option<Timestamp>,
    /// Found or at work: not to be found once more.
    taken: HashSet<Position>,
    at_work: JoinSet<Result<Ended, StoreError>>,
    /// Deliveries that may run at once.
    calls: Arc<Semaphore>,
    /// The right to run that the next delivery gets.
    call: Option<OwnedSemaphorePermit>,
    /// What each task is about: also for the end of those that panic.
    entries: HashMap<Id, Delivery>,
    work: Arc<Work>,
}

/// A delivery at work.
struct Delivery {
    entry: Ready,
    /// The generation that it goes to.
    generation: Generation,
    task: AbortHandle,
}

/// Delivers until told to stop; then waits for what is at work.
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
        at_work: JoinSet::new(),
        calls: Arc::new(Semaphore::new(shared.limits.concurrency_per_installation)),
        call: None,
        entries: HashMap::new(),
    };
    loop {
        let stopped_at = match dispatcher.start_deliveries().await {
            Ok(stopped_at) => stopped_at,
            Err(error) if dispatcher.rest(&error, &stop).await => continue,
            Err(_) => break,
        };
        let retry = dispatcher.next_retry.filter(|_| stopped_at == StoppedAt::Nothing);
        let (calls, work) = (dispatcher.calls.clone(), dispatcher.work.clone());
        // In this order: there is an end to bells and due retries between two looks, but perhaps not to deliveries.
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = bell.notified() => dispatcher.look_again = true,
            () = work.rings() => dispatcher.look_again = true,
            () = shared.wait_until(retry) => dispatcher.look_again = true,
            Some(ended) = dispatcher.at_work.join_next_with_id() => {
                if let Err(error) = dispatcher.end(ended).await
                    && !dispatcher.rest(&error, &stop).await
                {
                    break;
                }
            }
            // Last: what has ended names the next of its queue.
            Ok(call) = calls.acquire_owned(), if stopped_at == StoppedAt::Calls => dispatcher.call = Some(call),
        }
    }
    while dispatcher.at_work.join_next().await.is_some() {}
}

/// Why no more deliveries are started.
#[derive(Clone, Copy, PartialEq, Eq)]
enum StoppedAt {
    /// There is nothing to deliver now.
    Nothing,
    /// As many run as may.
    Calls,
    /// As many are at work as may.
    AtWork,
}

impl Dispatcher {
    async fn start_deliveries(&mut self) -> Result<StoppedAt, StoreError> {
        loop {
            let Some(installation) = self.shared.store.installation_by_id(self.id) else {
                return Ok(StoppedAt::Nothing);
            };
            if self.generation.replace(installation.active.generation) != Some(installation.active.generation) {
                self.leave_others(installation.active.generation);
            }
            if installation.paused.is_some() || self.is_held(installation.active.generation) {
                self.start_over();
                return Ok(StoppedAt::Nothing);
            }
            if self.at_work.len() >= self.shared.limits.concurrency_per_installation.saturating_mul(AT_WORK_PER_CALL) {
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
                    // It was paused or replaced while its code was made ready, and whoever did that was told so; or it is
                    // to be quiet.
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
                    let task = self.at_work.spawn(task);
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

    /// Another generation is active. What goes to others cannot take effect any more, and would only keep the places of
    /// those that can: a guest that hangs does so until its deadline.
    fn leave_others(&mut self, active: Generation) {
        self.entries.values().filter(|delivery| delivery.generation != active).for_each(|other| other.task.abort());
        // A rollback may have put older entries before those that were found.
        self.start_over();
    }

    /// Nothing may be delivered now: a rollback puts state back, or someone wants quiet.
    fn is_held(&self, generation: Generation) -> bool {
        self.work.wants_quiet(generation) || self.shared.store.holds_all_deliveries(self.id)
    }

    /// The next entry that may go.
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
            // Cut off: whether it was committed before is seen in the queue.
            Err(error) if error.is_cancelled() => (error.id(), Ok(Ended::Gone)),
            Err(error) => {
                tracing::error!(installation = self.id.0, %error, "a delivery panicked; its event is delivered again");
                self.shared.pause(REST).await;
                // It may have been committed before: the next of its queue is then ready, and nobody was told.
                (error.id(), Ok(Ended::Gone))
            }
        };
        let Some(Delivery { entry, generation, .. }) = self.entries.remove(&task) else { return Ok(()) };
        self.taken.remove(&entry.position);
        self.work.end(task);
        match ended? {
            // A rollback may have put others before it, or before the next of its queue.
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

    /// After a fault of the host itself. False if there is no use in going on.
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

    /// The generation cannot run: its events wait until someone has looked.
    async fn pause(&mut self, installation: &Installation, why: &str) -> Result<(), StoreError> {
        let now_active = self.shared.store.installation_by_id(self.id).map(|now| now.active.generation);
        if now_active != Some(installation.active.generation) {
            return Ok(()); // Replaced while it was loaded: the new one is none of its faults.
        }
        let message = format!("version {} cannot run: {why}", installation.active.content.version);
        tracing::error!(installation = %installation.name, message, "installation paused");
        let at = self.shared.clock.now();
        let pause = Pause { at, message };
        self.shared.store.set_paused(installation.name.clone(), Some(pause), BY_HOST.to_owned(), at).await?;
        Ok(())
    }

    /// Whatever was found may be stale once deliveries go on.
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

/// Also when it is ended from outside: nobody is to wait for deliveries that nobody waits for.
impl Drop for Dispatcher {
    fn drop(&mut self) {
        self.entries.keys().for_each(|task| self.work.end(*task));
    }
}
