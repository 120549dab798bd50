//! Changing several installations at once: `POST /v1/rollback`, `POST /v1/upgrade`.

use serde::{Deserialize, Serialize};

use super::rollback::RollbackReport;
use super::upgrade::UpgradeReport;
use crate::operation::Post;
use handoff_model::names::{GroupName, InstallationName};

/// Rolls back all installations of a package.
pub const ROLLBACK: Post<ManyRollbackRequest, ManyRollbackReport> =
    Post::post("rollbackMany", "/v1/rollback", "Roll back all installations of a package").works_offline();
/// Upgrades or reconfigures all installations of a package.
pub const UPGRADE: Post<ManyUpgradeRequest, ManyUpgradeReport> = Post::post(
    "upgradeMany",
    "/v1/upgrade",
    "Upgrade or reconfigure all installations of a package, or show what that would do",
);

/// Which installations are changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Selection {
    /// `publisher/name`.
    pub package: String,
    /// Only installations of this group: of its rooftops, and of the group as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupName>,
    /// Only installations whose active version is this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// Requests a rollback of all selected installations in one durable write. Without a version in the selection, those with
/// the highest active version are rolled back: the others have not been upgraded to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManyRollbackRequest {
    /// The installations.
    pub select: Selection,
    /// The newest earlier generation with this version; none: the previous generation of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_version: Option<String>,
    /// Restore state and timers, even if the schema is the same.
    #[serde(default, skip_serializing_if = "is_false")]
    pub restore_state: bool,
    /// Keep state and timers, even if the older version has a different schema.
    #[serde(default, skip_serializing_if = "is_false")]
    pub keep_state: bool,
    /// Deliver events of the rolled-back generations again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub replay: bool,
    /// Report what would happen and change nothing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
    /// The person that the caller acts for, or another note for the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The reason, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The result of a rollback of several installations, or of its dry run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManyRollbackReport {
    /// The package.
    pub package: String,
    /// The version that was rolled back.
    pub version: String,
    /// False for a dry run, which changes nothing.
    pub applied: bool,
    /// Time from the request until all swaps were durable, in microseconds.
    #[serde(default)]
    pub took_us: u64,
    /// A report for each installation.
    pub installations: Vec<RollbackReport>,
    /// Installations that could not be rolled back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<NotChanged>,
    /// Installations of the package that have another active version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<NotChanged>,
}

/// An installation that was not changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotChanged {
    /// Its name.
    pub name: InstallationName,
    /// Why, in a sentence.
    pub reason: String,
}

/// Requests the next generation of all selected installations. All swaps are one durable write.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManyUpgradeRequest {
    /// The installations.
    pub select: Selection,
    /// `sha256:<hex>` of a package that the host has. Mutually exclusive with `version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// A version or a requirement such as `^1.2`, resolved at the registry of the first installation. Without it and without
    /// `digest`, only the settings change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Settings to change, as JSON with the keys of a settings file. They replace the same keys of each installation's
    /// settings; tables are merged, lists replaced. `{{name}}` and `{{scope}}` in texts stand for the installation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<serde_json::Value>,
    /// The absolute folder that relative paths in `template` start from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings_folder: Option<String>,
    /// The person that the caller acts for, or another note for the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The reason, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Check everything and change nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Allow a digest that was rolled back.
    #[serde(default)]
    pub force: bool,
    /// The `approvalCode` of the approved report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approve: Option<String>,
}

/// The result of an upgrade of several installations, or of a dry run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManyUpgradeReport {
    /// The package.
    pub package: String,
    /// False for a dry run, and if an installation could not be checked: then none is changed.
    pub applied: bool,
    /// Time for all checks and the swaps, in whole milliseconds.
    pub took_ms: u64,
    /// A report for each installation.
    pub installations: Vec<UpgradeReport>,
    /// Installations for which the change is not possible.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<NotChanged>,
    /// Installations of the package that have another active version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<NotChanged>,
    /// Identifies exactly these reports. Applying them needs this code.
    pub approval_code: String,
}

fn is_false(value: &bool) -> bool {
    !*value
}
