//! Backups of the data folder: `POST /v1/backups`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Time;
use crate::operation::Post;

/// Writes a backup. Large data folders take minutes.
pub const BACK_UP: Post<BackUpRequest, BackupView> =
    Post::post("backUp", "/v1/backups", "Write a backup of the data folder while the host runs")
        .works_offline()
        .timeout(Duration::from_secs(6 * 3_600));

/// Requests a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackUpRequest {
    /// An absolute path on the host's machine, where the host's user may write: an empty folder, or one to create.
    pub folder: String,
    /// A note beside the caller, for example for whom it acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, for the audit log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A finished backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupView {
    /// Its folder.
    pub folder: String,
    /// When it was made. Everything that the host acknowledged before is in it.
    pub at: Time,
    /// The version of the program that made it.
    pub program: String,
    /// The schema of the data.
    pub schema: u32,
    /// Number of files.
    pub files: u64,
    /// Size of all files in bytes.
    pub bytes: u64,
}
