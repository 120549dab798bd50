//! `restore`: restores a backup into an empty data folder, or only verifies it. Uses only the store.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::args::{GlobalArgs, RestoreArgs};
use crate::connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::show;
use handoff_app::host::backup::view;
use handoff_control::host::backup::BackupView;
use handoff_store::{AuditVerdict, Backup, BackupError, Store, StoreOptions};

/// A backup that was restored or verified, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RestoreView {
    pub(crate) backup: BackupView,
    /// The data folder; none if the backup was only verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) restored_to: Option<String>,
    pub(crate) contents: Contents,
}

/// What a store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Contents {
    pub(crate) installations: u64,
    pub(crate) last_position: u64,
    pub(crate) waiting: u64,
    pub(crate) dead_letters: u64,
    pub(crate) outbox_pending: u64,
    pub(crate) outbox_held: u64,
    pub(crate) timers: u64,
    pub(crate) audit_entries: u64,
    pub(crate) audit_head: String,
}

pub(crate) async fn run(global: &GlobalArgs, args: &RestoreArgs, output: &mut Output) -> Result<Exit, CliError> {
    let (folder, is_trial) = (args.folder.clone(), args.verify);
    let data = match &args.data {
        _ if is_trial => trial_folder(&folder)?,
        Some(data) => data.clone(),
        None => connection::places(&global.config)?.data,
    };
    let to = data.clone();
    let work = tokio::task::spawn_blocking(move || {
        let done = handoff_store::restore_backup(&folder, &to).map_err(refused).and_then(|backup| {
            let contents = contents(&to)?;
            Ok((backup, contents))
        });
        if is_trial {
            // What is left behind of a trial is only space.
            drop(fs::remove_dir_all(&to));
        }
        done
    });
    let done = output.while_waiting("restoring", work).await;
    let (backup, contents): (Backup, Contents) = done.map_err(|error| CliError::failed(error.to_string()))??;
    let restored_to = (!is_trial).then(|| data.display().to_string());
    let view = RestoreView { backup: view(args.folder.display().to_string(), &backup), restored_to, contents };
    output.view(&view, show::backup::restored)?;
    Ok(Exit::Ok)
}

/// A new folder beside the backup, on the same disk.
fn trial_folder(backup: &Path) -> Result<PathBuf, CliError> {
    let folder = backup.canonicalize().map_err(|error| CliError::failed(format!("{}: {error}", backup.display())))?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(folder.with_file_name(format!("{name}.verify-{}", std::process::id())))
}

/// Opens the restored data as the host will, which makes the index again and reads the whole journal.
fn contents(data: &Path) -> Result<Contents, CliError> {
    let failed = |error: &dyn std::fmt::Display| CliError::failed(format!("the restored data cannot be used: {error}"));
    let store = Store::open(StoreOptions::new(data)).map_err(|error| failed(&error))?;
    let (audit_entries, audit_head) = match store.verify_audit().map_err(|error| failed(&error))? {
        AuditVerdict::Sound { entries, hash } => (entries, hex::encode(hash)),
        AuditVerdict::Broken { number, problem } => {
            return Err(failed(&format!("entry {number} of the audit log: {problem}")));
        }
    };
    let mut contents = Contents {
        installations: u64::try_from(store.installations().len()).unwrap_or(u64::MAX),
        last_position: store.last_position().0,
        audit_entries,
        audit_head,
        ..Contents::default()
    };
    for installation in store.installations() {
        let counts = store.counts(installation.id);
        contents.waiting += counts.waiting;
        contents.dead_letters += counts.dead_letters;
        contents.outbox_pending += counts.outbox_pending;
        contents.outbox_held += counts.outbox_held;
        contents.timers += counts.timers;
    }
    store.close();
    Ok(contents)
}

fn refused(error: BackupError) -> CliError {
    match error {
        BackupError::NotEmpty(_) => {
            CliError::new(Exit::Refused, "data-not-empty", "The data folder is not empty", error.to_string())
                .hint("stop the host and move the old data folder away; --data names another one")
        }
        BackupError::NoList(_)
        | BackupError::BadList { .. }
        | BackupError::TooNew { .. }
        | BackupError::Damaged { .. } => {
            CliError::new(Exit::Refused, "backup-unusable", "The backup cannot be used", error.to_string())
        }
        other => CliError::failed(other.to_string()),
    }
}
