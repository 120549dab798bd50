//! Installing, upgrading and changing an installation: check everything, then one durable write.

use std::time::Instant;

use handoff_package::package::Package;
use serde_json::json;

use handoff_config::{Asks, HttpAsk};
use handoff_model::grants::Grants;
use handoff_model::installation::{GenerationReason, Installation};
use handoff_store::NewGeneration;

use super::asks;
use super::error::AppError;
use super::host::{Host, blocking};
use super::preflight::{Checked, Wanted, misfit};
use super::{config_diff, grant_changes};
use handoff_control::install::{InstallReport, InstallRequest, ReplacedView, StateChangeView};
use handoff_control::installations::GenerationKind;
use handoff_control::packages::{HttpAskView, ManifestView, PackageView};

/// Permissions that an entry of the audit chain names one by one, added and dropped each.
const PERMISSIONS_MAX: usize = 200;

/// A generation that became active.
pub(super) struct Made {
    /// The installation as it is now.
    pub(super) installation: std::sync::Arc<Installation>,
    /// Keys of state that a migration wrote.
    pub(super) keys_migrated: Option<u64>,
}

impl Host {
    /// Checks a component without compiling it, and keeps it.
    pub async fn put_package(&self, bytes: bytes::Bytes) -> Result<PackageView, AppError> {
        let package = Package::read_bounded(&bytes, self.config.runtime_limits.component_bytes)
            .map_err(|error| AppError::invalid("package", error.to_string()))?;
        let packages = self.packages.clone();
        let known = packages.contains(&package.digest.to_string());
        blocking(move || packages.put(&bytes)).await?.map_err(|error| AppError::Internal(error.to_string()))?;
        Ok(PackageView {
            digest: package.digest.to_string(),
            package: package.manifest.package.name.to_string(),
            version: package.manifest.package.version.to_string(),
            size_bytes: u64::try_from(package.size).unwrap_or(u64::MAX),
            known,
            manifest: manifest_view(&package),
        })
    }

    /// Makes the first or the next generation of an installation.
    pub async fn install(&self, request: InstallRequest) -> Result<InstallReport, AppError> {
        let started = Instant::now();
        let _one_at_a_time = self.changes.lock().await;
        let checked = self
            .check(&Wanted {
                name: request.name,
                digest: request.digest,
                settings: request.settings,
                settings_folder: request.settings_folder,
                by: request.by,
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

    /// Makes the generation that was checked the active one: its migration and the swap in one durable write, between
    /// deliveries. If it fails, the generation before goes on with its state untouched.
    pub(super) async fn make(&self, checked: &Checked, note: Option<String>) -> Result<Made, AppError> {
        // While it is held, nobody handles the installation's events; they wait.
        let mut quiet = None;
        let migration = match (checked.state, &checked.existing) {
            (StateChangeView::Migrate { from, to }, Some(existing)) => {
                quiet = Some(self.engine.quiesce(existing.id).await);
                let migrated = self.engine.migrate(&checked.candidate, &checked.loaded, from).await;
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
        let made = self.store.put_generation(NewGeneration {
            name: candidate.name.clone(),
            rooftop: checked.settings.rooftop.clone(),
            content: checked.content.clone(),
            by: candidate.active.by.clone(),
            reason: match checked.kind {
                GenerationKind::Upgrade => GenerationReason::Upgrade,
                GenerationKind::Reconfigure => GenerationReason::Reconfigure,
                GenerationKind::Install | GenerationKind::Rollback => GenerationReason::Install,
            },
            note,
            at: self.clock.now(),
            expected: checked.existing.as_ref().map(|existing| existing.active.generation),
            details: checked.details.clone(),
            migration,
            leave: None,
            changes_json: Some(changes(checked)),
        });
        let installation = made.await?;
        drop(quiet);
        tracing::info!(
            installation = %installation.name, version = %checked.content.version,
            generation = %installation.active.generation, by = installation.active.by, "installed",
        );
        Ok(Made { installation, keys_migrated })
    }
}

/// What is different from the generation before, for the audit chain.
fn changes(checked: &Checked) -> String {
    let before = checked.existing.as_ref().map(|existing| &existing.active.content);
    let nothing = Grants::default();
    let (added, dropped) =
        grant_changes::between(before.map_or(&nothing, |before| &before.grants), &checked.content.grants);
    let lines = |lines: Vec<handoff_control::upgrade::GrantChangeView>| {
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

/// What was found, of a change that is not applied yet.
pub(super) fn report(checked: &Checked) -> InstallReport {
    let Checked { settings, manifest, content, existing, kind, validation, warnings, .. } = checked;
    let before = existing.as_ref().map(|existing| &existing.active);
    InstallReport {
        name: checked.candidate.name.clone(),
        rooftop: settings.rooftop.clone(),
        package: content.package.clone(),
        title: manifest.package.title.to_string(),
        version: content.version.to_string(),
        digest: content.digest.clone(),
        kind: *kind,
        generation: before.filter(|_| !checked.differs).map_or(checked.generation, |active| active.generation),
        replaces: before
            .filter(|_| checked.differs)
            .map(|record| ReplacedView { generation: record.generation, version: record.content.version.to_string() }),
        asks: asks::views(
            settings,
            &Asks::from(manifest),
            &content.grants,
            before.map(|record| &record.content.grants),
        ),
        state: checked.state,
        validation: validation.clone(),
        warnings: warnings.clone(),
        hook_path: settings.ingress.hook.is_some().then(|| format!("/hooks/{}", checked.candidate.name)),
        applied: false,
        unchanged: !checked.differs,
        took_ms: 0,
    }
}

fn manifest_view(package: &Package) -> ManifestView {
    let info = &package.manifest.package;
    let asked = Asks::from(&package.manifest);
    let target = |target: HttpAsk| HttpAskView {
        name: target.name,
        host: target.host,
        methods: target.methods.into_iter().collect(),
        paths: target.paths,
        look_ups: target.look_ups,
        auth: target.auth.into_iter().collect(),
        why: target.why,
    };
    ManifestView {
        title: info.title.to_string(),
        summary: info.summary.to_string(),
        license: Some(info.license.to_string()),
        interface: format!("handoff:connector@{}", package.interface),
        accepts: asked.accepts.into_iter().collect(),
        emits: asked.emits.into_iter().collect(),
        hook_verify: asked.hook_verify.unwrap_or_default(),
        http: asked.http.into_iter().map(target).collect(),
        state_schema: package.manifest.state.schema,
        config_schema: package.manifest.config.as_ref().map(|config| config.schema.as_json().clone()),
    }
}
