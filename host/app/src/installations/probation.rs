//! Probation: watches each upgraded or reconfigured generation for some business days, over restarts. A generation that is
//! worse than the previous one is rolled back, once (`probation/act.rs`); what could not be judged ends as "not judged".

mod act;
mod sentence;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Weak};

use serde_json::json;

use handoff_engine::probation::{Probation, Tripped};
use handoff_model::actor::Actor;
use handoff_model::delivery::zone::TimeZone;
use handoff_model::host_records::{ProbationRecord, ProbationState};
use handoff_model::installation::{GenerationReason, Installation, Pause};
use handoff_model::time::{Clock, Timestamp};
use handoff_policy::probation::{Expected, Rule, Standing, business_days_after, paused};
use handoff_store::{NewAudit, Store, TrackRecords};

use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::incidents::ProbationView;

/// How often a generation is looked at that may end its probation with the next delivery.
const LOOK_MS: u64 = 60_000;

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
                if let Err(error) = shard.leave_bad(tripped).await {
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
    /// Starts and ends probations according to the active generations. Returns when to look again.
    async fn look_at_probations(&self) -> Result<Option<Timestamp>, AppError> {
        let mut next = None;
        for installation in self.store.installations() {
            if let Some(at) = self.look_at_probation(&installation).await? {
                next = Some(next.map_or(at, |next: Timestamp| next.min(at)));
            }
        }
        Ok(next)
    }

    async fn look_at_probation(&self, installation: &Installation) -> Result<Option<Timestamp>, AppError> {
        let now = self.now();
        let mut known = self.store.probation(&installation.name)?;
        if known.as_ref().is_some_and(|known| known.generation != installation.active.generation) {
            self.engine()?.end_probation(installation.id);
            self.keep(installation, None).await?;
            known = None;
        }
        let known = match known {
            Some(known) => known,
            None => match self.new_probation(installation, now) {
                Some(new) => {
                    self.keep(installation, Some(&new)).await?;
                    new
                }
                None => return Ok(None),
            },
        };
        if known.state != ProbationState::Watching || !self.process.config.probation.enabled {
            return Ok(None);
        }
        let records = self.store.track_records(installation.id);
        if installation.paused.as_ref().is_some_and(|pause| !pause.is_by_a_person()) {
            let evidence = paused(&records.baseline.clone().unwrap_or_default(), &records.active);
            let (id, generation) = (installation.id, known.generation);
            self.leave_bad(Tripped { installation: id, generation, at: now, evidence }).await?;
            return Ok(None);
        }
        let expected = self.expected(installation, &records);
        if now >= known.until
            && let Some((state, reason)) = verdict(&expected, &records, now >= known.ends_by)
        {
            self.engine()?.end_probation(installation.id);
            tracing::info!(installation = %installation.name, ?state, reason, "the probation is over");
            self.keep(installation, Some(&ProbationRecord { state, reason, ..known })).await?;
            return Ok(None);
        }
        let engine = self.engine()?;
        if !engine.is_on_probation(installation.id, known.generation) {
            let (installation, generation) = (installation.id, known.generation);
            engine.begin_probation(Probation { installation, generation, expected: Arc::new(expected) });
        }
        Ok(Some(if now < known.until { known.until } else { known.ends_by.min(now.plus_ms(LOOK_MS)) }))
    }

    /// What the baseline lets expect of the active generation.
    fn expected(&self, installation: &Installation, records: &TrackRecords) -> Expected {
        let baseline = records.baseline.clone().unwrap_or_default();
        let emits = &installation.active.content.grants.emits;
        Expected::after(&baseline, &self.process.config.probation, |type_name| emits.contains(type_name))
    }

    /// The probation of a new version or of new settings.
    fn new_probation(&self, installation: &Installation, now: Timestamp) -> Option<ProbationRecord> {
        let limits = self.process.config.probation;
        let (active, previous) = (&installation.active, installation.previous.as_ref()?);
        let is_change = matches!(active.reason, GenerationReason::Upgrade | GenerationReason::Reconfigure);
        if !limits.enabled || !is_change {
            return None;
        }
        let zone = self.process.config.zone(&installation.scope).unwrap_or(TimeZone::UTC);
        let after = |days| business_days_after(active.at, days, limits.weekdays, zone);
        let (until, ends_by) = (after(limits.business_days), after(limits.business_days_max));
        let baseline = self.store.track_records(installation.id).baseline.as_ref().map(|before| before.generation);
        (now < ends_by).then(|| ProbationRecord {
            generation: active.generation,
            before: baseline.unwrap_or(previous.generation),
            until,
            ends_by,
            state: ProbationState::Watching,
            reason: None,
        })
    }

    async fn keep(&self, installation: &Installation, known: Option<&ProbationRecord>) -> Result<(), AppError> {
        let records = self.store.track_records(installation.id);
        // Its beginning is part of the upgrade, which has an entry.
        let ended = known.filter(|known| known.state != ProbationState::Watching);
        let audit = ended.map(|known| NewAudit {
            at: self.now(),
            by: Actor::host(),
            action: "probation",
            subject: installation.name.to_string(),
            detail_json: json!({
                "generation": known.generation, "before": known.before, "state": known.state, "reason": known.reason,
                "until": known.until.to_string(), "deliveries": records.active.events,
                "baselineDeliveries": baseline_deliveries(&records),
            })
            .to_string(),
            scopes: vec![installation.scope.clone()],
        });
        Ok(self.store.set_probation(installation.name.clone(), known.cloned(), audit).await?)
    }
}

/// The end of a probation, unless it goes on.
fn verdict(expected: &Expected, records: &TrackRecords, is_last: bool) -> Option<(ProbationState, Option<String>)> {
    let (now, before) = (records.active.events, baseline_deliveries(records));
    let reason = match expected.standing(&records.active) {
        Standing::Clear => return Some((ProbationState::Passed, None)),
        Standing::FewDeliveries => format!("it had only {now} deliveries"),
        Standing::FewBefore => format!("the previous generation had only {before} deliveries to compare with"),
        Standing::Undecided(rule) => format!("{} are more than before, but few enough to be chance", noun(rule)),
    };
    is_last.then_some((ProbationState::NotJudged, Some(reason)))
}

fn noun(rule: Rule) -> &'static str {
    match rule {
        Rule::Crashes => "crashes",
        Rule::Failures => "failed deliveries",
        Rule::DeadLetters => "dead letters",
        Rule::Latency => "slow deliveries",
        Rule::MissingEvents => "deliveries without an expected event",
        Rule::MissingRequests => "deliveries without an expected request",
        Rule::MoreEvents => "deliveries with additional events",
        Rule::MoreRequests => "deliveries with additional requests",
        Rule::RefusedRequests => "refused requests",
        Rule::Paused => "pauses",
    }
}

fn baseline_deliveries(records: &TrackRecords) -> u64 {
    records.baseline.as_ref().map_or(0, |baseline| baseline.events)
}

/// The state of an installation's probation.
pub(super) fn view(store: &Store, installation: &Installation) -> Option<ProbationView> {
    let known = store.probation(&installation.name).ok().flatten()?;
    let records = store.track_records(installation.id);
    (known.generation == installation.active.generation).then(|| ProbationView {
        until: known.until.into(),
        ends_by: known.ends_by.into(),
        state: known.state,
        deliveries: records.active.events,
        baseline_deliveries: baseline_deliveries(&records),
        reason: known.reason,
    })
}

/// Whether an operator paused it.
fn is_paused_by_a_person(installation: &Installation) -> bool {
    installation.paused.as_ref().is_some_and(Pause::is_by_a_person)
}
