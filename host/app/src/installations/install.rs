//! Installs, upgrades and reconfigures an installation: checks everything, then makes one durable write.

use std::time::Instant;

use serde_json::json;

use handoff_config::Asks;
use handoff_engine::Quiet;
use handoff_model::grants::Grants;
use handoff_model::installation::{GenerationReason, Installation};
use handoff_store::NewGeneration;

use super::preflight::{Checked, Wanted, misfit};
use super::{config_diff, grant_changes};
use crate::error::AppError;
use crate::installations::permissions;
use crate::shard::Shard;
use handoff_control::installations::GenerationKind;
use handoff_control::installations::install::{InstallReport, InstallRequest, ReplacedView, StateChangeView};
use handoff_model::actor::Identity;

/// Maximum number of added and of removed permissions that an audit entry lists one by one.
const PERMISSIONS_MAX: usize = 200;

/// A checked generation that can be made active by one write.
pub(super) struct Prepared {
    pub(super) new: NewGeneration,
    /// While it is held, no delivery of the installation runs, and its events wait: its state is migrated.
    pub(super) quiet: Option<Quiet>,
    /// Number of state keys that the migration wrote.
    pub(super) keys_migrated: Option<u64>,
}

/// A new active generation.
pub(super) struct Made {
    /// The installation with the new generation.
    pub(super) installation: std::sync::Arc<Installation>,
    /// Number of state keys that the migration wrote.
    pub(super) keys_migrated: Option<u64>,
}

impl Shard {
    /// Creates the first or the next generation of an installation.
    pub async fn install(&self, caller: &Identity, request: InstallRequest) -> Result<InstallReport, AppError> {
        let started = Instant::now();
        let _one_at_a_time = self.changes.lock().await;
        let checked = self
            .check(&Wanted {
                name: request.name,
                digest: request.digest,
                settings: request.settings,
                settings_folder: request.settings_folder,
                by: caller.acting(request.by.as_deref()),
                force: request.force,
            })
            .await?;
        if !checked.config_problems.is_empty() {
            return Err(misfit(&checked));
        }
        let mut report = report(&checked);
        if checked.validation.passed && checked.differs && !request.dry_run {
            let made = self.make(&checked, request.reason).await?;
            report.generation = made.installation.active.generation;
            report.applied = true;
        }
        report.took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(report)
    }

    /// Activates the checked generation. Its migration and the swap are one durable write, between deliveries. If it
    /// fails, the previous generation continues with unchanged state.
    pub(super) async fn make(&self, checked: &Checked, note: Option<String>) -> Result<Made, AppError> {
        let Prepared { new, quiet, keys_migrated } = self.prepare(checked, note).await?;
        let installation = self.store.put_generation(new).await?;
        drop(quiet);
        tracing::info!(
            installation = %installation.name, version = %checked.content.version,
            generation = %installation.active.generation, by = %installation.active.by, "installed",
        );
        Ok(Made { installation, keys_migrated })
    }

    /// Prepares the swap to a checked generation: migrates the state, without writing it.
    pub(super) async fn prepare(&self, checked: &Checked, note: Option<String>) -> Result<Prepared, AppError> {
        let mut quiet = None;
        let migration = match (checked.state, &checked.existing) {
            (StateChangeView::Migrate { from, to }, Some(existing)) => {
                quiet = Some(self.engine()?.quiesce(existing.id).await);
                let migrated = self.engine()?.migrate(&checked.candidate, &checked.loaded, from).await;
                Some(migrated.map_err(|failure| AppError::Refused {
                    code: "migration-failed",
                    message: format!(
                        "version {} cannot rewrite the state from schema {from} to {to}: {}: {}; generation {} goes on with \
                         its state untouched",
                        checked.content.version, failure.code, failure.message, existing.active.generation,
                    ),
                })?)
            }
            _ => None,
        };
        let keys_migrated =
            migration.as_ref().map(|migration| u64::try_from(migration.writes.len()).unwrap_or(u64::MAX));
        let candidate = &checked.candidate;
        let new = NewGeneration {
            name: candidate.name.clone(),
            scope: checked.settings.scope.clone(),
            content: checked.content.clone(),
            by: candidate.active.by.clone(),
            reason: match checked.kind {
                GenerationKind::Upgrade => GenerationReason::Upgrade,
                GenerationKind::Reconfigure => GenerationReason::Reconfigure,
                GenerationKind::Install | GenerationKind::Rollback => GenerationReason::Install,
            },
            note,
            at: self.now(),
            expected: checked.existing.as_ref().map(|existing| existing.active.generation),
            details: checked.details.clone(),
            migration,
            leave: None,
            changes_json: Some(changes(checked)),
        };
        Ok(Prepared { new, quiet, keys_migrated })
    }
}

/// Differences from the previous generation, for the audit log.
fn changes(checked: &Checked) -> String {
    let before = checked.existing.as_ref().map(|existing| &existing.active.content);
    let nothing = Grants::default();
    let (added, dropped) =
        grant_changes::between(before.map_or(&nothing, |before| &before.grants), &checked.content.grants);
    let lines = |lines: Vec<handoff_control::installations::upgrade::GrantChangeView>| {
        let more = lines.len().saturating_sub(PERMISSIONS_MAX);
        let mut words: Vec<String> = lines.into_iter().take(PERMISSIONS_MAX).map(|line| line.what).collect();
        words.extend((more > 0).then(|| format!("and {more} more")));
        words
    };
    let config = config_diff::between(before.map_or("{}", |before| &before.config_json), &checked.content.config_json);
    json!({
        "version": { "before": before.map(|before| before.version.to_string()), "after": checked.content.version.to_string() },
        "config": config,
        "grantsAdded": lines(added),
        "grantsDropped": lines(dropped),
        "waysIn": before.is_none_or(|before| before.ingress_json != checked.content.ingress_json),
        "state": checked.state,
    })
    .to_string()
}

/// The report on a change that is not applied yet.
pub(super) fn report(checked: &Checked) -> InstallReport {
    let Checked { settings, manifest, content, existing, kind, validation, warnings, .. } = checked;
    let before = existing.as_ref().map(|existing| &existing.active);
    InstallReport {
        name: checked.candidate.name.clone(),
        scope: settings.scope.clone(),
        package: content.package.clone(),
        title: manifest.package.title.to_string(),
        version: content.version.to_string(),
        digest: content.digest.clone(),
        kind: *kind,
        generation: before.filter(|_| !checked.differs).map_or(checked.generation, |active| active.generation),
        replaces: before
            .filter(|_| checked.differs)
            .map(|record| ReplacedView { generation: record.generation, version: record.content.version.to_string() }),
        asks: permissions::views(
            settings,
            &Asks::from(manifest),
            &content.grants,
            before.map(|record| &record.content.grants),
        ),
        shares: checked.shares.clone(),
        state: checked.state,
        validation: validation.clone(),
        warnings: warnings.clone(),
        hook_path: settings.ingress.hook.is_some().then(|| format!("/hooks/{}", checked.candidate.name)),
        applied: false,
        unchanged: !checked.differs,
        took_ms: 0,
    }
}
