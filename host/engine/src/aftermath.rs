//! Carries out what follows from a rollback: first nothing of the left generations leaves any more, then the store's steps,
//! one after the other. Goes on with what a process that is gone left undone. What the steps are is the store's to know.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use handoff_model::names::InstallationId;
use handoff_store::{RollbackJob, StoreError};

use super::Shared;

/// How long to rest when the store does not go on.
const REST: Duration = Duration::from_secs(1);

/// Who carries out what at the moment.
#[derive(Default)]
pub(super) struct Aftermaths(Mutex<BTreeMap<InstallationId, Arc<tokio::sync::Mutex<Turn>>>>);

/// Whoever holds it carries it out; others wait for the end.
#[derive(Default)]
struct Turn {
    deliverable_at: Option<Instant>,
}

/// An aftermath that is over.
#[derive(Clone, Copy, Debug)]
pub struct Finished {
    /// What was done.
    pub aftermath: RollbackJob,
    deliverable_at: Option<Instant>,
}

impl Finished {
    /// When deliveries went on, if they were held in this or an earlier aftermath of the process.
    #[must_use]
    pub fn deliverable_at(&self) -> Option<Instant> {
        self.deliverable_at
    }
}

/// Carries out what is left undone, now and whenever an installation changes.
pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut changes = shared.store.wakeups().installations();
    loop {
        let mut again = None;
        for installation in shared.store.installations() {
            let is_left = shared.store.rollback_job(installation.id).is_some_and(|aftermath| !aftermath.is_done());
            if !is_left {
                continue;
            }
            let finished = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                finished = shared.finish_aftermath(installation.id) => finished,
            };
            if let Err(error) = finished {
                tracing::error!(installation = %installation.name, %error, "what follows from a rollback is not carried out");
                again = Some(shared.clock.now().plus_ms(u64::try_from(REST.as_millis()).unwrap_or(1_000)));
            }
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            Ok(()) = changes.changed() => {}
            () = shared.wait_until(again) => {}
        }
    }
}

impl Shared {
    /// Carries out what follows from the last rollback, or waits until someone has. None if there was none.
    pub(super) async fn finish_aftermath(&self, id: InstallationId) -> Result<Option<Finished>, StoreError> {
        let turn = self.aftermaths.0.lock().entry(id).or_default().clone();
        let mut turn = turn.lock().await;
        let Some(mut aftermath) = self.store.rollback_job(id) else { return Ok(None) };
        if !aftermath.is_done() {
            // Before their requests are held: one that is on the wire is told from one that is not.
            self.sends.cut(id, aftermath.left).await;
        }
        while !aftermath.is_done() {
            let was_held = self.store.holds_all_deliveries(id);
            aftermath = self.store.continue_rollback(id, self.clock.now()).await?;
            if was_held && !self.store.holds_all_deliveries(id) {
                turn.deliverable_at = Some(Instant::now());
                self.store.wakeups().queue(id).notify_one();
            }
        }
        Ok(Some(Finished { aftermath, deliverable_at: turn.deliverable_at }))
    }
}
