//! Rolls back many installations: all swaps are one durable write, and one report says what became durable.

use std::time::Instant;

use futures_util::future::join_all;

use super::plan::Plan;
use super::{Pinned, forecast_of, micros};
use crate::error::AppError;
use crate::installations::select::Selected;
use crate::shard::Shard;
use handoff_control::installations::many::{ManyRollbackReport, ManyRollbackRequest, NotChanged};
use handoff_control::installations::rollback::{RollbackReport, RollbackRequest};
use handoff_model::actor::Identity;

impl Shard {
    /// Rolls back all selected installations. One that cannot be rolled back does not stop the others.
    pub async fn rollback_many(
        &self,
        caller: &Identity,
        request: ManyRollbackRequest,
    ) -> Result<ManyRollbackReport, AppError> {
        let started = Instant::now();
        let Selected { installations, left_out } = self.select_newest(&request.select)?;
        let version = installations.first().map(|first| first.active.content.version.to_string()).unwrap_or_default();
        let each = RollbackRequest {
            to_generation: None,
            to_version: request.to_version,
            restore_state: request.restore_state,
            keep_state: request.keep_state,
            replay: request.replay,
            dry_run: request.dry_run,
            by: request.by,
            reason: request.reason,
        };
        let mut report = ManyRollbackReport {
            package: request.select.package,
            version,
            applied: !each.dry_run,
            took_us: 0,
            installations: Vec::with_capacity(installations.len()),
            failed: Vec::new(),
            left_out,
        };
        let mut plans = Vec::with_capacity(installations.len());
        for installation in &installations {
            let plan = match each.dry_run {
                true => Plan::make(&self.store, &installation.name, &each, None),
                false => self.planned(&installation.name, &each, None).await,
            };
            match plan {
                Ok(plan) => plans.push(plan),
                Err(error) => {
                    report.failed.push(NotChanged { name: installation.name.clone(), reason: error.to_string() })
                }
            }
        }
        if each.dry_run {
            let running = self.engine().is_ok();
            for plan in plans {
                report.installations.push(forecast_of(&self.store, plan, running).await?);
            }
            return Ok(report);
        }
        let (done, failed, took_us) = self.pin_all(caller, &each, plans, started).await?;
        report.installations = done;
        report.failed.extend(failed);
        report.took_us = took_us;
        Ok(report)
    }

    /// Makes all swaps durable in one write, then what follows each of them.
    async fn pin_all(
        &self,
        caller: &Identity,
        request: &RollbackRequest,
        plans: Vec<Plan>,
        started: Instant,
    ) -> Result<(Vec<RollbackReport>, Vec<NotChanged>, u64), AppError> {
        let engine = self.engine().ok();
        let in_flight = |plan: &Plan| engine.map_or(0, |engine| engine.in_flight(plan.id()));
        let in_flight: Vec<u32> = plans.iter().map(in_flight).collect();
        let leave = |plan: &Plan| engine.map(|engine| engine.leave(plan.id(), plan.from().generation));
        let leaving: Vec<_> = plans.iter().map(leave).collect();
        let now = self.now();
        let new = plans.iter().map(|plan| plan.new_generation(caller, request, now)).collect();
        let made = self.store.put_generations(new).await?;
        let durable = Instant::now();
        drop(leaving);
        let (mut pinned, mut failed) = (Vec::with_capacity(plans.len()), Vec::new());
        for ((plan, made), in_flight) in plans.into_iter().zip(made).zip(in_flight) {
            match made {
                Ok(made) => pinned.push(Pinned { plan, made, in_flight, started, durable }),
                Err(error) => {
                    let reason = AppError::from(error).to_string();
                    failed.push(NotChanged { name: plan.name().clone(), reason });
                }
            }
        }
        let names: Vec<_> = pinned.iter().map(|pinned| pinned.plan.name().clone()).collect();
        let mut done = Vec::with_capacity(pinned.len());
        // Concurrently: a long job of one installation must not delay the others.
        for (name, concluded) in names.into_iter().zip(join_all(pinned.into_iter().map(|one| self.conclude(one))).await)
        {
            match concluded {
                Ok(report) => done.push(report),
                Err(error) => {
                    let reason = format!("it was rolled back, but what follows failed: {error}");
                    failed.push(NotChanged { name, reason });
                }
            }
        }
        Ok((done, failed, micros(durable - started)))
    }
}
