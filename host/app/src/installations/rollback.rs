//! Rolls back: one durable write, then the follow-up job. Needs only the store, so it also works with a stopped host.
//! Asks no registry, compiles nothing, needs no approval.

mod forecast;
mod plan;

use std::time::{Duration, Instant};

use handoff_engine::Finished;
use handoff_model::names::{Generation, InstallationName};
use handoff_model::time::Timestamp;
use handoff_store::{RollbackJob, Step, Store};

use crate::error::AppError;
use crate::shard::{Shard, blocking};
use handoff_control::installations::rollback::{
    CannotBeUnsent, RollbackJobView, RollbackReport, RollbackRequest, RollbackStep,
};
use handoff_model::actor::Identity;

use plan::Plan;

/// How long a response waits for the rollback job. The job continues afterwards; the response contains its remaining
/// work.
const JOB_PATIENCE: Duration = Duration::from_secs(60);

impl Shard {
    /// Rolls back to an older generation immediately: no download, no compilation, no approval.
    pub async fn rollback(
        &self,
        caller: &Identity,
        name: &InstallationName,
        request: RollbackRequest,
    ) -> Result<RollbackReport, AppError> {
        self.roll_back_if(caller, name, request, None).await
    }

    /// Rolls back for the host itself if that generation is still active and the installation is not paused. Otherwise
    /// returns a conflict and changes nothing.
    pub(crate) async fn roll_back_if(
        &self,
        caller: &Identity,
        name: &InstallationName,
        request: RollbackRequest,
        expected: Option<Generation>,
    ) -> Result<RollbackReport, AppError> {
        let started = Instant::now();
        let mut plan = Plan::make(&self.store, name, &request, expected)?;
        let Ok(engine) = self.engine() else {
            return self.roll_back_stopped(started, caller, name, request, plan).await;
        };
        if request.dry_run {
            return forecast_of(&self.store, plan, true).await;
        }
        if is_unfinished(&self.store, &plan) {
            engine.finish_rollback_job(plan.id()).await?;
            plan = Plan::make(&self.store, name, &request, expected)?;
        }
        let in_flight = engine.in_flight(plan.id());
        let leaving = engine.leave(plan.id(), plan.from().generation);
        let made = plan.pin(&self.store, caller, &request, self.now()).await?;
        let durable = Instant::now();
        drop(leaving);
        tracing::warn!(
            installation = %name, from = %plan.from().content.version, to = %plan.to().content.version,
            generation = %made.active.generation, by = %made.active.by, "rolled back",
        );
        engine.cut_sends(plan.id(), plan.left()).await;
        let wait = tokio::time::timeout(JOB_PATIENCE, engine.finish_rollback_job(plan.id())).await;
        let finished = wait.unwrap_or(Ok(None))?;
        // A time before the swap belongs to an earlier job.
        let freed = finished.as_ref().and_then(Finished::deliverable_at).filter(|at| *at > durable);
        let deliverable = match &finished {
            Some(_) if made.paused.is_none() => Some(freed.unwrap_or(durable)),
            _ => None,
        };
        let mut report = done(&self.store, plan, made.active.generation).await?;
        report.took_us = micros(durable - started);
        report.took_ms = report.took_us / 1_000;
        report.deliverable_us = deliverable.map(|at| micros(at - started));
        report.events_redelivered = u64::from(in_flight);
        report.host_running = true;
        Ok(report)
    }

    /// Rolls back while the host is stopped: the whole rollback job runs immediately.
    async fn roll_back_stopped(
        &self,
        started: Instant,
        caller: &Identity,
        name: &InstallationName,
        request: RollbackRequest,
        mut plan: Plan,
    ) -> Result<RollbackReport, AppError> {
        let store = &self.store;
        if request.dry_run {
            return forecast_of(store, plan, false).await;
        }
        if is_unfinished(store, &plan) {
            finish(store, &plan, self.now()).await?;
            plan = Plan::make(store, name, &request, None)?;
        }
        let made = plan.pin(store, caller, &request, self.now()).await?;
        let took_us = micros(started.elapsed());
        finish(store, &plan, self.now()).await?;
        let report = done(store, plan, made.active.generation).await?;
        Ok(RollbackReport { took_us, took_ms: took_us / 1_000, ..report })
    }
}

/// Whether an earlier rollback job of the installation is unfinished.
fn is_unfinished(store: &Store, plan: &Plan) -> bool {
    store.rollback_job(plan.id()).is_some_and(|job| !job.is_done())
}

async fn finish(store: &Store, plan: &Plan, now: Timestamp) -> Result<(), AppError> {
    while is_unfinished(store, plan) {
        store.continue_rollback(plan.id(), now).await?;
    }
    Ok(())
}

/// Reports what a rollback would do.
async fn forecast_of(store: &Store, plan: Plan, host_running: bool) -> Result<RollbackReport, AppError> {
    let store = store.clone();
    let look = move || {
        let mut report = plan.report();
        forecast::fill(&store, &plan, &mut report)?;
        report.host_running = host_running;
        Ok(report)
    };
    blocking(look).await?
}

/// Reports what a rollback did, with the progress of its job.
async fn done(store: &Store, plan: Plan, made: Generation) -> Result<RollbackReport, AppError> {
    let mut report = RollbackReport { applied: true, new_generation: made, ..plan.report() };
    if let Some(job) = store.rollback_job(plan.id()) {
        report.keys_restored = job.keys_restored;
        report.timers_restored = job.timers_restored;
        report.events_replayed = job.events_replayed;
        report.events_forgotten = job.events_gone;
        report.dead_letters_redriven = job.dead_letters_redriven;
        report.retries_made_due = job.retries_made_due;
        report.requests_held = job.requests_held;
        report.unfinished = job_view(&job);
    }
    let store = store.clone();
    // The rollback is done. Numbers that cannot be counted are left out.
    report.unsent = blocking(move || forecast::unsent(&store, &plan)).await?.unwrap_or_else(|error| {
        tracing::warn!(%error, "what cannot be unsent is not counted");
        CannotBeUnsent::default()
    });
    Ok(report)
}

/// The progress of an unfinished rollback job.
#[must_use]
pub fn job_view(job: &RollbackJob) -> Option<RollbackJobView> {
    if job.is_done() {
        return None;
    }
    let (left_from, left_to) = job.left;
    Some(RollbackJobView {
        left_from,
        left_to,
        step: match job.step {
            Step::Restore => RollbackStep::Restore,
            Step::Replay => RollbackStep::Replay,
            Step::Retry => RollbackStep::Retry,
            Step::Hold => RollbackStep::Hold,
            Step::Redrive => RollbackStep::Redrive,
            Step::Done => RollbackStep::Done,
        },
        holds_deliveries: job.holds_deliveries(),
        keys_restored: job.keys_restored,
        timers_restored: job.timers_restored,
        events_replayed: job.events_replayed,
        retries_made_due: job.retries_made_due,
        requests_held: job.requests_held,
        dead_letters_redriven: job.dead_letters_redriven,
    })
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
