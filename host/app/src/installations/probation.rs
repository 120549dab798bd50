//! Probation: watches each upgraded generation for some minutes, and rolls back to the previous one, once, if it
//! exceeds a bound. Never overrides an operator who created another generation meanwhile.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};

use serde_json::json;

use handoff_engine::probation::{Evidence, Probation, Rule, Tripped};
use handoff_model::actor::Actor;
use handoff_model::actor::Identity;
use handoff_model::host_records::{ProbationRecord, ProbationState};
use handoff_model::installation::{GenerationReason, GenerationRecord, Installation};
use handoff_model::names::InstallationId;
use handoff_model::time::{Clock, Timestamp};
use handoff_store::{NewAudit, Store};

use crate::error::AppError;
use crate::incidents::raise::{Incident, raise};
use crate::installations::quarantine::quarantined;
use crate::shard::Shard;
use handoff_control::incidents::ProbationView;
use handoff_control::installations::rollback::RollbackRequest;

/// The kind of incident for an automatic rollback, performed or skipped.
const KIND: &str = "automatic-rollback";

/// A paused installation means that an operator is looking at it.
const PAUSED: &str = "the installation is paused";

/// Watches until the shard is dropped.
pub(crate) async fn run(shard: Weak<Shard>, store_changes: handoff_store::InstallationChanges, clock: Arc<dyn Clock>) {
    let mut changes = store_changes;
    let Some(trips) = shard.upgrade().and_then(|shard| Some(shard.engine().ok()?.trips())) else { return };
    loop {
        let next = {
            let Some(shard) = shard.upgrade() else { return };
            match shard.look_at_probations().await {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(error = error.chain(), "upgrades are not watched at the moment");
                    Some(clock.now().plus_ms(10_000))
                }
            }
        };
        let until = async {
            match next {
                Some(at) => clock.wait_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            tripped = trips.next() => {
                let Some(shard) = shard.upgrade() else { return };
                if let Err(error) = shard.take_back(tripped).await {
                    tracing::error!(error = error.chain(), "a bad upgrade could not be rolled back");
                }
            }
            has_store = changes.changed() => {
                if !has_store {
                    return;
                }
            }
            () = until => {}
        }
    }
}

impl Shard {
    /// Starts and ends probations according to the active generations. Returns when the next probation ends.
    async fn look_at_probations(&self) -> Result<Option<Timestamp>, AppError> {
        let now = self.now();
        let mut names = BTreeSet::new();
        let mut next = None;
        for installation in self.store.installations() {
            names.insert(installation.name.to_string());
            let mut kept = self.store.probation(&installation.name)?;
            if kept.as_ref().is_some_and(|kept| kept.generation != installation.active.generation) {
                self.engine()?.end_probation(installation.id);
                self.keep(&installation, None).await?;
                kept = None;
            }
            let kept = match kept {
                Some(kept) => kept,
                None => match self.new_probation(&installation, now) {
                    Some(new) => {
                        self.keep(&installation, Some(&new)).await?;
                        new
                    }
                    None => continue,
                },
            };
            if kept.state != ProbationState::Watching {
                continue;
            }
            if now >= kept.until {
                self.engine()?.end_probation(installation.id);
                let state = ProbationState::Passed;
                self.keep(&installation, Some(&ProbationRecord { state, ..kept })).await?;
                tracing::info!(installation = %installation.name, "the upgrade passed its probation");
                continue;
            }
            self.watch(installation.id, &kept);
            next = Some(next.map_or(kept.until, |next: Timestamp| next.min(kept.until)));
        }
        Ok(next)
    }

    /// Starts the probation of an upgrade. The metrics of the previous generation are the baseline.
    fn new_probation(&self, installation: &Installation, now: Timestamp) -> Option<ProbationRecord> {
        let limits = self.process.config.probation;
        let (active, previous) = (&installation.active, installation.previous.as_ref()?);
        if !limits.enabled || active.reason != GenerationReason::Upgrade {
            return None;
        }
        let engine = self.engine().ok()?;
        let until = active.at.plus_ms(limits.minutes.saturating_mul(60_000));
        (now < until).then(|| ProbationRecord {
            generation: active.generation,
            before: previous.generation,
            until,
            baseline: engine.vitals(installation.id, previous.generation),
            state: ProbationState::Watching,
        })
    }

    fn watch(&self, installation: InstallationId, kept: &ProbationRecord) {
        let ProbationRecord { generation, until, baseline, .. } = *kept;
        let Ok(engine) = self.engine() else { return };
        if self.process.config.probation.enabled && !engine.is_on_probation(installation, generation) {
            let limits = self.process.config.probation;
            engine.begin_probation(Probation { installation, generation, until, baseline, limits });
        }
    }

