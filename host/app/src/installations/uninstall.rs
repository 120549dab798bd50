//! Uninstalls an installation: reports what waits, exports it if asked to, and ends it.

use std::path::PathBuf;

use crate::error::AppError;
use crate::outbox::view::view;
use crate::shard::Shard;
use handoff_control::installations::uninstall::{
    ExportView, ExportedFile, PendingView, UninstallReport, UninstallRequest,
};
use handoff_model::actor::Identity;
use handoff_model::installation::Installation;
use handoff_model::names::InstallationName;
use handoff_store::{Exported, Pending, Uninstall};

impl Shard {
    /// Ends an installation, or reports what that would remove.
    pub async fn uninstall(
        &self,
        caller: &Identity,
        name: &InstallationName,
        request: UninstallRequest,
    ) -> Result<UninstallReport, AppError> {
        let _one_at_a_time = self.changes.lock().await;
        let installation = self.find(name)?;
        let export = request.export.as_deref().map(|folder| self.export_folder(caller, folder)).transpose()?;
        if request.dry_run {
            let (store, id) = (self.store.clone(), installation.id);
            let pending = crate::shard::blocking(move || store.pending(id)).await??;
            return Ok(report(&installation, &pending));
        }
        let ask = Uninstall {
            name: name.clone(),
            by: caller.acting(request.by.as_deref()),
            reason: request.reason,
            at: self.now(),
            export,
        };
        let outcome = self.store.uninstall(ask).await?;
        if let Ok(engine) = self.engine() {
            engine.end_probation(installation.id);
            engine.cut_all_sends(installation.id).await;
        }
        self.verifiers.lock().remove(&installation.id);
        let ended = &outcome.uninstalled.installation;
        tracing::info!(installation = %ended.name, by = %outcome.uninstalled.by, "uninstalled");
        Ok(UninstallReport {
            uninstalled: true,
            export: outcome.exported.map(exported),
            ..report(ended, &outcome.removed)
        })
    }

    /// Checks the folder of an export. A request from elsewhere does not choose where the host writes.
    fn export_folder(&self, caller: &Identity, folder: &str) -> Result<PathBuf, AppError> {
        if matches!(caller, Identity::Token(_)) {
            let message = "an export is written on the host's machine: run `handoff uninstall --export` there";
            return Err(AppError::Refused { code: "not-on-this-machine", message: message.to_owned() });
        }
        let folder = PathBuf::from(folder);
        if !folder.is_absolute() {
            let message = format!("found `{}`, expected an absolute path", folder.display());
            return Err(AppError::invalid("export", message));
        }
        if folder.exists() {
            let message = format!("`{}` exists already: name a folder that does not exist", folder.display());
            return Err(AppError::invalid("export", message));
        }
        if folder.starts_with(self.store.folder()) {
            return Err(AppError::invalid("export", "expected a folder outside the data folder"));
        }
        Ok(folder)
    }
}

fn report(installation: &Installation, pending: &Pending) -> UninstallReport {
    let content = &installation.active.content;
    UninstallReport {
        name: installation.name.clone(),
        scope: installation.scope.clone(),
        package: content.package.clone(),
        version: content.version.to_string(),
        generation: installation.active.generation,
        uninstalled: false,
        removed: PendingView {
            events: pending.events,
            dead_letters: pending.dead_letters,
            requests: pending.requests,
            requests_held: pending.held,
            requests_perhaps_sent: pending.perhaps_sent,
            timers: pending.timers,
            state_keys: pending.state_keys,
        },
        perhaps_sent: pending.first_perhaps_sent.iter().map(|entry| view(&installation.name, entry)).collect(),
        export: None,
    }
}

fn exported(exported: Exported) -> ExportView {
    let file = |(name, lines): (&str, u64)| ExportedFile { name: name.to_owned(), lines };
    ExportView {
        folder: exported.folder.display().to_string(),
        files: exported.files.into_iter().map(file).collect(),
        bytes: exported.bytes,
    }
}
