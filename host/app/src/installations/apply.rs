//! Applies a lock: makes a plan first, then installs or upgrades each installation. It removes nothing and uses only
//! the exact bytes that the lock names.

use sha2::{Digest as _, Sha256};

use crate::error::AppError;
use crate::installations::{config_diff, preflight};
use crate::shard::Shard;
use handoff_control::installations::install::{AskKind, Granted, InstallRequest};
use handoff_control::installations::lock::{ApplyDoes, ApplyReport, ApplyRequest, ApplyStep, LockedInstallation};
use handoff_control::installations::upgrade::{ConfigChangeView, UpgradeRequest};
use handoff_control::registry::{PullRequest, SignerView};
use handoff_model::actor::Identity;
use handoff_model::installation::{Installation, Signer};
use handoff_model::names::{Generation, InstallationName};
use handoff_model::scope::Scope;

/// Maximum number of installations in a lock.
const INSTALLATIONS_MAX: usize = 10_000;
/// Hexadecimal digits of a plan's code, as for an upgrade.
const CODE_DIGITS: usize = 12;

/// The plan for one installation.
struct Planned {
    step: ApplyStep,
    /// A code over everything that needs approval.
    code: String,
    /// The approval code of the upgrade report; none for a first install.
    approval: Option<String>,
}

impl Shard {
    /// Plans the changes that bring the host to the state of a lock, and makes them if the operator approved this plan.
    /// If one installation fails, the others continue.
    pub async fn apply(&self, caller: &Identity, request: ApplyRequest) -> Result<ApplyReport, AppError> {
        if request.lock.installations.len() > INSTALLATIONS_MAX {
            let message = format!("a lock has at most {INSTALLATIONS_MAX} installations");
            return Err(AppError::invalid("lock", message));
        }
        let mut planned = Vec::new();
        for locked in &request.lock.installations {
            planned.push(self.plan(caller, locked, &request).await);
        }
        let code = code(&planned);
        if request.dry_run {
            return Ok(self.apply_report(&request, planned, code, false));
        }
        if let Some(code) = &code {
            refuse_other_plan(code, request.approve.as_deref())?;
            for (locked, planned) in request.lock.installations.iter().zip(&mut planned) {
                let is_open = planned.step.does != ApplyDoes::Nothing && planned.step.problem.is_none();
                if is_open {
                    self.carry_out(caller, locked, &request, planned).await;
                }
            }
        }
        Ok(self.apply_report(&request, planned, code, true))
    }

    /// Fetches the package if necessary and asks the use case for a dry run. Errors become part of the plan.
    async fn plan(&self, caller: &Identity, locked: &LockedInstallation, request: &ApplyRequest) -> Planned {
        let existing = self.store.installation(&locked.name);
        let content = existing.as_ref().map(|existing| &existing.active.content);
        let mut step = ApplyStep {
            name: locked.name.clone(),
            package: locked.package.clone(),
            version: locked.version.clone(),
            does: match content {
                None => ApplyDoes::Install,
                Some(content) if content.digest != locked.digest => ApplyDoes::Upgrade,
                Some(_) => ApplyDoes::Reconfigure,
            },
            from_version: content.map(|content| content.version.to_string()),
            scope: locked.scope.clone(),
            grants: Vec::new(),
            grants_dropped: Vec::new(),
            changes: Vec::new(),
            warnings: Vec::new(),
            problem: None,
            generation: existing.as_ref().map(|existing| existing.active.generation),
        };
        let mut approval = None;
        match self.is_reached(locked, existing.as_deref()) {
            Ok(true) => step.does = ApplyDoes::Nothing,
            Ok(false) => {
                let looked = self.look(caller, locked, request, &mut step, existing.as_deref()).await;
                match looked {
                    Ok(needed) => approval = needed,
                    Err(error) => step.problem = Some(error.told()),
                }
            }
            Err(error) => step.problem = Some(error.told()),
        }
        let code = fingerprint(&[
            step.name.as_str(),
            &format!("{:?}", step.does),
            &step.generation.map_or(0, |generation| generation.0).to_string(),
            &locked.digest,
            &settings(locked).to_string(),
            &step.grants.join("\n"),
            approval.as_deref().unwrap_or_default(),
        ]);
        Planned { step, code, approval }
    }

    /// Whether an installation is in the state of the lock.
    fn is_reached(&self, locked: &LockedInstallation, existing: Option<&Installation>) -> Result<bool, AppError> {
        let Some(existing) = existing else { return Ok(false) };
        if existing.active.content.digest != locked.digest {
            return Ok(false);
        }
        let details = self.store.generation_details(existing.id, existing.active.generation)?;
        Ok(details.is_some_and(|details| {
            let kept = serde_json::from_str::<serde_json::Value>(&details.settings_json);
            kept.is_ok_and(|kept| kept == settings(locked))
                && has_same_paths(locked, details.settings_folder.as_deref())
        }))
    }

