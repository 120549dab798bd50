//! Upgrades or reconfigures an installation: makes one report of all changes, requires approval for new permissions,
//! then swaps the generation while events are delivered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use handoff_package::package::INTERFACE_NAME;

use handoff_model::installation::{Installation, Origin};
use handoff_model::names::InstallationName;
use handoff_runtime::INTERFACE;

use super::preflight::{Checked, Wanted, misfit};
use super::{approval, config_diff, grant_changes, install};
use crate::error::AppError;
use crate::registry::reference::exactly;
use crate::shard::Shard;
use handoff_control::installations::GenerationKind;
use handoff_control::installations::history::OriginView;
use handoff_control::installations::install::StateChangeView;
use handoff_control::installations::upgrade::{
    ConfigProblemView, ConfigView, InterfaceView, UpgradeReport, UpgradeRequest,
};
use handoff_control::registry::PullRequest;
use handoff_control::shadow::ShadowView;
use handoff_model::actor::Identity;

/// Maximum number and duration of deliveries that a report replays: the caller waits for it.
const SHADOW_LAST: u32 = 50;
const SHADOW_TIME: Duration = Duration::from_secs(5);

impl Shard {
    /// Creates the next generation of an installation, or reports what it would be. New permissions require the code of
    /// the report that the operator approved.
    pub async fn upgrade(
        &self,
        caller: &Identity,
        name: &InstallationName,
        request: UpgradeRequest,
    ) -> Result<UpgradeReport, AppError> {
        let started = Instant::now();
        // A registry may be slow. Other changes do not wait for it.
        let Meant { digest, warnings, questions, .. } = self.meant_by(&*self.find(name)?, &request).await?;
        let _one_at_a_time = self.changes.lock().await;
        let existing = self.find(name)?;
        let (settings, settings_folder) = self.settings_for(&existing, &request)?;
        let by = caller.acting(request.by.as_deref());
        let wanted = Wanted { name: name.clone(), digest, settings, settings_folder, by, force: request.force };
        let checked = self.check(&wanted).await?;
        let code = approval::code(&checked);
        let mut report = report(&checked, &existing, &code);
        report.install.warnings.extend(warnings);
        report.install.warnings.extend(approval::older(&checked));
        if checked.differs {
            report.needs_approval.extend(questions);
            report.needs_approval.extend(self.shadow_failures.of(&code).filter(|_| !request.dry_run));
        }
        // Nothing differs: the request is a retry, or the settings are unchanged.
        if request.dry_run && checked.differs {
            report.shadow = self.shadow_for(&checked, &existing, &mut report.install.warnings).await;
            if let Some(reason) = report.shadow.as_deref().and_then(approval::now_failing) {
                self.shadow_failures.note(&code, &reason);
                report.needs_approval.push(reason);
            }
        } else if checked.differs {
            self.refuse_unready(&checked, &report, &code, request.approve.as_deref())?;
            let made = self.make(&checked, request.reason).await?;
            report.install.generation = made.installation.active.generation;
            report.install.applied = true;
            report.keys_migrated = made.keys_migrated;
        }
        report.install.took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(report)
    }

    /// Runs a short shadow run over the newest deliveries, if the new version can process them unchanged.
    async fn shadow_for(
        &self,
        checked: &Checked,
        existing: &Arc<Installation>,
        warnings: &mut Vec<String>,
    ) -> Option<Box<ShadowView>> {
        let fits = checked.config_problems.is_empty() && checked.validation.passed;
        if !fits || checked.kind != GenerationKind::Upgrade || checked.state != StateChangeView::Keep {
            return None;
        }
        match self.shadow_summary(existing, &checked.content, &checked.loaded, SHADOW_LAST, SHADOW_TIME).await {
            Ok(view) => Some(Box::new(view)),
            // The shadow run helps to decide but is not required.
            Err(error) => {
                warnings.push(format!("the newest deliveries could not be run on it: {error}"));
                None
            }
        }
    }

    /// Refuses an upgrade if the config does not match the schema, the connector refuses it, or the approval is missing
    /// or for another report.
    fn refuse_unready(
        &self,
        checked: &Checked,
        report: &UpgradeReport,
        code: &str,
        approve: Option<&str>,
    ) -> Result<(), AppError> {
        refuse_unusable(checked)?;
        match approve {
            Some(given) if given != code => Err(AppError::Refused {
                code: "approval-changed",
                message: format!(
                    "the code `{}` stands for another report: the package, the settings or the active generation are not what \
                     they were. Look at the report again; nothing was changed",
                    given.chars().take(40).collect::<String>(),
                ),
            }),
            None if !report.needs_approval.is_empty() => Err(AppError::Refused {
                code: "needs-approval",
                message: format!(
                    "{}: to approve that, give the report's code, {code}; nothing was changed",
                    report.needs_approval.join("; "),
                ),
            }),
            _ => Ok(()),
        }
    }

    /// The given settings, or those of the active generation.
    pub(super) fn settings_for(
        &self,
        existing: &Installation,
        request: &UpgradeRequest,
    ) -> Result<(serde_json::Value, Option<String>), AppError> {
        if let Some(settings) = &request.settings {
            return Ok((settings.clone(), request.settings_folder.clone()));
        }
        let kept = self.store.generation_details(existing.id, existing.active.generation)?;
        let Some(kept) = kept.filter(|kept| !kept.settings_json.is_empty()) else {
            let message = format!(
                "generation {} of `{}` was made before settings were kept: give the settings file with --settings",
                existing.active.generation, existing.name,
            );
            return Err(AppError::invalid("settings", message));
        };
        let settings = serde_json::from_str(&kept.settings_json)
            .map_err(|error| AppError::Internal(format!("the settings kept for `{}`: {error}", existing.name)))?;
        Ok((settings, kept.settings_folder))
    }

