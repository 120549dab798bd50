//! Upgrading or reconfiguring an installation: `POST /v1/installations/{name}/upgrade`.

use serde::{Deserialize, Serialize};

use super::history::OriginView;
use super::install::{AskKind, InstallReport};
use crate::operation::Post;
use crate::shadow::ShadowView;
use handoff_model::installation::Signer;

/// Upgrades or reconfigures an installation.
pub const UPGRADE: Post<UpgradeRequest, UpgradeReport> = Post::post(
    "upgrade",
    "/v1/installations/{name}/upgrade",
    "Upgrade or reconfigure an installation, or show what that would do",
);

/// Requests the next generation of an installation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpgradeRequest {
    /// `sha256:<hex>` of a package that the host has. Mutually exclusive with `version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// A requirement such as `^1.2`, resolved at the registry of the active generation. Without it and without
    /// `digest`: the newest version that matches `^` of the active one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The settings file as JSON, with the same keys. None: the settings of the active generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<serde_json::Value>,
    /// The absolute folder that relative paths in `settings` start from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings_folder: Option<String>,
    /// The person that the caller acts for, or another note for the history. The host identifies the caller itself.
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

/// The result of an upgrade, or of a dry run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpgradeReport {
    /// The same fields as for an install.
    #[serde(flatten)]
    pub install: InstallReport,
    /// The origin of the component.
    pub origin: OriginView,
    /// The verified signer; none for a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<Signer>,
    /// Whether this host supports the component's interface.
    pub interface: InterfaceView,
    /// Added permissions, compared with the active generation.
    #[serde(default)]
    pub grants_added: Vec<GrantChangeView>,
    /// Removed permissions, compared with the active generation.
    #[serde(default)]
    pub grants_dropped: Vec<GrantChangeView>,
    /// The check of the config against the version's schema, and the changes.
    pub config: ConfigView,
    /// The result of a short shadow run over the newest deliveries, for a dry run; none if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Box<ShadowView>>,
    /// Identifies exactly this report: another package, config, active generation or other grants have another code. An
    /// upgrade with this code in `approve` is refused if the report has changed.
    pub approval_code: String,
    /// Why this report needs approval, in sentences; empty if it needs none.
    #[serde(default)]
    pub needs_approval: Vec<String>,
    /// Number of state keys that the migration wrote; none without a migration or if nothing was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys_migrated: Option<u64>,
}

/// The interface of a component and of this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InterfaceView {
    /// The interface that the component was built against, for example `handoff:connector@1.0.0`.
    pub built_for: String,
    /// The interface that this host offers.
    pub offered: String,
    /// True if the component was built against a later minor version. It links, and uses nothing that this host lacks.
    pub newer: bool,
}

/// An added or removed permission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrantChangeView {
    /// Its kind.
    pub kind: AskKind,
    /// The permission in words, for example `crm: POST https://crm.example/leads/*`.
    pub what: String,
}

/// The check of the config against the version's schema, and the changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigView {
    /// Whether the version has a schema for its config.
    pub has_schema: bool,
    /// Fields that do not match the schema and have to be fixed in the settings.
    #[serde(default)]
    pub problems: Vec<ConfigProblemView>,
    /// Differences from the active generation's config.
    #[serde(default)]
    pub changes: Vec<ConfigChangeView>,
}

/// A config field that does not match the schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigProblemView {
    /// The field in the settings file, for example `config.escalations[0].to`.
    pub field: String,
    /// What is wrong and what was expected.
    pub detail: String,
}

/// A changed field of the config. Values that may be secrets are shown as `…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigChangeView {
    /// Its path below `[config]`.
    pub field: String,
    /// The old value; none if the field was added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The new value; none if the field was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}