    /// Runs the use case as a dry run. Returns the approval code that it requires.
    async fn look(
        &self,
        caller: &Identity,
        locked: &LockedInstallation,
        request: &ApplyRequest,
        step: &mut ApplyStep,
        existing: Option<&Installation>,
    ) -> Result<Option<String>, AppError> {
        self.fetch_locked(locked, step).await?;
        let (install, approval) = if let Some(existing) = existing {
            step.changes = self.settings_changes(locked, existing)?;
            let report = self.upgrade(caller, &locked.name, upgrade(locked, request, true, None)).await?;
            if let Some(problem) = report.config.problems.first() {
                return Err(AppError::invalid(problem.field.clone(), format!("{}: {}", problem.field, problem.detail)));
            }
            step.grants = report.grants_added.iter().map(|grant| may(grant.kind, &grant.what)).collect();
            step.grants_dropped = report.grants_dropped.iter().map(|grant| may(grant.kind, &grant.what)).collect();
            (report.install, Some(report.approval_code))
        } else {
            (self.install(caller, install(locked, request, true)).await?, None)
        };
        if !install.validation.passed {
            let why = install.validation.failure.as_ref();
            let why = why.map_or("it does not say why", |failure| failure.message.as_str());
            return Err(AppError::invalid("settings", format!("{} refuses its config: {why}", locked.package)));
        }
        if existing.is_none() {
            let granted = install.asks.iter().filter(|ask| ask.granted != Granted::No);
            step.grants = granted.map(|ask| may(ask.kind, &ask.what)).collect();
        }
        step.warnings.extend(install.warnings);
        if (install.package.as_str(), install.version.as_str()) != (locked.package.as_str(), locked.version.as_str()) {
            let message = format!(
                "the bytes {} are {} {}, not {} {}: the lock was changed by hand; create it again with `handoff lock`",
                locked.digest, install.package, install.version, locked.package, locked.version,
            );
            return Err(AppError::Refused { code: "other-package", message });
        }
        Ok(approval)
    }

    /// Differences between the active settings and those of the lock.
    fn settings_changes(
        &self,
        locked: &LockedInstallation,
        existing: &Installation,
    ) -> Result<Vec<ConfigChangeView>, AppError> {
        let details = self.store.generation_details(existing.id, existing.active.generation)?;
        let (before, folder) =
            details.map(|details| (details.settings_json, details.settings_folder)).unwrap_or_default();
        // Generations made by an earlier version of the host have no stored settings. All settings then count as new.
        let before = if before.is_empty() { "{}" } else { before.as_str() };
        let mut changes = config_diff::between(before, &settings(locked).to_string());
        if !has_same_paths(locked, folder.as_deref()) {
            let field = "the folder from which relative paths count".to_owned();
            changes.push(ConfigChangeView { field, before: folder, after: locked.settings_folder.clone() });
        }
        Ok(changes)
    }

    /// Makes the exact bytes of the lock available: from the host if it has them, else from the registry that the lock
    /// names. Requires a currently valid signature.
    async fn fetch_locked(&self, locked: &LockedInstallation, step: &mut ApplyStep) -> Result<(), AppError> {
        let is_here = self.packages.contains(&locked.digest);
        let known = self.store.provenance(&locked.digest)?;
        let signer = match (&locked.registry, &known) {
            // A package from a file has no registry: the host has its bytes or it does not.
            (None, _) if is_here => return Ok(()),
            (None, _) => {
                let message = format!(
                    "the lock names no registry for {} {}, and this host does not have {}: upload the file once, with \
                     `handoff install`",
                    locked.package, locked.version, locked.digest,
                );
                return Err(AppError::Refused { code: "no-registry", message });
            }
            // If the key was revoked, the local copy is unusable. The registry may have a signature by a valid key.
            (Some(_), Some(known)) if is_here && self.refuse_untrusted(&known.signer).is_ok() => {
                let Signer { publisher, key_id } = known.signer.clone();
                SignerView { publisher, key_id }
            }
            (Some(registry), _) => {
                let pulled = self
                    .pull(PullRequest {
                        registry: Some(registry.clone()),
                        package: locked.package.clone(),
                        digest: Some(locked.digest.clone()),
                        ..PullRequest::default()
                    })
                    .await?;
                step.warnings.extend(pulled.warnings);
                pulled.signer
            }
        };
        if let Some(expected) = locked.signer.as_ref().filter(|expected| **expected != signer) {
            step.warnings.push(format!(
                "signed by {} with the key {}; when the lock was written it was {}",
                signer.publisher, signer.key_id, expected.key_id,
            ));
        }
        Ok(())
    }

