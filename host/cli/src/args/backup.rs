//! Options of `backup` and `restore`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::WhoArgs;

/// Options of `backup`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Holds everything that the host acknowledged before: events, state, requests, packages, the audit log. Does not hold the configuration and the secrets: back those up beside it. The host goes on meanwhile; a host that is stopped can be backed up, too.

The host's user writes the folder. A backup that was cut off has no `backup.json`, and `restore` refuses it.

Examples:
  handoff backup /mnt/backups/2026-11-30
  handoff backup /mnt/backups/before-the-move --reason 'new server'"
)]
pub(crate) struct BackupArgs {
    /// An empty folder on the host's machine, or one to create.
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
    /// Who and why.
    #[command(flatten)]
    pub who: WhoArgs,
}

/// Options of `restore`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Compares every file with the list that was written with the backup, opens the restored data, and verifies the audit log. The data folder must be empty or not exist: move an old one away first. Run it as the host's user.

Requests that had no answer when the backup was made are sent again, with the same idempotency keys.

Examples:
  handoff restore /mnt/backups/2026-11-30 --verify
  handoff restore /mnt/backups/2026-11-30"
)]
pub(crate) struct RestoreArgs {
    /// The folder of the backup.
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
    /// Only try it: restore into a temporary folder beside the backup, check everything, and remove it again.
    #[arg(long)]
    pub verify: bool,
    /// The data folder. Overrides the configuration.
    #[arg(long, value_name = "FOLDER", conflicts_with = "verify", value_hint = ValueHint::DirPath)]
    pub data: Option<PathBuf>,
}
