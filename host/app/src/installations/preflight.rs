//! The checks before a generation is created: settings, package, grants, config, the host's rules, and the connector's
//! own check. Changes nothing and decides nothing: the use cases decide from the findings.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use handoff_package::package::Package;
use handoff_package::{Digest, Manifest};

use handoff_config::{Asks, ConfigErrors, Settings, missing_grants, resolve_grants};
use handoff_engine::Loaded;
use handoff_model::actor::Actor;
use handoff_model::installation::{GenerationContent, GenerationReason, GenerationRecord, Installation, NewDetails};
use handoff_model::names::{Generation, InstallationId, InstallationName};

use crate::error::{AppError, Fault};
use crate::installations::quarantine::quarantined;
use crate::secrets::{UnusableSecret, check_hook, check_profile};
use crate::shard::{Shard, blocking};
use handoff_control::FailureView;
use handoff_control::installations::install::{StateChangeView, ValidationView};
use handoff_control::installations::{GenerationKind, ShareView};

/// The requested state of an installation.
pub(super) struct Wanted {
    /// The name of the new or existing installation.
    pub(super) name: InstallationName,
    /// The digest of a package that the host has.
    pub(super) digest: String,
    /// The settings file as JSON.
    pub(super) settings: serde_json::Value,
    /// The folder that relative paths in the settings start from.
    pub(super) settings_folder: Option<String>,
    /// The identity of the requester.
    pub(super) by: Actor,
    /// Allow a digest that was rolled back.
    pub(super) force: bool,
}

/// The findings of the checks.
pub(super) struct Checked {
    pub(super) settings: Settings,
    pub(super) manifest: Manifest,
    /// The interface version that the component was built against.
    pub(super) interface: semver::Version,
    pub(super) content: GenerationContent,
    pub(super) details: NewDetails,
    pub(super) existing: Option<Arc<Installation>>,
    /// The number of the next generation.
    pub(super) generation: Generation,
    pub(super) kind: GenerationKind,
    pub(super) state: StateChangeView,
    /// What it shares with other scopes, and accepts from them.
    pub(super) shares: Vec<ShareView>,
    /// Config fields that do not match the version's schema.
    pub(super) config_problems: Vec<Fault>,
    pub(super) validation: ValidationView,
    pub(super) warnings: Vec<String>,
    /// False if it equals the active generation: then there is nothing to do.
    pub(super) differs: bool,
    /// The installation as it would become.
    pub(super) candidate: Installation,
    /// Held until the generation is created: the engine drops unused code.
    pub(super) loaded: Arc<Loaded>,
}

