//! Shadow runs: what another version would have done with past deliveries. Changes nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use handoff_engine::Loaded;
use handoff_engine::shadow::{DELIVERIES_MAX, ShadowAsk, ShadowStep, Strictness, Which};
use handoff_model::installation::{GenerationContent, Installation};
use handoff_model::names::InstallationName;

use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::shadow::{ShadowRequest, ShadowView};

use super::report::Report;

/// Deliveries of a run if the request gives no number.
pub const SHADOW_LAST: u32 = 50;
/// Time limit of a run if the request gives none, in milliseconds.
const TIME_MS: u64 = 600_000;
/// Maximum time limit of a run, in milliseconds.
const TIME_MS_MAX: u64 = 3_600_000;

/// A run that is ready to start.
pub struct PreparedShadow {
    pub(super) installation: Arc<Installation>,
    pub(super) content: GenerationContent,
    pub(super) loaded: Arc<Loaded>,
    pub(super) which: Which,
    pub(super) time: Duration,
    pub(super) warnings: Vec<String>,
}

/// Unloads code that was loaded for a run, also if the run is cancelled. Create it before the value that holds the
/// code, so that it is dropped after that value.
pub(super) struct Forget<'a>(pub(super) &'a Shard);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        if let Ok(engine) = self.0.engine() {
            engine.forget_candidates();
        }
    }
}

impl Shard {
    /// Finds and compiles the code to run. Reports all errors in the request.
    pub async fn prepare_shadow(
        &self,
        name: &InstallationName,
        request: &ShadowRequest,
    ) -> Result<PreparedShadow, AppError> {
        let which = match (request.last, request.since) {
            (Some(_), Some(_)) => return Err(AppError::invalid("since", "give `last` or `since`, not both")),
            (_, Some(since)) => Which::Since(since.0),
            (last, None) => Which::Last(last.unwrap_or(SHADOW_LAST)),
        };
        if let Which::Last(last) = which
            && !(1..=DELIVERIES_MAX).contains(&last)
        {
            return Err(AppError::invalid("last", format!("found {last}; expected 1 to {DELIVERIES_MAX}")));
        }
        let installation = self.find(name)?;
        let (content, warnings) = self.candidate(&installation, &request.candidate).await?;
        let loaded = self.load_candidate(&installation, &content).await?;
        let time = Duration::from_millis(request.time_ms.unwrap_or(TIME_MS).min(TIME_MS_MAX));
        Ok(PreparedShadow { installation, content, loaded, which, time, warnings })
    }

    /// Runs it. Calls `progress` with the number of finished deliveries and the total. Dropping the future cancels the
    /// run.
    pub async fn run_shadow(
        &self,
        prepared: PreparedShadow,
        progress: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<ShadowView, AppError> {
        let started = Instant::now();
        let forget = Forget(self);
        let PreparedShadow { installation, content, loaded, which, time, warnings } = prepared;
        let mut report = Report::default();
        let schema = self.store.state_schema(installation.id, &installation.active)?;
        let ask = ShadowAsk {
            installation: installation.clone(),
            loaded,
            which,
            strictness: Strictness::Effects,
            from_schema: (content.state_schema > schema).then_some(schema),
            time,
        };
        let mut on = |step: ShadowStep| {
            if let Some(rerun) = &step.rerun {
                report.take(rerun);
            }
            progress(step.done, step.total);
        };
        let end = self.engine()?.shadow(ask, &mut on).await?;
        drop(forget);
        let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(report.finish(&installation, &content, end, warnings, took_ms))
    }

    /// A short run over the newest deliveries, for the report before an upgrade.
    pub async fn shadow_summary(
        &self,
        installation: &Arc<Installation>,
        content: &GenerationContent,
        loaded: &Arc<Loaded>,
        last: u32,
        time: Duration,
    ) -> Result<ShadowView, AppError> {
        let prepared = PreparedShadow {
            installation: installation.clone(),
            content: content.clone(),
            loaded: loaded.clone(),
            which: Which::Last(last.clamp(1, DELIVERIES_MAX)),
            time,
            warnings: Vec::new(),
        };
        self.run_shadow(prepared, &mut |_, _| {}).await
    }
}