    /// Resolves the requested component.
    async fn meant_by(&self, existing: &Installation, request: &UpgradeRequest) -> Result<Meant, AppError> {
        let content = &existing.active.content;
        match (&request.digest, &request.version) {
            (Some(_), Some(_)) => {
                Err(AppError::invalid("version", "name a version or a digest, not both: they could differ"))
            }
            (Some(digest), None) => Ok(digest.clone().into()),
            // Only the settings change.
            (None, None) if request.settings.is_some() => Ok(content.digest.clone().into()),
            (None, version) => {
                let mut meant = self.resolve_for(existing, version.as_deref()).await?;
                let is_exact = version.as_deref().is_some_and(|version| exactly(version).starts_with('='));
                // A named version was chosen by the caller.
                let withdrawn = meant.withdrawn.take().filter(|_| !is_exact);
                let chosen = meant.version.clone().filter(|_| version.is_none()).map(|chosen| {
                    format!("no version was named, and {chosen} is the newest that fits ^{}", content.version)
                });
                meant.questions.extend(chosen.into_iter().chain(withdrawn));
                Ok(meant)
            }
        }
    }

    /// Resolves the requested version at the registry that the active generation came from.
    pub(crate) async fn resolve_for(
        &self,
        existing: &Installation,
        requirement: Option<&str>,
    ) -> Result<Meant, AppError> {
        let kept = self.store.generation_details(existing.id, existing.active.generation)?;
        let content = &existing.active.content;
        let Some(Origin::Registry { registry, .. }) = kept.map(|kept| kept.origin) else {
            let (field, asked) = match requirement {
                Some(requirement) => ("version", format!("`{requirement}`")),
                None => ("digest", "the next version".to_owned()),
            };
            let message = format!(
                "`{}` was installed from a file, so that there is no registry to ask for {asked}: name the package's file",
                existing.name,
            );
            return Err(AppError::invalid(field, message));
        };
        let pulled = self
            .pull(PullRequest {
                registry: Some(registry),
                package: content.package.clone(),
                requirement: Some(requirement.map_or_else(|| format!("^{}", content.version), exactly)),
                ..PullRequest::default()
            })
            .await?;
        Ok(Meant {
            digest: pulled.package.digest,
            warnings: pulled.warnings,
            version: Some(pulled.package.version),
            withdrawn: pulled.withdrawn,
            questions: Vec::new(),
        })
    }
}

/// A resolved component, with warnings.
#[derive(Default)]
pub(crate) struct Meant {
    pub(crate) digest: String,
    warnings: Vec<String>,
    /// The version, if a registry was asked.
    version: Option<String>,
    /// That the publisher deprecated or yanked it.
    withdrawn: Option<String>,
    /// What a person has to agree to.
    questions: Vec<String>,
}

impl From<String> for Meant {
    fn from(digest: String) -> Self {
        Self { digest, ..Self::default() }
    }
}

/// Refuses a config that does not match the schema, or that the connector refuses.
pub(super) fn refuse_unusable(checked: &Checked) -> Result<(), AppError> {
    if !checked.config_problems.is_empty() {
        return Err(misfit(checked));
    }
    if !checked.validation.passed {
        let failure = checked.validation.failure.as_ref();
        let why = failure.map_or("it does not say why", |failure| failure.message.as_str());
        let (package, version) = (&checked.content.package, &checked.content.version);
        return Err(AppError::invalid("config", format!("{package} {version} refuses its config: {why}")));
    }
    Ok(())
}

pub(super) fn report(checked: &Checked, existing: &Installation, code: &str) -> UpgradeReport {
    let before = &existing.active.content;
    let (grants_added, grants_dropped) = grant_changes::between(&before.grants, &checked.content.grants);
    let mut install = install::report(checked);
    let offered = semver::Version::parse(INTERFACE).ok();
    let newer = offered.is_some_and(|offered| checked.interface.minor > offered.minor);
    if newer {
        install.warnings.push(format!(
            "it is built for {INTERFACE_NAME}@{}, which is newer than this host: it links, and uses nothing that is missing here",
            checked.interface,
        ));
    }
    let problem = |fault: &crate::error::Fault| ConfigProblemView {
        field: fault.field.clone().unwrap_or_default(),
        detail: fault.detail.clone(),
    };
    UpgradeReport {
        install,
        origin: OriginView::from(&checked.details.origin),
        signer: checked.details.signer.clone(),
        interface: InterfaceView {
            built_for: format!("{INTERFACE_NAME}@{}", checked.interface),
            offered: format!("{INTERFACE_NAME}@{INTERFACE}"),
            newer,
        },
        approval_code: code.to_owned(),
        needs_approval: approval::reasons(&grants_added),
        grants_added,
        grants_dropped,
        config: ConfigView {
            has_schema: checked.manifest.config.is_some(),
            problems: checked.config_problems.iter().map(problem).collect(),
            changes: config_diff::between(&before.config_json, &checked.content.config_json),
        },
        shadow: None,
        keys_migrated: None,
    }
}