    async fn carry_out(
        &self,
        caller: &Identity,
        locked: &LockedInstallation,
        request: &ApplyRequest,
        planned: &mut Planned,
    ) {
        let done: Result<Generation, AppError> = match planned.step.does {
            ApplyDoes::Install => {
                self.install(caller, install(locked, request, false)).await.map(|report| report.generation)
            }
            _ => {
                let approve = planned.approval.clone();
                let report = self.upgrade(caller, &locked.name, upgrade(locked, request, false, approve)).await;
                report.map(|report| report.install.generation)
            }
        };
        match done {
            Ok(generation) => planned.step.generation = Some(generation),
            Err(error) => planned.step.problem = Some(error.told()),
        }
    }

    fn apply_report(
        &self,
        request: &ApplyRequest,
        planned: Vec<Planned>,
        code: Option<String>,
        applied: bool,
    ) -> ApplyReport {
        let named = |name: &InstallationName| request.lock.installations.iter().any(|locked| locked.name == *name);
        let mut not_in_lock: Vec<_> =
            self.store.installations().iter().map(|other| other.name.clone()).filter(|name| !named(name)).collect();
        not_in_lock.sort();
        let steps = planned.into_iter().map(|planned| planned.step).collect();
        ApplyReport { steps, not_in_lock, code, applied }
    }
}

/// The code of the whole plan; none if there is nothing to do.
fn code(planned: &[Planned]) -> Option<String> {
    let is_open = |planned: &&Planned| planned.step.does != ApplyDoes::Nothing && planned.step.problem.is_none();
    planned.iter().find(is_open)?;
    let codes: Vec<&str> = planned.iter().map(|planned| planned.code.as_str()).collect();
    let mut code = fingerprint(&codes);
    code.truncate(CODE_DIGITS);
    Some(code)
}

fn refuse_other_plan(code: &str, approve: Option<&str>) -> Result<(), AppError> {
    match approve {
        Some(given) if given == code => Ok(()),
        Some(_) => Err(AppError::Refused {
            code: "approval-changed",
            message:
                "the code stands for another plan: the lock or what is installed is not what it was. Look at the plan \
                      again; nothing was changed"
                    .to_owned(),
        }),
        None => Err(AppError::Refused {
            code: "needs-approval",
            message: format!("to approve the plan, give its code, {code}; nothing was changed"),
        }),
    }
}

fn install(locked: &LockedInstallation, request: &ApplyRequest, dry_run: bool) -> InstallRequest {
    InstallRequest {
        name: locked.name.clone(),
        digest: locked.digest.clone(),
        settings: settings(locked),
        settings_folder: locked.settings_folder.clone(),
        by: request.by.clone(),
        reason: request.reason.clone(),
        dry_run,
        force: false,
    }
}

fn upgrade(
    locked: &LockedInstallation,
    request: &ApplyRequest,
    dry_run: bool,
    approve: Option<String>,
) -> UpgradeRequest {
    UpgradeRequest {
        digest: Some(locked.digest.clone()),
        settings: Some(settings(locked)),
        settings_folder: locked.settings_folder.clone(),
        by: request.by.clone(),
        reason: request.reason.clone(),
        dry_run,
        approve,
        ..UpgradeRequest::default()
    }
}

/// A permission as a phrase with a verb.
fn may(kind: AskKind, what: &str) -> String {
    format!("{} {what}", kind.verb())
}

/// The settings as in the settings file.
fn settings(locked: &LockedInstallation) -> serde_json::Value {
    let mut settings = locked.settings.clone();
    if let Some(table) = settings.as_object_mut() {
        let (key, name) = match &locked.scope {
            Scope::Rooftop(name) => ("rooftop", name.as_str()),
            Scope::Group(name) => ("group", name.as_str()),
        };
        table.insert(key.to_owned(), name.into());
    }
    settings
}

/// Whether the paths in the settings are the same if they start from another folder.
fn has_same_paths(locked: &LockedInstallation, folder: Option<&str>) -> bool {
    let paths = |folder| preflight::settings(&settings(locked), folder).map(|settings| settings.ingress).ok();
    folder == locked.settings_folder.as_deref() || paths(folder) == paths(locked.settings_folder.as_deref())
}

fn fingerprint(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        // The length comes first, so that different parts cannot have the same input.
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part);
    }
    hex::encode(hasher.finalize())
}
