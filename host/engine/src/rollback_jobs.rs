//! Runs rollback jobs: the work that follows a rollback. First it stops all sends of the abandoned generations, then
//! the store runs the job's steps one after the other. Continues what an earlier process left unfinished. Does not know
//! the steps: the store does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use handoff_model::names::InstallationId;
use handoff_store::{RollbackJob, StoreError};

use super::Shared;

/// Pause after an error of the store.
const REST: Duration = Duration::from_secs(1);

/// Rollback jobs that are running, by installation.
#[derive(Default)]
pub(super) struct RollbackJobs(Mutex<BTreeMap<InstallationId, Arc<tokio::sync::Mutex<Turn>>>>);

/// The holder of the lock runs the job; others wait for its end.
#[derive(Default)]
struct Turn {
    deliverable_at: Option<Instant>,
}

/// A completed rollback job.
#[derive(Clone, Copy, Debug)]
pub struct Finished {
    /// What was done.
    pub job: RollbackJob,
    deliverable_at: Option<Instant>,
}

impl Finished {
    /// When deliveries continued, if they were held in this or an earlier job of the process.
    #[must_use]
    pub fn deliverable_at(&self) -> Option<Instant> {
        self.deliverable_at
    }
}

/// Runs unfinished jobs, now and whenever an installation changes.
pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut changes = shared.store.wakeups().installations();
    loop {
        let mut again = None;
        for installation in shared.store.installations() {
            let is_left = shared.store.rollback_job(installation.id).is_some_and(|job| !job.is_done());
            if !is_left {
                continue;
            }
            let finished = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                finished = shared.finish_rollback_job(installation.id) => finished,
            };
            if let Err(error) = finished {
                tracing::error!(installation = %installation.name, %error, "the work that follows a rollback failed; it will be tried again");
                again = Some(shared.clock.now().plus_ms(u64::try_from(REST.as_millis()).unwrap_or(1_000)));
            }
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            true = changes.changed() => {}
            () = shared.wait_until(again) => {}
        }
    }
}

impl Shared {
    /// Runs the job of the last rollback, or waits until it is done. Returns `None` if there was no rollback.
    pub(super) async fn finish_rollback_job(&self, id: InstallationId) -> Result<Option<Finished>, StoreError> {
        let turn = self.rollback_jobs.0.lock().entry(id).or_default().clone();
        let mut turn = turn.lock().await;
        let Some(mut job) = self.store.rollback_job(id) else { return Ok(None) };
        if !job.is_done() {
            // Before their requests are held: this distinguishes requests that are being sent from those that are not.
            self.sends.cut(id, job.left).await;
        }
        while !job.is_done() {
            let was_held = self.store.holds_all_deliveries(id);
            job = self.store.continue_rollback(id, self.clock.now()).await?;
            if was_held && !self.store.holds_all_deliveries(id) {
                turn.deliverable_at = Some(Instant::now());
                self.store.wakeups().queue(id).notify_one();
            }
        }
        Ok(Some(Finished { job, deliverable_at: turn.deliverable_at }))
    }
}
