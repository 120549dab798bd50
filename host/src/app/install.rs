//! Installing, upgrading and changing an installation: check everything, then one durable write.

use std::sync::Arc;
use std::time::Instant;

use handoff_registry::package::Package;
use handoff_registry::{Digest, Manifest};

use crate::config::{Asks, ConfigErrors, HttpAsk, Settings, resolve_grants};
use crate::model::installation::{
    GenerationContent, GenerationReason, GenerationRecord, Installation, NewDetails, Origin,
};
use crate::model::names::{Generation, InstallationId};
use crate::store::NewGeneration;

use super::asks;
use super::error::AppError;
use super::host::{Host, blocking};
use super::queries::installations::quarantined;
use super::views::FailureView;
use super::views::install::{InstallReport, InstallRequest, ReplacedView, StateChangeView, ValidationView};
use super::views::installations::GenerationKind;
use super::views::packages::{HttpAskView, ManifestView, PackageView};

/// What the checks before a change found.
struct Checked {
    settings: Settings,
    manifest: Manifest,
    content: GenerationContent,
    existing: Option<Arc<Installation>>,
    kind: GenerationKind,
    validation: ValidationView,
    warnings: Vec<String>,
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
        let checked = self.check(&request).await?;
        let passed = checked.validation.passed;
        let generation = match &checked.existing {
            Some(existing) => self.next_generation(existing.id)?,
            None => Generation(1),
        };
        let applied = passed && !request.dry_run;
        let mut report = report(&request, &checked, generation);
        if applied {
            let reason = match checked.kind {
                GenerationKind::Upgrade => GenerationReason::Upgrade,
                GenerationKind::Reconfigure => GenerationReason::Reconfigure,
                GenerationKind::Install | GenerationKind::Rollback => GenerationReason::Install,
            };
            let made = self
                .store
                .put_generation(NewGeneration {
                    name: request.name.clone(),
                    rooftop: checked.settings.rooftop.clone(),
                    content: checked.content,
                    by: request.by.clone(),
                    reason,
                    note: request.reason.clone(),
                    at: self.clock.now(),
                    expected: checked.existing.as_ref().map(|existing| existing.active.generation),
                    details: NewDetails {
                        settings_json: request.settings.to_string(),
                        settings_folder: request.settings_folder.clone(),
                        signer: None,
                        origin: Origin::File,
                    },
                    migration: None,
                    leave: None,
                })
                .await?;
            report.generation = made.active.generation;
            tracing::info!(
                installation = %request.name, version = report.version, generation = %report.generation,
                by = request.by, "installed",
            );
        }
        report.applied = applied;
        report.took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(report)
    }

    async fn check(&self, request: &InstallRequest) -> Result<Checked, AppError> {
        let settings = settings(request)?;
        settings.check_references(&self.config)?;
        let manifest = self.manifest(&request.digest).await?;
        let grants = resolve_grants(&settings, &Asks::from(&manifest)).map_err(ConfigErrors::new)?;
        let existing = self.store.installation(&request.name);
        let content = GenerationContent {
            package: manifest.package.name.to_string(),
            version: manifest.package.version.as_semver().clone(),
            digest: request.digest.clone(),
            state_schema: manifest.state.schema,
            config_json: settings.config_json(),
            grants,
            ingress_json: settings.ingress.to_json(),
        };
        let kind = match &existing {
            None => GenerationKind::Install,
            Some(existing) if existing.active.content.digest == content.digest => GenerationKind::Reconfigure,
            Some(_) => GenerationKind::Upgrade,
        };
        if let Some(existing) = &existing {
            self.refuse_unfit(request, existing, &content, &settings)?;
        }
        self.refuse_shared_folders(request, &settings)?;
        let mut warnings = Vec::new();
        if existing.as_ref().is_some_and(|existing| existing.active.content == content && existing.paused.is_none()) {
            warnings.push("nothing differs from the active generation".to_owned());
        }
        let validation = self.try_out(request, existing.as_deref(), &settings, &content).await?;
        Ok(Checked { settings, manifest, content, existing, kind, validation, warnings })
    }

    async fn manifest(&self, digest: &str) -> Result<Manifest, AppError> {
        let digest: Digest = digest.parse().map_err(|error| AppError::invalid("digest", format!("{error}")))?;
        let packages = self.packages.clone();
        let bytes = blocking(move || packages.get(&digest.to_string()))
            .await?
            .map_err(|error| AppError::invalid("digest", error.to_string()))?;
        let package = Package::read_bounded(&bytes, self.config.runtime_limits.component_bytes);
        Ok(package.map_err(|error| AppError::invalid("package", error.to_string()))?.manifest)
    }

    /// What the host's rules forbid for an existing installation.
    fn refuse_unfit(
        &self,
        request: &InstallRequest,
        existing: &Installation,
        content: &GenerationContent,
        settings: &Settings,
    ) -> Result<(), AppError> {
        let refuse = |code, message| Err(AppError::Refused { code, message });
        if existing.active.content.package != content.package {
            let message = format!(
                "`{}` is an installation of {}, not of {}: choose another name, its state would not fit",
                existing.name, existing.active.content.package, content.package,
            );
            return refuse("other-package", message);
        }
        if existing.rooftop != settings.rooftop {
            let message = format!(
                "`{}` works for rooftop `{}`, not `{}`: choose another name, its state belongs to the rooftop",
                existing.name, existing.rooftop, settings.rooftop,
            );
            return refuse("other-rooftop", message);
        }
        if existing.active.content.state_schema != content.state_schema {
            let message = format!(
                "version {} keeps state of schema {}, the installation has schema {}: this host does not migrate state yet",
                content.version, content.state_schema, existing.active.content.state_schema,
            );
            return refuse("state-schema", message);
        }
        if !request.force && self.is_quarantined(existing.id, &content.digest)? {
            let message = format!(
                "a rollback left version {} of `{}`: it is not taken again unless you force it (`--force`)",
                content.version, existing.name,
            );
            return refuse("quarantined", message);
        }
        Ok(())
    }

    /// A file goes to one installation: two that watch a folder would race for it.
    fn refuse_shared_folders(&self, request: &InstallRequest, settings: &Settings) -> Result<(), AppError> {
        for other in self.store.installations().iter().filter(|other| other.name != request.name) {
            let theirs = super::host::ways_in(other)?.folders;
            for folder in &settings.ingress.folders {
                if theirs.iter().any(|their| their.path == folder.path) {
                    let message = format!("`{}` watches `{}` already", other.name, folder.path.display());
                    return Err(AppError::Refused { code: "folder-taken", message });
                }
            }
        }
        Ok(())
    }

    /// Prepares the generation's code and asks the connector whether it can work with its config.
    async fn try_out(
        &self,
        request: &InstallRequest,
        existing: Option<&Installation>,
        settings: &Settings,
        content: &GenerationContent,
    ) -> Result<ValidationView, AppError> {
        let candidate = Installation {
            // A number that no installation has: a new one has no state to read.
            id: existing.map_or(InstallationId(u32::MAX), |existing| existing.id),
            name: request.name.clone(),
            rooftop: settings.rooftop.clone(),
            active: GenerationRecord {
                generation: existing.map_or(Generation(1), |existing| Generation(existing.active.generation.0 + 1)),
                content: content.clone(),
                at: self.clock.now(),
                by: request.by.clone(),
                reason: GenerationReason::Install,
                note: None,
            },
            previous: None,
            paused: None,
        };
        let loaded = self.engine.load(&candidate, content).await;
        let loaded = loaded.map_err(|error| AppError::invalid("package", format!("{}: {error}", error.code())))?;
        Ok(match self.engine.validate(&candidate, &loaded).await {
            Ok(()) => ValidationView { passed: true, failure: None },
            Err(failure) => ValidationView { passed: false, failure: Some(FailureView::from(&failure)) },
        })
    }

    fn next_generation(&self, id: InstallationId) -> Result<Generation, AppError> {
        Ok(Generation(self.store.generations(id)?.last().map_or(0, |record| record.generation.0) + 1))
    }

    fn is_quarantined(&self, id: InstallationId, digest: &str) -> Result<bool, AppError> {
        Ok(quarantined(&self.store.generations(id)?).contains(digest))
    }
}

