//! What the host does about a generation that is worse than the previous one: rolls back, once, and raises an incident. It
//! never overrides an operator who created another generation meanwhile, paused the installation, or chose this version
//! again.

use serde_json::json;

use handoff_engine::probation::Tripped;
use handoff_model::actor::Identity;
use handoff_model::host_records::{ProbationRecord, ProbationState};
use handoff_model::installation::{GenerationReason, GenerationRecord, Installation};

use super::{is_paused_by_a_person, sentence};
use crate::error::AppError;
use crate::incidents::raise::{Incident, raise, raise_audited};
use crate::installations::quarantine::quarantined;
use crate::shard::Shard;
use handoff_control::installations::rollback::RollbackRequest;

/// The kind of incident for an automatic rollback, performed or skipped.
const KIND: &str = "automatic-rollback";

/// An operator is looking at it.
const PAUSED: &str = "the installation is paused";

impl Shard {
    /// Rolls back if the generation is still active and was not judged before, and reports the reason.
    pub(super) async fn leave_bad(&self, tripped: Tripped) -> Result<(), AppError> {
        let Some(installation) = self.store.installation_by_id(tripped.installation) else { return Ok(()) };
        let Some(known) = self.store.probation(&installation.name)? else { return Ok(()) };
        let is_due = known.generation == tripped.generation && known.state == ProbationState::Watching;
        if !is_due || installation.active.generation != tripped.generation {
            return Ok(());
        }
        self.engine()?.end_probation(installation.id);
        let pause = installation.paused.as_ref().map(|pause| pause.message.as_str());
        let why = sentence::of(&tripped.evidence, pause);
        let incident = |message: String, command: Option<String>| Incident {
            at: tripped.at,
            kind: KIND.to_owned(),
            installation: Some(installation.name.clone()),
            message,
            command,
            evidence: json!({
                "generation": tripped.generation, "version": installation.active.content.version.to_string(),
                "before": known.before, "evidence": tripped.evidence,
            }),
        };
        let what = what(&installation);
        let mut stays = stays(&self.store.generations(installation.id)?, &installation, &known);
        if stays.is_none() {
            match self.go_back(&installation, &known, &why).await {
                Ok(to) => {
                    let message = format!("the host rolled {what} back to {to}: {why}");
                    return raise_audited(&self.store, incident(message, None)).await;
                }
                // An operator acted first.
                Err(AppError::Conflict { message }) if !self.is_only_paused(&tripped) => {
                    tracing::info!(installation = %installation.name, message, "the host does not roll back");
                    return Ok(());
                }
                Err(AppError::Conflict { .. }) => stays = Some((PAUSED, "rollback")),
                Err(error) => {
                    self.keep(&installation, Some(&ProbationRecord { state: ProbationState::Failed, ..known })).await?;
                    let message = format!("{what} failed probation: {why}; the host could not roll back: {error}");
                    let command = format!("handoff rollback {}", installation.name);
                    return raise(&self.store, incident(message, Some(command))).await;
                }
            }
        }
        let Some((because, command)) = stays else { return Ok(()) };
        self.keep(&installation, Some(&ProbationRecord { state: ProbationState::Failed, ..known })).await?;
        let message = format!("{what} failed probation: {why}; the host did not roll back, because {because}");
        let command = format!("handoff {command} {}", installation.name);
        raise(&self.store, incident(message, Some(command))).await
    }

    /// Whether an operator paused the installation meanwhile and changed nothing else.
    fn is_only_paused(&self, tripped: &Tripped) -> bool {
        let now = self.store.installation_by_id(tripped.installation);
        now.is_some_and(|now| now.active.generation == tripped.generation && is_paused_by_a_person(&now))
    }

    pub(super) async fn go_back(
        &self,
        installation: &Installation,
        known: &ProbationRecord,
        why: &str,
    ) -> Result<String, AppError> {
        let request = RollbackRequest {
            to_generation: Some(known.before),
            reason: Some(format!("probation: {why}")),
            ..RollbackRequest::default()
        };
        let report = self.roll_back_if(&Identity::Host, &installation.name, request, Some(known.generation)).await?;
        let to = match installation.active.reason {
            GenerationReason::Reconfigure => format!("those of generation {}", report.to.generation),
            _ => report.to.version,
        };
        // Why it is an older one than expected, if so.
        let warnings =
            if report.warnings.is_empty() { String::new() } else { format!(" ({})", report.warnings.join("; ")) };
        Ok(format!("{to}{warnings}"))
    }
}

/// What is on probation.
fn what(installation: &Installation) -> String {
    let active = &installation.active;
    match active.reason {
        GenerationReason::Reconfigure => format!("the settings of generation {}", active.generation),
        _ => active.content.version.to_string(),
    }
}

/// Why the host does not roll back a generation that failed, and the command for the operator.
fn stays(
    generations: &[GenerationRecord],
    installation: &Installation,
    known: &ProbationRecord,
) -> Option<(&'static str, &'static str)> {
    let before = generations.iter().find(|record| record.generation == known.before);
    if before.is_none_or(|before| quarantined(generations).contains(before.content.digest.as_str())) {
        return Some(("the previous version was rolled back too", "history"));
    }
    // Only an operator can return to a version, or to settings, that were rolled back.
    let earlier = generations.partition_point(|record| record.generation < installation.active.generation);
    let earlier = generations.get(..earlier).unwrap_or_default();
    if quarantined(earlier).contains(installation.active.content.digest.as_str()) || was_left(earlier, installation) {
        return Some(("somebody chose it again after it had been rolled back", "rollback"));
    }
    is_paused_by_a_person(installation).then_some((PAUSED, "rollback"))
}

/// Whether a rollback left exactly this content before.
fn was_left(earlier: &[GenerationRecord], installation: &Installation) -> bool {
    earlier.windows(2).any(|pair| {
        let [left, next] = pair else { return false };
        left.content == installation.active.content && matches!(next.reason, GenerationReason::Rollback { .. })
    })
}
