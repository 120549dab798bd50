//! Shows everything about one installation.

use super::quarantine::quarantined;
use crate::error::AppError;
use crate::host::metrics::metric;
use crate::shard::Shard;
use handoff_control::installations::{DeliveryTotals, GenerationKind, GenerationView, InstallationView};
use handoff_model::installation::{GenerationReason, GenerationRecord};
use handoff_model::names::{Generation, InstallationName};
use handoff_policy::ingress::IngressSettings;

impl Shard {
    /// Shows everything about one installation.
    pub fn show_installation(&self, name: &InstallationName) -> Result<InstallationView, AppError> {
        let installation = self.find(name)?;
        let content = &installation.active.content;
        let counts = self.store.counts(installation.id);
        let time_zone = self.process.config.zone(&installation.scope).map(Into::into);
        // Generations are checked before they are created. One that cannot be read accepts no webhooks.
        let takes_hooks = IngressSettings::from_json(&content.ingress_json).is_ok_and(|ingress| ingress.hook.is_some());
        Ok(InstallationView {
            summary: self.summary(&installation),
            time_zone,
            grants: content.grants.clone(),
            shares: self.shares(&installation),
            hook_path: takes_hooks.then(|| format!("/hooks/{name}")),
            generations: generations(&self.store.generations(installation.id)?, installation.active.generation),
            deliveries: DeliveryTotals {
                committed: counts.committed,
                failed_attempts: counts.failed_attempts,
                dead_lettered: counts.dead_lettered,
            },
            probation: super::probation::view(&self.store, &installation),
            metrics: self.store.metrics(installation.id)?.iter().map(metric).collect(),
        })
    }
}

/// Views of all generations, newest first.
pub(super) fn generations(records: &[GenerationRecord], active: Generation) -> Vec<GenerationView> {
    let quarantined = quarantined(records);
    let view = |record: &GenerationRecord| {
        let (kind, restores) = match &record.reason {
            GenerationReason::Install => (GenerationKind::Install, None),
            GenerationReason::Upgrade => (GenerationKind::Upgrade, None),
            GenerationReason::Reconfigure => (GenerationKind::Reconfigure, None),
            GenerationReason::Rollback { restores } => (GenerationKind::Rollback, Some(*restores)),
        };
        GenerationView {
            generation: record.generation,
            version: record.content.version.to_string(),
            digest: record.content.digest.clone(),
            state_schema: record.content.state_schema,
            active: record.generation == active,
            quarantined: quarantined.contains(record.content.digest.as_str()),
            at: record.at.into(),
            by: record.by.to_string(),
            kind,
            restores,
            reason: record.note.clone(),
        }
    };
    records.iter().rev().map(view).collect()
}
