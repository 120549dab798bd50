//! Installations: the list, one with everything about it, and which digests a rollback left.

use std::collections::BTreeSet;

use super::metrics::metric;
use super::{Live, counts, find};
use crate::error::AppError;
use crate::rollback::aftermath_view;
use handoff_config::Config;
use handoff_control::installations::{
    DeliveryFigures, GenerationKind, GenerationView, InstallationList, InstallationSummary, InstallationView, PauseView,
};
use handoff_model::installation::{GenerationReason, GenerationRecord, Installation};
use handoff_model::names::{Generation, InstallationName};
use handoff_policy::ingress::IngressSettings;
use handoff_store::Store;

/// Every installation, by name.
#[must_use]
pub fn installations(store: &Store, live: &Live) -> InstallationList {
    let mut installations: Vec<InstallationSummary> =
        store.installations().iter().map(|installation| summary(store, live, installation)).collect();
    installations.sort_by(|a, b| a.name.cmp(&b.name));
    InstallationList { installations }
}

/// One line about an installation.
#[must_use]
pub fn summary(store: &Store, live: &Live, installation: &Installation) -> InstallationSummary {
    let active = &installation.active;
    InstallationSummary {
        name: installation.name.clone(),
        rooftop: installation.rooftop.clone(),
        package: active.content.package.clone(),
        version: active.content.version.to_string(),
        generation: active.generation,
        paused: installation
            .paused
            .as_ref()
            .map(|pause| PauseView { at: pause.at.into(), message: pause.message.clone() }),
        aftermath: store.rollback_job(installation.id).as_ref().and_then(aftermath_view),
        counts: counts(store, live, installation.id),
        warnings: super::warnings::warnings(store, live, installation),
    }
}

/// Everything about one installation.
pub fn installation(
    store: &Store,
    config: &Config,
    live: &Live,
    name: &InstallationName,
) -> Result<InstallationView, AppError> {
    let installation = find(store, name)?;
    let content = &installation.active.content;
    let counts = store.counts(installation.id);
    let time_zone = config.rooftops.get(&installation.rooftop).map(|rooftop| rooftop.time_zone.into());
    // Generations are checked before they are made; one that cannot be read takes no webhooks.
    let takes_hooks = IngressSettings::from_json(&content.ingress_json).is_ok_and(|ways_in| ways_in.hook.is_some());
    Ok(InstallationView {
        summary: summary(store, live, &installation),
        time_zone,
        grants: content.grants.clone(),
        hook_path: takes_hooks.then(|| format!("/hooks/{name}")),
        generations: generations(&store.generations(installation.id)?, installation.active.generation),
        deliveries: DeliveryFigures {
            committed: counts.committed,
            failed_attempts: counts.failed_attempts,
            dead_lettered: counts.dead_lettered,
        },
        probation: crate::probation::view(store, &installation),
        metrics: store.metrics(installation.id)?.iter().map(metric).collect(),
    })
}

/// Digests that a rollback left and that nobody has taken again since: nothing picks them unless forced. `generations`
/// are all of an installation, ascending.
#[must_use]
pub fn quarantined(generations: &[GenerationRecord]) -> BTreeSet<&str> {
    let mut left = BTreeSet::new();
    let mut active: Option<&str> = None;
    for record in generations {
        if let (GenerationReason::Rollback { .. }, Some(active)) = (&record.reason, active) {
            left.insert(active);
        }
        // Whoever makes a generation of a digest says that it is good.
        left.remove(record.content.digest.as_str());
        active = Some(&record.content.digest);
    }
    left
}

/// Newest first.
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
            by: record.by.clone(),
            kind,
            restores,
            reason: record.note.clone(),
        }
    };
    records.iter().rev().map(view).collect()
}
