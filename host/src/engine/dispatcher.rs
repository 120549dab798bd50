//! The dispatcher of one installation: takes entries that may go now, and keeps a bounded number of deliveries at work.
//!
//! Order is the store's: only the first entry of a lane is ever ready. The dispatcher remembers what it has at work and
//! how far it has looked; everything else it asks the store again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::model::installation::{Installation, Pause};
use crate::model::names::{InstallationId, Position};
use crate::model::time::Timestamp;
use crate::store::{Ready, StoreError};

use super::delivery::{Ended, deliver};
use super::{Shared, sleep_until};

/// Entries looked up at once.
const PAGE: usize = 128;
/// How long an installation rests after a fault of the host itself, before it is tried again.
const REST: Duration = Duration::from_secs(1);

struct Dispatcher {
    shared: Arc<Shared>,
    id: InstallationId,
    /// Entries found and not started.
    found: VecDeque<Ready>,
    /// What was found last: later entries have higher places, except for the next of a lane, which its delivery names.
    looked_up_to: Option<Position>,
    /// There may be more than was found.
    look_again: bool,
    next_retry: Option<Timestamp>,
    at_work: HashSet<Position>,
    running: JoinSet<Result<Ended, StoreError>>,
    /// The entry of each task, for the end of tasks that panic.
    entries: HashMap<Id, Ready>,
    counter: Arc<AtomicU32>,
}

/// Delivers until told to stop; then waits for what is at work.
pub(super) async fn run(shared: Arc<Shared>, id: InstallationId, stop: CancellationToken) {
    let bell = shared.store.signals().queue(id);
    let mut dispatcher = Dispatcher {
        counter: shared.counter(id),
        shared: shared.clone(),
        id,
        found: VecDeque::new(),
        looked_up_to: None,
        look_again: true,
        next_retry: None,
        at_work: HashSet::new(),
        running: JoinSet::new(),
        entries: HashMap::new(),
    };
    loop {
        if let Err(error) = dispatcher.start_deliveries().await {
            tracing::error!(installation = id.0, %error, "deliveries stopped");
            return;
        }
        let retry = dispatcher.next_retry.filter(|_| dispatcher.has_room());
        tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = dispatcher.running.join_next_with_id() => {
                if let Err(error) = dispatcher.end(ended).await {
                    tracing::error!(installation = id.0, %error, "deliveries stopped");
                    return;
                }
            }
            () = bell.notified() => dispatcher.look_again = true,
            () = sleep_until(shared.clock.as_ref(), retry.unwrap_or_default()), if retry.is_some() => {
                dispatcher.look_again = true;
            }
        }
    }
    while dispatcher.running.join_next().await.is_some() {}
}

impl Dispatcher {
    fn has_room(&self) -> bool {
        self.running.len() < self.shared.limits.concurrency_per_installation
    }

    async fn start_deliveries(&mut self) -> Result<(), StoreError> {
        while self.has_room() {
            let Some(installation) = self.shared.store.installation_by_id(self.id) else { return Ok(()) };
            if installation.paused.is_some() {
                self.start_over();
                return Ok(());
            }
            let Some(entry) = self.next()? else { return Ok(()) };
            let content = &installation.active.content;
            match self.shared.generations.load(self.id, content).await {
                Ok(loaded) => {
                    self.at_work.insert(entry.position);
                    self.counter.store(u32::try_from(self.at_work.len()).unwrap_or(u32::MAX), Ordering::Relaxed);
                    let shared = self.shared.clone();
                    let task = self.running.spawn(async move { deliver(&shared, &installation, &loaded, entry).await });
                    self.entries.insert(task.id(), entry);
                }
                Err(error) => {
                    self.found.push_front(entry);
                    self.pause(&installation, &error.to_string()).await?;
                }
            }
        }
        Ok(())
    }

    /// The next entry that may go and is not at work.
    fn next(&mut self) -> Result<Option<Ready>, StoreError> {
        loop {
            while let Some(entry) = self.found.pop_front() {
                if !self.at_work.contains(&entry.position) {
                    return Ok(Some(entry));
                }
            }
            if !std::mem::take(&mut self.look_again) {
                return Ok(None);
            }
            let now = self.shared.clock.now();
            let (due, next_retry) = self.shared.store.due_retries(self.id, now, PAGE)?;
            self.next_retry = next_retry;
            let ready = self.shared.store.ready(self.id, self.looked_up_to, PAGE)?;
            self.look_again = ready.len() == PAGE || due.len() == PAGE;
            if let Some(last) = ready.last() {
                self.looked_up_to = Some(last.position);
            }
            self.found.extend(due.into_iter().chain(ready).filter(|entry| !self.at_work.contains(&entry.position)));
            if self.found.is_empty() {
                return Ok(None);
            }
        }
    }

    async fn end(&mut self, ended: Result<(Id, Result<Ended, StoreError>), JoinError>) -> Result<(), StoreError> {
        let (task, ended) = match ended {
            Ok((task, ended)) => (task, ended?),
            Err(error) => {
                tracing::error!(installation = self.id.0, %error, "a delivery panicked; its event is delivered again");
                tokio::time::sleep(REST).await;
                (error.id(), Ended::Again)
            }
        };
        let Some(entry) = self.entries.remove(&task) else { return Ok(()) };
        self.at_work.remove(&entry.position);
        self.counter.store(u32::try_from(self.at_work.len()).unwrap_or(u32::MAX), Ordering::Relaxed);
        match ended {
            Ended::Settled { next } => self.found.extend(next),
            Ended::Again => self.found.push_front(entry),
            Ended::Waits => self.look_again = true,
        }
        Ok(())
    }

    /// The generation cannot run: its events wait until someone has looked.
    async fn pause(&mut self, installation: &Installation, why: &str) -> Result<(), StoreError> {
        let message = format!("version {} cannot run: {why}", installation.active.content.version);
        tracing::error!(installation = %installation.name, message, "installation paused");
        let pause = Pause { at: self.shared.clock.now(), message };
        self.shared.store.set_paused(installation.name.clone(), Some(pause)).await?;
        Ok(())
    }

    /// Whatever was found may be stale once deliveries go on.
    fn start_over(&mut self) {
        self.found.clear();
        self.looked_up_to = None;
        self.look_again = true;
        self.next_retry = None;
    }
}
