//! Installing and reconfiguring an installation: `POST /v1/installations`.

use serde::{Deserialize, Serialize};

use crate::FailureView;
use crate::installations::{GenerationKind, ShareView};
use crate::operation::Post;
use handoff_model::names::{Generation, InstallationName};
use handoff_model::scope::Scope;

/// Installs a package.
pub const INSTALL: Post<InstallRequest, InstallReport> = Post::post(
    "install",
    "/v1/installations",
    "Install a package for a rooftop or a group, or show what that would do",
);

/// Requests the first or the next generation of an installation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InstallRequest {
    /// The installation.
    pub name: InstallationName,
    /// `sha256:<hex>` of a package that the host has.
    pub digest: String,
    /// The settings file as JSON, with the same keys.
    pub settings: serde_json::Value,
    /// The absolute folder that relative paths in the settings start from; none if there are no such paths.
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
}

/// The result of an install, or of a dry run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstallReport {
    /// The installation.
    pub name: InstallationName,
    /// The rooftop or the group that it is for.
    pub scope: Scope,
    /// `publisher/name`.
    pub package: String,
    /// The title in the manifest.
    pub title: String,
    /// The version.
    pub version: String,
    /// The sha256 digest of the component.
    pub digest: String,
    /// `install`, `upgrade` or `reconfigure`.
    pub kind: GenerationKind,
    /// The generation that is active now, or would be.
    pub generation: Generation,
    /// The previously active generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<ReplacedView>,
    /// The permissions that the package requests, with those that are granted.
    pub asks: Vec<AskView>,
    /// Event types that it shares with other rooftops and groups, and accepts from them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<ShareView>,
    /// What happens to the state.
    pub state: StateChangeView,
    /// The result of the connector's own check of its config.
    pub validation: ValidationView,
    /// Warnings, in sentences.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The path that accepts its webhooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook_path: Option<String>,
    /// False for a dry run, or if there was nothing to do.
    pub applied: bool,
    /// True if the active generation already has this package, origin and settings: no generation is created.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unchanged: bool,
    /// Time from the request to the durable swap, in milliseconds.
    pub took_ms: u64,
}

/// The previously active generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplacedView {
    /// Its number.
    pub generation: Generation,
    /// Its version.
    pub version: String,
}

/// A permission that a package requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AskView {
    /// Its kind.
    pub kind: AskKind,
    /// The permission in words, for example `POST https://crm.example/leads/* with profile crm`.
    pub what: String,
    /// The publisher's reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Whether the settings grant it in full, in part or not at all.
    pub granted: Granted,
    /// Whether the previous generation had it already. False for a first install.
    #[serde(default)]
    pub had_before: bool,
}

/// The kind of a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AskKind {
    /// Event types that it accepts.
    Accept,
    /// Event types that it emits.
    Emit,
    /// Webhooks.
    Hook,
    /// A system that it sends requests to.
    Http,
}

impl AskKind {
    /// The verb of the permission, to precede its object.
    #[must_use]
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Accept => "handle",
            Self::Emit => "make",
            Self::Hook => "receive",
            Self::Http => "reach",
        }
    }
}

/// Whether a permission is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Granted {
    /// The settings file names it: an operator decided.
    InSettings,
    /// Granted by default: the settings file does not mention it.
    ByDefault,
    /// Not granted. The connector has to work without it.
    No,
}

/// What happens to the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", tag = "does")]
pub enum StateChangeView {
    /// There is no state yet.
    Fresh,
    /// The schema is the same: the state is unchanged.
    Keep,
    /// The connector migrates it. The old state is kept for an undo.
    Migrate {
        /// The previous schema version.
        from: u32,
        /// The new schema version.
        to: u32,
    },
}

/// The result of the connector's own check of its config.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidationView {
    /// Whether the config is valid.
    pub passed: bool,
    /// Why it is invalid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureView>,
}