    /// Rolls back if the generation is still active and was not judged before, and reports the reason.
    async fn take_back(&self, tripped: Tripped) -> Result<(), AppError> {
        let Some(installation) = self.store.installation_by_id(tripped.installation) else { return Ok(()) };
        let Some(kept) = self.store.probation(&installation.name)? else { return Ok(()) };
        let is_due = kept.generation == tripped.generation && kept.state == ProbationState::Watching;
        if !is_due || installation.active.generation != tripped.generation {
            return Ok(());
        }
        let why = words(&tripped.evidence);
        let incident = |message: String, command: Option<String>| Incident {
            at: tripped.at,
            kind: KIND.to_owned(),
            installation: Some(installation.name.clone()),
            message,
            command,
            evidence: json!({
                "generation": tripped.generation, "version": installation.active.content.version.to_string(),
                "before": kept.before, "evidence": tripped.evidence,
            }),
        };
        let version = &installation.active.content.version;
        let mut stays = stays(&self.store.generations(installation.id)?, &installation, &kept);
        if stays.is_none() {
            match self.go_back(&installation, &kept, &why).await {
                Ok(to) => {
                    let message = format!("the host put {to} back in place of {version}: {why}");
                    return raise(&self.store, incident(message, None)).await;
                }
                // An operator acted first.
                Err(AppError::Conflict { message }) if !self.is_only_paused(tripped) => {
                    tracing::info!(installation = %installation.name, message, "the host does not go back by itself");
                    return Ok(());
                }
                Err(AppError::Conflict { .. }) => stays = Some((PAUSED, "rollback")),
                Err(error) => {
                    self.keep(&installation, Some(&ProbationRecord { state: ProbationState::Failed, ..kept })).await?;
                    let message = format!("{version} does badly: {why}; the host could not go back: {error}");
                    let command = format!("handoff rollback {}", installation.name);
                    return raise(&self.store, incident(message, Some(command))).await;
                }
            }
        }
        let Some((because, command)) = stays else { return Ok(()) };
        self.keep(&installation, Some(&ProbationRecord { state: ProbationState::Failed, ..kept })).await?;
        let message = format!("{version} does badly: {why}; the host did not go back, because {because}");
        let command = format!("handoff {command} {}", installation.name);
        raise(&self.store, incident(message, Some(command))).await
    }

    /// Whether an operator paused the installation meanwhile and changed nothing else.
    fn is_only_paused(&self, tripped: Tripped) -> bool {
        let now = self.store.installation_by_id(tripped.installation);
        now.is_some_and(|now| now.active.generation == tripped.generation && now.paused.is_some())
    }

    async fn go_back(
        &self,
        installation: &Installation,
        kept: &ProbationRecord,
        why: &str,
    ) -> Result<String, AppError> {
        let request = RollbackRequest {
            to_generation: Some(kept.before),
            reason: Some(format!("probation: {why}")),
            ..RollbackRequest::default()
        };
        let report = self.roll_back_if(&Identity::Host, &installation.name, request, Some(kept.generation)).await?;
        Ok(report.to.version)
    }

    async fn keep(&self, installation: &Installation, kept: Option<&ProbationRecord>) -> Result<(), AppError> {
        let audit = kept.map(|kept| NewAudit {
            at: self.now(),
            by: Actor::host(),
            action: "probation",
            subject: installation.name.to_string(),
            detail_json: json!({
                "generation": kept.generation, "before": kept.before, "state": kept.state, "until": kept.until.to_string(),
                "baseline": kept.baseline,
            })
            .to_string(),
            scopes: vec![installation.scope.clone()],
        });
        Ok(self.store.set_probation(installation.name.clone(), kept.copied(), audit).await?)
    }
}

/// Why the host does not roll back a generation that exceeded a bound, and the command for the operator.
fn stays(
    generations: &[GenerationRecord],
    installation: &Installation,
    kept: &ProbationRecord,
) -> Option<(&'static str, &'static str)> {
    let before = generations.iter().find(|record| record.generation == kept.before);
    if before.is_none_or(|before| quarantined(generations).contains(before.content.digest.as_str())) {
        return Some(("the previous version was rolled back too", "history"));
    }
    // Only an operator can return to a version that was rolled back.
    let earlier = generations.partition_point(|record| record.generation < installation.active.generation);
    let left = generations.get(..earlier).map(quarantined).unwrap_or_default();
    if left.contains(installation.active.content.digest.as_str()) {
        return Some(("somebody took this version again after it had been left as bad", "rollback"));
    }
    installation.paused.is_some().then_some((PAUSED, "rollback"))
}

/// The state of an installation's probation.
pub(super) fn view(store: &Store, installation: &Installation) -> Option<ProbationView> {
    let kept = store.probation(&installation.name).ok().flatten()?;
    (kept.generation == installation.active.generation).then(|| ProbationView {
        until: kept.until.into(),
        state: kept.state,
        baseline_deliveries: kept.baseline.deliveries,
    })
}

/// Describes the evidence in one sentence.
fn words(evidence: &Evidence) -> String {
    let Evidence { rule, seen, bound, running, now, before } = evidence;
    match rule {
        Rule::ErrorRate => format!(
            "{} of {} attempts failed, {} of {} before",
            now.failed, now.deliveries, before.failed, before.deliveries
        ),
        Rule::DeadLetters => format!(
            "{} of {} deliveries became dead letters, {} of {} before",
            now.dead_letters, now.deliveries, before.dead_letters, before.deliveries
        ),
        Rule::Latency if *running > 0 => format!(
            "5 of 100 events take {seen:.0} ms or longer, {:.0} ms before; {bound:.0} ms are allowed, and {running} of {} had \
             not ended by then",
            before.p95_ms,
            now.deliveries + running
        ),
        Rule::Latency => format!(
            "95 of 100 events took up to {seen:.0} ms, {:.0} ms before; {bound:.0} ms are allowed",
            before.p95_ms
        ),
    }
}
