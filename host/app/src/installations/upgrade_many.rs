//! Upgrades or reconfigures many installations: checks all of them, needs one approval of all reports, and makes all swaps
//! in one durable write. If one installation does not fit, none is changed.

use std::time::Instant;

use super::preflight::{Checked, Wanted};
use super::select::Selected;
use super::{approval, template, upgrade};
use crate::error::AppError;
use crate::registry::reference::exactly;
use crate::shard::Shard;
use handoff_control::installations::many::{ManyUpgradeReport, ManyUpgradeRequest, NotChanged};
use handoff_control::installations::upgrade::{UpgradeReport, UpgradeRequest};
use handoff_model::actor::Identity;
use handoff_model::installation::Installation;

impl Shard {
    /// Creates the next generation of all selected installations, or reports what they would be.
    pub async fn upgrade_many(
        &self,
        caller: &Identity,
        request: ManyUpgradeRequest,
    ) -> Result<ManyUpgradeReport, AppError> {
        let started = Instant::now();
        let Selected { installations, left_out } = self.select(&request.select)?;
        let digest = self.digest_of(installations.first().map(AsRef::as_ref), &request).await?;
        let _one_at_a_time = self.changes.lock().await;
        let mut report = ManyUpgradeReport {
            package: request.select.package.clone(),
            applied: false,
            took_ms: 0,
            installations: Vec::with_capacity(installations.len()),
            failed: Vec::new(),
            left_out,
            approval_code: String::new(),
        };
        let (mut all, mut codes) = (Vec::with_capacity(installations.len()), Vec::new());
        for installation in &installations {
            match self.checked_one(caller, &request, digest.as_deref(), &installation.name).await {
                Ok((checked, one)) => {
                    codes.push(one.approval_code.clone());
                    report.installations.push(one);
                    all.push(checked);
                }
                Err(error) => {
                    let reason = error.told();
                    codes.push(format!("{}: {reason}", installation.name));
                    report.failed.push(NotChanged { name: installation.name.clone(), reason });
                }
            }
        }
        report.approval_code = approval::code_of_all(&codes);
        if !request.dry_run && report.failed.is_empty() {
            approval::refuse_other(&report.approval_code, request.approve.as_deref())?;
            report.failed = self.make_all(&all, &mut report.installations, request.reason).await?;
            report.applied = true;
        }
        report.took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(report)
    }

    /// The requested package; none if each installation stays at its own.
    async fn digest_of(
        &self,
        first: Option<&Installation>,
        request: &ManyUpgradeRequest,
    ) -> Result<Option<String>, AppError> {
        match (&request.digest, &request.version, first) {
            (Some(_), Some(_), _) => {
                Err(AppError::invalid("version", "name a version or a digest, not both: they could differ"))
            }
            (Some(digest), None, _) => Ok(Some(digest.clone())),
            (None, Some(version), Some(first)) => {
                Ok(Some(self.resolve_for(first, Some(&exactly(version))).await?.digest))
            }
            (None, _, _) if request.template.is_some() => Ok(None),
            _ => Err(AppError::invalid("version", "name a version, a package or settings: nothing would change")),
        }
    }

    async fn checked_one(
        &self,
        caller: &Identity,
        request: &ManyUpgradeRequest,
        digest: Option<&str>,
        name: &handoff_model::names::InstallationName,
    ) -> Result<(Checked, UpgradeReport), AppError> {
        let existing = self.find(name)?;
        let (settings, folder) = self.settings_for(&existing, &UpgradeRequest::default())?;
        let (settings, folder) = match &request.template {
            Some(template) => {
                (template::applied(settings, template, &existing), request.settings_folder.clone().or(folder))
            }
            None => (settings, folder),
        };
        let wanted = Wanted {
            name: name.clone(),
            digest: digest.unwrap_or(&existing.active.content.digest).to_owned(),
            settings,
            settings_folder: folder,
            by: caller.acting(request.by.as_deref()),
            force: request.force,
        };
        let checked = self.check(&wanted).await?;
        upgrade::refuse_unusable(&checked)?;
        let code = approval::code(&checked);
        let mut report = upgrade::report(&checked, &existing, &code);
        report.install.warnings.extend(approval::older(&checked));
        Ok((checked, report))
    }

    /// Makes all swaps durable in one write. Migrations run before, one after the other, while events wait. Returns the
    /// installations that changed in the meantime.
    async fn make_all(
        &self,
        all: &[Checked],
        reports: &mut [UpgradeReport],
        reason: Option<String>,
    ) -> Result<Vec<NotChanged>, AppError> {
        let (mut new, mut changed, mut quiet) = (Vec::new(), Vec::new(), Vec::new());
        for (checked, report) in all.iter().zip(reports) {
            if !checked.differs {
                continue;
            }
            let prepared = self.prepare(checked, reason.clone()).await?;
            report.keys_migrated = prepared.keys_migrated;
            quiet.push(prepared.quiet);
            new.push(prepared.new);
            changed.push(report);
        }
        let made = self.store.put_generations(new).await?;
        drop(quiet);
        let mut failed = Vec::new();
        for (report, made) in changed.into_iter().zip(made) {
            match made {
                Ok(made) => {
                    report.install.generation = made.active.generation;
                    report.install.applied = true;
                }
                Err(error) => {
                    let reason = AppError::from(error).told();
                    failed.push(NotChanged { name: report.install.name.clone(), reason });
                }
            }
        }
        Ok(failed)
    }
}
