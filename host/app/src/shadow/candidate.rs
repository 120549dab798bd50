//! Resolves a version, a digest and settings to code that can run. Installs nothing.

use std::sync::Arc;

use crate::error::AppError;
use crate::installations::preflight;
use crate::shard::Shard;
use handoff_config::{Asks, ConfigErrors, Settings, resolve_grants};
use handoff_control::shadow::CandidateRequest;
use handoff_engine::Loaded;
use handoff_model::installation::{GenerationContent, GenerationRecord, Installation, Origin};

impl Shard {
    /// Resolves a request, with warnings.
    pub(crate) async fn candidate(
        &self,
        installation: &Installation,
        request: &CandidateRequest,
    ) -> Result<(GenerationContent, Vec<String>), AppError> {
        let generations = self.store.generations(installation.id)?;
        let request = &self.pulled(installation, &generations, request).await?;
        let known = known(installation, &generations, request)?;
        if let (Some(content), None) = (known, &request.settings) {
            return Ok((content.clone(), Vec::new()));
        }
        let digest = match (&request.digest, known) {
            (Some(digest), _) => digest.clone(),
            (None, Some(content)) => content.digest.clone(),
            (None, None) => installation.active.content.digest.clone(),
        };
        let package = self.package(&digest).await?;
        let manifest = package.manifest;
        let active = &installation.active.content;
        if manifest.package.name.to_string() != active.package {
            let message = format!(
                "`{}` is an installation of {}, not of {}: its deliveries mean nothing to that",
                installation.name, active.package, manifest.package.name,
            );
            return Err(AppError::Refused { code: "other-package", message });
        }
        let mut content = GenerationContent {
            version: manifest.package.version.as_semver().clone(),
            digest,
            state_schema: manifest.state.schema,
            ..active.clone()
        };
        let mut warnings = Vec::new();
        match self.settings_of(installation, request)? {
            Some(settings) => {
                content.grants = resolve_grants(&settings, &Asks::from(&manifest)).map_err(ConfigErrors::new)?;
                content.config_json = settings.config_json();
            }
            None => warnings.push(
                "no settings were given: it ran with the config and the grants of the active generation, so that what \
                 it newly asks for was refused"
                    .to_owned(),
            ),
        }
        Ok((content, warnings))
    }

    /// Pulls the version from the registry if it was never installed here, and returns the request by digest.
    async fn pulled(
        &self,
        installation: &Installation,
        generations: &[GenerationRecord],
        request: &CandidateRequest,
    ) -> Result<CandidateRequest, AppError> {
        let wanted = request.version.as_deref().and_then(|version| semver::Version::parse(version).ok());
        let wanted = wanted.filter(|version| !generations.iter().any(|record| record.content.version == *version));
        let details = self.store.generation_details(installation.id, installation.active.generation)?;
        let has_registry = details.is_some_and(|details| matches!(details.origin, Origin::Registry { .. }));
        let Some(version) = wanted.filter(|_| request.digest.is_none() && has_registry) else {
            return Ok(request.clone());
        };
        let meant = self.resolve_for(installation, Some(&version.to_string())).await?;
        Ok(CandidateRequest { digest: Some(meant.digest), version: None, ..request.clone() })
    }

    /// Compiles the candidate. It cannot read state of a newer schema.
    pub(crate) async fn load_candidate(
        &self,
        installation: &Installation,
        content: &GenerationContent,
    ) -> Result<Arc<Loaded>, AppError> {
        let schema = self.store.state_schema(installation.id, &installation.active)?;
        let runs_now = content.state_schema == installation.active.content.state_schema;
        if content.state_schema < schema && !runs_now {
            let message = format!(
                "version {} keeps state of schema {}, the installation has schema {schema}: state is never migrated back",
                content.version, content.state_schema,
            );
            return Err(AppError::Refused { code: "state-schema", message });
        }
        let loaded = self.engine()?.load(installation, content).await;
        loaded.map_err(|error| AppError::invalid("candidate", format!("{}: {error}", error.code())))
    }

    fn settings_of(
        &self,
        installation: &Installation,
        request: &CandidateRequest,
    ) -> Result<Option<Settings>, AppError> {
        let (settings, folder) = match &request.settings {
            Some(settings) => (settings.clone(), request.settings_folder.clone()),
            None => {
                let details = self.store.generation_details(installation.id, installation.active.generation)?;
                let Some(details) = details else { return Ok(None) };
                let Ok(settings) = serde_json::from_str(&details.settings_json) else { return Ok(None) };
                (settings, details.settings_folder)
            }
        };
        let settings = preflight::settings(&settings, folder.as_deref())?;
        settings.check_references(&self.process.config)?;
        if settings.scope != installation.scope {
            let message = format!("`{}` works for `{}`", installation.name, installation.scope);
            return Err(AppError::invalid("settings", message));
        }
        Ok(Some(settings))
    }
}

/// The existing generation that a request refers to, if any.
fn known<'a>(
    installation: &'a Installation,
    generations: &'a [GenerationRecord],
    request: &CandidateRequest,
) -> Result<Option<&'a GenerationContent>, AppError> {
    let newest = |is_it: &dyn Fn(&GenerationContent) -> bool| {
        generations.iter().rev().map(|record| &record.content).find(|content| is_it(content))
    };
    match (&request.digest, &request.version) {
        (Some(_), Some(_)) => Err(AppError::invalid("version", "give `digest` or `version`, not both")),
        (Some(digest), None) if *digest == installation.active.content.digest => Ok(Some(&installation.active.content)),
        (Some(digest), None) => Ok(newest(&|content| content.digest == *digest)),
        (None, Some(version)) => {
            let found = newest(&|content| content.version.to_string() == *version);
            let what = || format!("version {version} among the generations of `{}`", installation.name);
            Ok(Some(found.ok_or_else(|| AppError::NotFound { what: what() })?))
        }
        (None, None) => Ok(Some(&installation.active.content)),
    }
}