impl Shard {
    /// Checks everything that a new generation depends on.
    pub(super) async fn check(&self, wanted: &Wanted) -> Result<Checked, AppError> {
        let settings = settings(&wanted.settings, wanted.settings_folder.as_deref())?;
        settings.check_references(&self.process.config)?;
        let unusable_secrets = self.check_secrets(&settings).await?;
        let package = self.package(&wanted.digest).await?;
        let (manifest, interface) = (package.manifest, package.interface);
        let asks = Asks::from(&manifest);
        let grants = resolve_grants(&settings, &asks).map_err(ConfigErrors::new)?;
        let existing = self.store.installation(&wanted.name);
        let content = GenerationContent {
            package: manifest.package.name.to_string(),
            version: manifest.package.version.as_semver().clone(),
            digest: wanted.digest.clone(),
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
        // Before the component is compiled.
        let (signer, origin) = self.admit(existing.as_deref(), &wanted.digest, wanted.force).await?;
        if let Some(existing) = &existing {
            self.refuse_unfit(wanted, existing, &content, &settings)?;
        }
        self.refuse_shared_folders(wanted, &settings)?;
        let details = NewDetails {
            settings_json: wanted.settings.to_string(),
            settings_folder: wanted.settings_folder.clone(),
            signer,
            origin,
        };
        let differs = match &existing {
            Some(existing) => self.differs(existing, &content, &details)?,
            None => true,
        };
        let schema = match &existing {
            Some(existing) => Some(self.store.state_schema(existing.id, &existing.active)?),
            None => None,
        };
        let mut warnings = warnings(existing.as_deref(), &content, schema, differs);
        warnings.extend(missing_grants(&settings, &asks));
        warnings.extend(unusable_secrets);
        let generation = match &existing {
            Some(existing) => self.next_generation(existing.id)?,
            None => Generation(1),
        };
        let state = state_change(schema, &content);
        let config_problems = config_problems(&manifest, &settings);
        let candidate = self.as_it_would_be(wanted, existing.as_deref(), &settings, &content, generation);
        let loaded = self.engine()?.load(&candidate, &content).await;
        let loaded = loaded.map_err(|error| AppError::invalid("package", format!("{}: {error}", error.code())))?;
        let validation = match self.engine()?.validate(&candidate, &loaded).await {
            Ok(()) => ValidationView { passed: true, failure: None },
            Err(failure) => ValidationView { passed: false, failure: Some(FailureView::from(&failure)) },
        };
        Ok(Checked {
            settings,
            manifest,
            interface,
            content,
            details,
            existing,
            generation,
            kind,
            state,
            shares: self.shares(&candidate),
            config_problems,
            validation,
            warnings,
            differs,
            candidate,
            loaded,
        })
    }

    /// Refuses settings whose webhooks could not be verified, or whose requests would have no credentials. Returns
    /// warnings about secrets beside which others work.
    async fn check_secrets(&self, settings: &Settings) -> Result<Vec<String>, AppError> {
        let (config, secrets) = (&self.process.config, &self.process.secrets);
        let fault = |field: &str, unusable: &UnusableSecret| Fault {
            field: Some(field.to_owned()),
            detail: unusable.to_string(),
        };
        let (mut faults, mut warnings) = (Vec::new(), Vec::new());
        if let Some(hook) = &settings.ingress.hook {
            let unusable = check_hook(hook, secrets, "hook").await;
            let is_key_file = unusable.iter().any(|one| one.key_file.is_some());
            if is_key_file || (!unusable.is_empty() && unusable.len() == hook.secrets().len()) {
                faults.extend(unusable.iter().map(|one| fault("hook", one)));
            } else {
                let beside = |one: &UnusableSecret| format!("{one}; webhooks are verified with the others");
                warnings.extend(unusable.iter().map(beside));
            }
        }
        let granted: BTreeSet<&String> = settings.grants.http.iter().flat_map(|grant| grant.auth.values()).collect();
        for (name, profile) in config.auth_profiles().filter(|(name, _)| granted.contains(&(*name).to_owned())) {
            let unusable = check_profile(name, profile, secrets, "grants.http").await;
            faults.extend(unusable.iter().map(|one| fault("grants.http.auth", one)));
        }
        if faults.is_empty() {
            return Ok(warnings);
        }
        let message =
            "secrets that these settings need cannot be used: correct them, then repeat the command".to_owned();
        Err(AppError::Invalid { message, field: None, problems: faults })
    }

    /// Reads the manifest of a package that the host has.
    pub(crate) async fn package(&self, digest: &str) -> Result<Package, AppError> {
        let digest: Digest = digest.parse().map_err(|error| AppError::invalid("digest", format!("{error}")))?;
        let packages = self.packages.clone();
        let bytes = blocking(move || packages.get(&digest.to_string()))
            .await?
            .map_err(|error| AppError::invalid("digest", error.to_string()))?;
        Package::read_bounded(&bytes, self.process.config.runtime_limits.component_bytes)
            .map_err(|error| AppError::invalid("package", error.to_string()))
    }

    /// Refuses what the host's rules forbid for an existing installation.
    fn refuse_unfit(
        &self,
        wanted: &Wanted,
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
        if existing.scope != settings.scope {
            let message = format!(
                "`{}` works for `{}`, not `{}`: choose another name, its state belongs to `{1}`",
                existing.name, existing.scope, settings.scope,
            );
            return refuse("other-scope", message);
        }
        let schema = self.store.state_schema(existing.id, &existing.active)?;
        // An operator already allowed such a version to run with newer state. Changed settings do not affect that
        // decision.
        if schema > content.state_schema && content.state_schema != existing.active.content.state_schema {
            let message = format!(
                "version {} keeps state of schema {}, and the installation's has schema {schema} already: no version reads what \
                 a later one wrote. `handoff rollback {}` goes back and puts the state back too",
                content.version, content.state_schema, existing.name,
            );
            return refuse("state-schema", message);
        }
        if !wanted.force && self.is_quarantined(existing.id, &content.digest)? {
            let message = format!(
                "a rollback left version {} of `{}`: it is not taken again unless you force it (`--force`)",
                content.version, existing.name,
            );
            return refuse("quarantined", message);
        }
        Ok(())
    }

    /// A file goes to one installation: two installations that watch the same folder would race for it.
    fn refuse_shared_folders(&self, wanted: &Wanted, settings: &Settings) -> Result<(), AppError> {
        for other in self.store.installations().iter().filter(|other| other.name != wanted.name) {
            let theirs = crate::shard::ingress_settings(other)?.folders;
            for folder in &settings.ingress.folders {
                if theirs.iter().any(|their| their.path == folder.path) {
                    let message = format!("`{}` watches `{}` already", other.name, folder.path.display());
                    return Err(AppError::Refused { code: "folder-taken", message });
                }
            }
        }
        Ok(())
    }

    /// The installation as it would become.
    fn as_it_would_be(
        &self,
        wanted: &Wanted,
        existing: Option<&Installation>,
        settings: &Settings,
        content: &GenerationContent,
        generation: Generation,
    ) -> Installation {
        Installation {
            // An id that no installation has: a new installation has no state to read.
            id: existing.map_or(InstallationId(u32::MAX), |existing| existing.id),
            name: wanted.name.clone(),
            scope: settings.scope.clone(),
            active: GenerationRecord {
                generation,
                content: content.clone(),
                at: self.now(),
                by: wanted.by.clone(),
                reason: GenerationReason::Install,
                note: None,
            },
            previous: None,
            paused: None,
        }
    }

    fn next_generation(&self, id: InstallationId) -> Result<Generation, AppError> {
        Ok(Generation(self.store.generations(id)?.last().map_or(0, |record| record.generation.0) + 1))
    }

    /// Whether the new generation differs from the active one. An installation that its connector paused may be retried
    /// unchanged.
    fn differs(
        &self,
        existing: &Installation,
        content: &GenerationContent,
        details: &NewDetails,
    ) -> Result<bool, AppError> {
        let known = self.store.generation_details(existing.id, existing.active.generation)?;
        let is_stuck = existing.paused.as_ref().is_some_and(|pause| !pause.is_by_a_person());
        Ok(is_stuck
            || existing.active.content != *content
            || known.map(|known| known.again()).as_ref() != Some(details))
    }

    fn is_quarantined(&self, id: InstallationId, digest: &str) -> Result<bool, AppError> {
        Ok(quarantined(&self.store.generations(id)?).contains(digest))
    }
}

/// The settings as in the settings file. They arrive as JSON with the same keys.
pub(crate) fn settings(settings: &serde_json::Value, folder: Option<&str>) -> Result<Settings, AppError> {
    let text = toml::to_string(settings)
        .map_err(|error| AppError::invalid("settings", format!("these settings are no TOML: {error}")))?;
    let file = Path::new(folder.unwrap_or_default()).join("settings.toml");
    Ok(Settings::parse(&text, &file.to_string_lossy())?)
}

/// Warnings to show before the next generation is created.
fn warnings(
    existing: Option<&Installation>,
    content: &GenerationContent,
    schema: Option<u32>,
    differs: bool,
) -> Vec<String> {
    let Some(existing) = existing else { return Vec::new() };
    let mut warnings = Vec::new();
    if !differs {
        warnings.push("nothing differs from the active generation: there is nothing to do".to_owned());
    }
    if let Some(schema) = schema.filter(|schema| *schema > content.state_schema) {
        warnings.push(format!(
            "its records are of schema {schema}, which a rollback kept; version {} was made for schema {}",
            content.version, content.state_schema,
        ));
    }
    warnings.extend(existing.stays_paused());
    warnings
}

/// The state change of the new generation. `from` is the schema version of the existing state.
fn state_change(from: Option<u32>, content: &GenerationContent) -> StateChangeView {
    match from {
        None => StateChangeView::Fresh,
        Some(from) if from < content.state_schema => StateChangeView::Migrate { from, to: content.state_schema },
        Some(_) => StateChangeView::Keep,
    }
}

/// Config fields that do not match the version's schema, by their names in the settings file.
fn config_problems(manifest: &Manifest, settings: &Settings) -> Vec<Fault> {
    let Some(config) = &manifest.config else { return Vec::new() };
    let misfits = config.schema.violations(&serde_json::Value::Object(settings.config.clone()));
    let fault = |misfit: handoff_package::manifest::SchemaViolation| {
        let dot = if misfit.field.is_empty() { "" } else { "." };
        Fault { field: Some(format!("config{dot}{}", misfit.field)), detail: misfit.detail }
    };
    misfits.into_iter().map(fault).collect()
}

/// The error for a config that does not match the schema. Approval cannot override it: the config has to be fixed.
pub(super) fn misfit(checked: &Checked) -> AppError {
    let problems = checked.config_problems.clone();
    let message = format!(
        "the config does not fit {} {}: change it in the settings file and give that with --settings",
        checked.content.package, checked.content.version,
    );
    AppError::Invalid { message, field: problems.first().and_then(|fault| fault.field.clone()), problems }
}
