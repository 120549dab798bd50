//! Replays one recorded delivery exactly, and exports it as a test case for the SDK's test kit. Changes nothing.

use std::sync::Arc;

use handoff_engine::shadow::{Rerun, Strictness, attempt_of, of_bytes, of_event, of_request, of_timer};
use handoff_model::effects::Effects;
use handoff_model::installation::{GenerationContent, Installation};
use handoff_model::names::{InstallationName, Position};
use handoff_store::RecordingPlace;

use super::report::groups;
use super::run::Forget;
use crate::cases::export;
use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::FailureView;
use handoff_control::shadow::{CandidateRequest, CandidateView, ReplayEffects, ReplayRequest, ReplayView};

impl Shard {
    /// Replays one recorded delivery.
    pub async fn replay(&self, position: Position, request: ReplayRequest) -> Result<ReplayView, AppError> {
        let installation = self.whose(position, request.installation.as_ref())?;
        let place = self.place(&installation, position, request.attempt)?;
        let gone = || AppError::NotFound { what: format!("record of the delivery of event {position} any more") };
        let changes = self.store.recorded_changes(place)?.ok_or_else(gone)?;
        let then = self.store.generations(installation.id)?;
        let then = then.into_iter().find(|record| record.generation == changes.generation).map(|record| record.content);
        let content = if request.candidate == CandidateRequest::default() {
            then.clone().ok_or_else(gone)?
        } else {
            self.candidate(&installation, &request.candidate).await?.0
        };
        if then.as_ref().is_some_and(|then| then.state_schema != content.state_schema) {
            let message = format!(
                "version {} keeps state of another schema than the delivery found: `handoff shadow {}` migrates it first",
                content.version, installation.name,
            );
            return Err(AppError::Refused { code: "state-schema", message });
        }
        let exact = then.as_ref().is_some_and(|then| {
            (&then.digest, &then.config_json, &then.grants) == (&content.digest, &content.config_json, &content.grants)
        });
        let strictness = if exact { Strictness::Bytes } else { Strictness::Effects };
        let forget = Forget(self);
        let loaded = self.engine()?.load(&installation, &content).await;
        let loaded = loaded.map_err(|error| AppError::invalid("candidate", format!("{}: {error}", error.code())))?;
        let rerun = self.engine()?.replay(installation.clone(), loaded, place, strictness).await;
        drop(forget);
        let rerun = rerun?.ok_or_else(|| AppError::Refused {
            code: "not-replayable",
            message: format!(
                "event {position} cannot be delivered again: it is not kept any more, or its delivery failed for a \
                 reason of the host's own"
            ),
        })?;
        let mut view = view(&installation, &content, &rerun, exact);
        if request.export {
            let case = export(&installation, &content, &rerun, self.engine()?.time_zone(&rerun.scope));
            // Recordings contain no secrets. If one did anyway, the test case could carry it into a repository.
            let text = case.to_string();
            let clean = self.process.secrets.redactor().text(&text).into_owned();
            view.test_case = serde_json::from_str(&clean).ok();
        }
        Ok(view)
    }

    fn whose(&self, position: Position, wanted: Option<&InstallationName>) -> Result<Arc<Installation>, AppError> {
        let stored = self.store.event_head(position)?;
        let stored = stored.ok_or_else(|| AppError::NotFound { what: format!("event {position}") })?;
        if let Some(name) = wanted {
            return self.find(name);
        }
        let names: Vec<Arc<Installation>> =
            stored.routed_to.iter().filter_map(|id| self.store.installation_by_id(*id)).collect();
        match names.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(AppError::NotFound { what: format!("installation that got event {position}") }),
            several => {
                let names: Vec<&str> = several.iter().map(|one| one.name.as_str()).collect();
                let message = format!("event {position} went to {}: name one of them", names.join(", "));
                Err(AppError::invalid("installation", message))
            }
        }
    }

    fn place(
        &self,
        installation: &Installation,
        position: Position,
        attempt: Option<u32>,
    ) -> Result<RecordingPlace, AppError> {
        let places = self.store.recordings_of(installation.id, position)?;
        attempt_of(&places, attempt).ok_or_else(|| {
            let which = attempt.map_or_else(String::new, |attempt| format!(" attempt {attempt} at"));
            AppError::NotFound { what: format!("recording of{which} event {position} by `{}`", installation.name) }
        })
    }
}

fn view(installation: &Installation, content: &GenerationContent, rerun: &Rerun, exact: bool) -> ReplayView {
    let recorded = &rerun.recorded;
    ReplayView {
        name: installation.name.clone(),
        position: recorded.position,
        attempt: recorded.attempt,
        at: recorded.time.into(),
        generation: recorded.generation,
        candidate: CandidateView { version: content.version.to_string(), digest: content.digest.clone() },
        exact,
        same: rerun.differences.is_empty(),
        state_assumed: rerun.state_assumed,
        not_recorded: rerun.not_recorded.named.clone(),
        recorded_failure: recorded.outcome.as_ref().err().map(FailureView::from),
        failure: rerun.outcome.as_ref().err().map(FailureView::from),
        effects: rerun.outcome.as_ref().ok().map(effects),
        differences: groups(rerun),
        duration_ms: f64::from(u32::try_from(rerun.duration_us).unwrap_or(u32::MAX)) / 1_000.0,
        test_case: None,
    }
}

fn effects(effects: &Effects) -> ReplayEffects {
    let value = |bytes: &Option<Vec<u8>>| bytes.as_deref().map_or(serde_json::Value::Null, of_bytes);
    ReplayEffects {
        emitted: effects.emitted.iter().map(of_event).collect(),
        state: effects.state_writes.iter().map(|(key, bytes)| (key.clone(), value(bytes))).collect(),
        timers_set: effects.timers_set.iter().map(|(key, timer)| (key.clone(), of_timer(timer))).collect(),
        timers_cancelled: effects.timers_cancelled.clone(),
        requests: effects.outbox.iter().map(|request| (request.key.clone(), of_request(request))).collect(),
    }
}
