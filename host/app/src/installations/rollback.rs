//! Rolls back: one durable write, then the follow-up job. Needs only the store, so it also works with a stopped host.
//! Asks no registry, compiles nothing, needs no approval.

mod forecast;
mod many;
mod plan;

use std::sync::Arc;
use std::time::{Duration, Instant};

use handoff_engine::{Engine, Finished};
use handoff_model::installation::Installation;
use handoff_model::names::{Generation, InstallationName};
use handoff_store::{RollbackJob, Step, Store};

use crate::error::AppError;
use crate::shard::{Shard, blocking};
use handoff_control::installations::rollback::{RollbackJobView, RollbackReport, RollbackRequest, RollbackStep};
use handoff_model::actor::Identity;

use plan::Plan;

/// How long a response waits for the rollback job. The job continues afterwards; the response contains its remaining
/// work.
const JOB_PATIENCE: Duration = Duration::from_secs(60);

/// A rollback that is durable.
struct Pinned {
    plan: Plan,
    made: Arc<Installation>,
    /// Deliveries that were in flight.
    in_flight: u32,
    started: Instant,
    durable: Instant,
}

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

    /// Rolls back for the host itself if that generation is still active and no person paused the installation. Otherwise
    /// returns a conflict and changes nothing.
    pub(crate) async fn roll_back_if(
        &self,
        caller: &Identity,
        name: &InstallationName,
        request: RollbackRequest,
        expected: Option<Generation>,
    ) -> Result<RollbackReport, AppError> {
        let started = Instant::now();
        if request.dry_run {
            let plan = Plan::make(&self.store, name, &request, expected)?;
            return forecast_of(&self.store, plan, self.engine().is_ok()).await;
        }
        let plan = self.planned(name, &request, expected).await?;
        let engine = self.engine().ok();
        let leaving = engine.map(|engine| engine.leave(plan.id(), plan.from().generation));
        let in_flight = engine.map_or(0, |engine| engine.in_flight(plan.id()));
        let made = self.store.put_generation(plan.new_generation(caller, &request, self.now())).await?;
        let durable = Instant::now();
        drop(leaving);
        self.conclude(Pinned { plan, made, in_flight, started, durable }).await
    }

    /// The plan of a rollback, once an earlier rollback job of the installation is finished.
    async fn planned(
        &self,
        name: &InstallationName,
        request: &RollbackRequest,
        expected: Option<Generation>,
    ) -> Result<Plan, AppError> {
        let plan = Plan::make(&self.store, name, request, expected)?;
        if !is_unfinished(&self.store, &plan) {
            return Ok(plan);
        }
        self.finish_job(&plan).await?;
        Plan::make(&self.store, name, request, expected)
    }

    /// Runs the rollback job to its end: by the engine, or here if the host is stopped.
    async fn finish_job(&self, plan: &Plan) -> Result<Option<Finished>, AppError> {
        if let Ok(engine) = self.engine() {
            return Ok(engine.finish_rollback_job(plan.id()).await?);
        }
        while is_unfinished(&self.store, plan) {
            self.store.continue_rollback(plan.id(), self.now()).await?;
        }
        Ok(None)
    }

    /// What follows the durable swap, and the report.
    async fn conclude(&self, pinned: Pinned) -> Result<RollbackReport, AppError> {
        let Pinned { plan, made, in_flight, started, durable } = pinned;
        tracing::warn!(
            installation = %made.name, from = %plan.from().content.version, to = %plan.to().content.version,
            generation = %made.active.generation, by = %made.active.by, "rolled back",
        );
        let deliverable = match self.engine() {
            Ok(engine) => self.conclude_running(engine, &plan, &made, durable).await?,
            Err(_) => {
                self.finish_job(&plan).await?;
                None
            }
        };
        let mut report = done(&self.store, plan, made.active.generation).await?;
        report.took_us = micros(durable - started);
        report.took_ms = report.took_us / 1_000;
        report.deliverable_us = deliverable.map(|at| micros(at - started));
        report.events_redelivered = u64::from(in_flight);
        report.host_running = self.engine().is_ok();
        Ok(report)
    }

    /// Cuts off requests and waits for the job. Returns when the restored version could be given its first event.
    async fn conclude_running(
        &self,
        engine: &Engine,
        plan: &Plan,
        made: &Installation,
        durable: Instant,
    ) -> Result<Option<Instant>, AppError> {
        engine.cut_sends(plan.id(), plan.left()).await;
        let wait = tokio::time::timeout(JOB_PATIENCE, self.finish_job(plan)).await;
        let finished = wait.unwrap_or(Ok(None))?;
        // A time before the swap belongs to an earlier job.
        let freed = finished.as_ref().and_then(Finished::deliverable_at).filter(|at| *at > durable);
        Ok(match &finished {
            Some(_) if made.paused.is_none() => Some(freed.unwrap_or(durable)),
            _ => None,
        })
    }
}

/// Whether an earlier rollback job of the installation is unfinished.
fn is_unfinished(store: &Store, plan: &Plan) -> bool {
    store.rollback_job(plan.id()).is_some_and(|job| !job.is_done())
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
        report.events_withdrawn = job.events_withdrawn;
        report.retries_made_due = job.retries_made_due;
        report.requests_held = job.requests_held;
        report.unfinished = job_view(&job);
    }
    let store = store.clone();
    // The rollback is done. Numbers that cannot be counted are left out.
    let others = blocking(move || forecast::on_others(&store, &plan)).await?.unwrap_or_else(|error| {
        tracing::warn!(%error, "effects on others are not counted");
        forecast::OnOthers::default()
    });
    (report.unsent, report.emitted_handled) = (others.unsent, others.handled);
    report.unsent.events_emitted = report.unsent.events_emitted.saturating_sub(report.events_withdrawn);
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
            Step::Withdraw => RollbackStep::Withdraw,
            Step::Replay => RollbackStep::Replay,
            Step::Retry => RollbackStep::Retry,
            Step::Hold => RollbackStep::Hold,
            Step::Redrive => RollbackStep::Redrive,
            Step::Restore => RollbackStep::Restore,
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
