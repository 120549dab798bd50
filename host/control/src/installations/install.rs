//! Installing and changing an installation: `POST /v1/installations`.

use serde::{Deserialize, Serialize};

use crate::FailureView;
use crate::installations::GenerationKind;
use crate::operation::Post;
use handoff_model::names::{Generation, InstallationName, RooftopName};

/// Installs a package.
pub const INSTALL: Post<InstallRequest, InstallReport> =
    Post::post("install", "/v1/installations", "Install a package for a rooftop, or show what that would do");

/// Asks for the next generation of an installation, or its first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InstallRequest {
    /// The installation.
    pub name: InstallationName,
    /// `sha256:<hex>` of a package that the host has.
    pub digest: String,
    /// The settings file as JSON, keys as in the file.
    pub settings: serde_json::Value,
    /// Absolute folder from which relative paths in the settings count; none if the settings have none.
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
}

/// What an install did, or would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstallReport {
    /// The installation.
    pub name: InstallationName,
    /// Its rooftop.
    pub rooftop: RooftopName,
    /// `publisher/name`.
    pub package: String,
    /// The manifest's title.
    pub title: String,
    /// The version.
    pub version: String,
    /// sha256 of the component.
    pub digest: String,
    /// `install`, `upgrade` or `reconfigure`.
    pub kind: GenerationKind,
    /// The generation that is active now, or would be.
    pub generation: Generation,
    /// What was active before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<ReplacedView>,
    /// What the package asks for, and what it gets.
    pub asks: Vec<AskView>,
    /// What the state goes through.
    pub state: StateChangeView,
    /// What the connector's own check of its config said.
    pub validation: ValidationView,
    /// What someone should know, in sentences.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Where webhooks for it go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook_path: Option<String>,
    /// False for a dry run, and if there was nothing to do.
    pub applied: bool,
    /// True if it is what is active already, from the same place and with the same settings: no generation is made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unchanged: bool,
    /// From request to durable swap.
    pub took_ms: u64,
}

/// The generation that was active before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplacedView {
    /// Its number.
    pub generation: Generation,
    /// Its version.
    pub version: String,
}

/// One thing a package asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AskView {
    /// What sort of thing.
    pub kind: AskKind,
    /// In words, for example `POST https://crm.example/leads/* with profile crm`.
    pub what: String,
    /// The publisher's reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Whether the settings grant it, in full, in part or not.
    pub granted: Granted,
    /// Whether the generation before had it already. False on a first install.
    #[serde(default)]
    pub had_before: bool,
}

/// What sort of thing is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AskKind {
    /// Event types to handle.
    Accept,
    /// Event types to make.
    Emit,
    /// Webhooks.
    Hook,
    /// A system to reach.
    Http,
}

impl AskKind {
    /// What who has it may do, before what it is about.
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

/// Whether something is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Granted {
    /// The settings file names it: someone decided.
    InSettings,
    /// Granted unless someone objects: the settings file does not mention it.
    ByDefault,
    /// Not granted; the connector goes without.
    No,
}

/// What the state goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", tag = "does")]
pub enum StateChangeView {
    /// There is none yet.
    Fresh,
    /// The same schema: it stays.
    Keep,
    /// The connector rewrites it, with an undo kept.
    Migrate {
        /// Schema before.
        from: u32,
        /// Schema after.
        to: u32,
    },
}

/// What the connector's own check of its config said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidationView {
    /// Whether the config is usable.
    pub passed: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureView>,
}