/// The settings as the file had them: they came as JSON with the same keys.
fn settings(request: &InstallRequest) -> Result<Settings, AppError> {
    let text = toml::to_string(&request.settings)
        .map_err(|error| AppError::invalid("settings", format!("these settings are no TOML: {error}")))?;
    let folder = request.settings_folder.as_deref().unwrap_or_default();
    let file = std::path::Path::new(folder).join("settings.toml");
    Ok(Settings::parse(&text, &file.to_string_lossy())?)
}

fn report(request: &InstallRequest, checked: &Checked, generation: Generation) -> InstallReport {
    let Checked { settings, manifest, content, existing, kind, validation, warnings } = checked;
    let before = existing.as_ref().map(|existing| &existing.active);
    InstallReport {
        name: request.name.clone(),
        rooftop: settings.rooftop.clone(),
        package: content.package.clone(),
        title: manifest.package.title.to_string(),
        version: content.version.to_string(),
        digest: content.digest.clone(),
        kind: *kind,
        generation,
        replaces: before
            .map(|record| ReplacedView { generation: record.generation, version: record.content.version.to_string() }),
        asks: asks::views(
            settings,
            &Asks::from(manifest),
            &content.grants,
            before.map(|record| &record.content.grants),
        ),
        state: if existing.is_some() { StateChangeView::Keep } else { StateChangeView::Fresh },
        validation: validation.clone(),
        warnings: warnings.clone(),
        hook_path: settings.ingress.hook.is_some().then(|| format!("/hooks/{}", request.name)),
        applied: false,
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
    }
}
