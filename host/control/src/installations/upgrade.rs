//! Another version, or other settings, of an installation that is there: `POST /v1/installations/{name}/upgrade`.

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

/// Asks for the next generation of an installation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpgradeRequest {
    /// `sha256:<hex>` of a package that the host has. Either this or `version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// A requirement such as `^1.2`, from the registry that the active generation came from. Without it and without
    /// `digest`: the newest version that fits `^` of the active one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The settings file as JSON, keys as in the file. None: those of the active generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<serde_json::Value>,
    /// Absolute folder from which relative paths in `settings` count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings_folder: Option<String>,
    /// For whom the caller acts, or what else should stand beside its name in the history. The host knows who the
    /// caller is; this is a note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// True: check everything, change nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// True: take a digest although a rollback left it.
    #[serde(default)]
    pub force: bool,
    /// The `approvalCode` of the report that somebody agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approve: Option<String>,
}

/// What an upgrade did, or would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpgradeReport {
    /// The same as for an install.
    #[serde(flatten)]
    pub install: InstallReport,
    /// Where the component came from.
    pub origin: OriginView,
    /// Whose signature was verified; none for a file given by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<Signer>,
    /// Whether this host offers what the component is built against.
    pub interface: InterfaceView,
    /// What it may do that the active generation may not.
    #[serde(default)]
    pub grants_added: Vec<GrantChangeView>,
    /// What the active generation may do and it may not.
    #[serde(default)]
    pub grants_dropped: Vec<GrantChangeView>,
    /// The config against the version's schema, and what changes in it.
    pub config: ConfigView,
    /// What a short run over the newest deliveries showed, of a dry run; none if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Box<ShadowView>>,
    /// Stands for exactly this report: another package, other grants, another config or another active generation have
    /// another code. An upgrade that gives it in `approve` is refused if the report is not the same any more.
    pub approval_code: String,
    /// Why somebody has to agree to this report first, in sentences; empty if nobody has to.
    #[serde(default)]
    pub needs_approval: Vec<String>,
    /// Keys of state that the migration wrote; none if there was none, or nothing was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys_migrated: Option<u64>,
}

/// The contract of a component and of this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InterfaceView {
    /// What the component is built against, for example `handoff:connector@1.0.0`.
    pub built_for: String,
    /// What this host offers.
    pub offered: String,
    /// True if the component is built for a later minor version: it links, and uses nothing that this host lacks.
    pub newer: bool,
}

/// One permission that comes or goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrantChangeView {
    /// What sort of thing.
    pub kind: AskKind,
    /// In words, for example `crm: POST https://crm.example/leads/*`.
    pub what: String,
}

/// The config against the version's schema, and what changes in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigView {
    /// Whether the version has a schema for its config.
    pub has_schema: bool,
    /// Where the config does not fit; it has to be mended in the settings.
    #[serde(default)]
    pub problems: Vec<ConfigProblemView>,
    /// What differs from the active generation's config.
    #[serde(default)]
    pub changes: Vec<ConfigChangeView>,
}

/// One place where the config does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigProblemView {
    /// The field in the settings file, for example `config.escalations[0].to`.
    pub field: String,
    /// What is wrong and what was expected.
    pub detail: String,
}

/// One field of the config that changes. Values that may be secrets are `…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigChangeView {
    /// Its path below `[config]`.
    pub field: String,
    /// The value before; none if it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The value after; none if it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}
