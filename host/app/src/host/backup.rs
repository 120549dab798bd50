//! Writes a backup of the data folder while the host runs.

use std::path::PathBuf;

use crate::error::AppError;
use crate::shard::{Shard, blocking};
use handoff_control::host::backup::{BackUpRequest, BackupView};
use handoff_model::actor::Identity;
use handoff_store::{Backup, BackupError, NewAudit};

impl Shard {
    /// Writes a backup into an empty folder of this machine. Refused for holders of a token: a request from elsewhere
    /// does not choose where the host writes.
    pub async fn back_up(&self, caller: &Identity, request: BackUpRequest) -> Result<BackupView, AppError> {
        if matches!(caller, Identity::Token(_)) {
            let message = "a backup is written on the host's machine: run `handoff backup` there";
            return Err(AppError::Refused { code: "not-on-this-machine", message: message.to_owned() });
        }
        let folder = PathBuf::from(&request.folder);
        if !folder.is_absolute() {
            return Err(AppError::invalid(
                "folder",
                format!("found `{}`, expected an absolute path", folder.display()),
            ));
        }
        if folder.starts_with(self.store.folder()) {
            let message = "expected a folder outside the data folder: a backup that is lost with the data is none";
            return Err(AppError::invalid("folder", message));
        }
        let (store, to, at) = (self.store.clone(), folder.clone(), self.now());
        let backup = blocking(move || store.back_up(&to, env!("CARGO_PKG_VERSION"), at)).await?.map_err(refused)?;
        let view = view(request.folder, &backup);
        let detail = serde_json::json!({ "folder": view.folder, "bytes": view.bytes, "reason": request.reason });
        let audit = NewAudit {
            at: self.now(),
            by: caller.acting(request.by.as_deref()),
            action: "backup",
            subject: "host".to_owned(),
            detail_json: detail.to_string(),
            scopes: Vec::new(),
        };
        self.store.add_audit(audit).await?;
        tracing::info!(folder = view.folder, files = view.files, bytes = view.bytes, "backup written");
        Ok(view)
    }
}

/// Describes a backup.
#[must_use]
pub fn view(folder: String, backup: &Backup) -> BackupView {
    BackupView {
        folder,
        at: backup.at.into(),
        program: backup.program.clone(),
        schema: backup.schema,
        files: u64::try_from(backup.files.len()).unwrap_or(u64::MAX),
        bytes: backup.bytes(),
    }
}

fn refused(error: BackupError) -> AppError {
    match error {
        BackupError::NotEmpty(_) => AppError::invalid("folder", error.to_string()),
        other => AppError::Refused { code: "backup-failed", message: other.to_string() },
    }
}
