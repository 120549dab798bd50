//! Packages from a registry: `POST /v1/packages/pull`, and what the commands of a publisher and of `search` and `info` show.

pub mod packages;

use serde::{Deserialize, Serialize};

use super::Time;
use crate::installations::install::AskKind;
use crate::operation::Post;
use crate::registry::packages::PackageView;

/// Pulls a package.
pub const PULL: Post<PullRequest, PullReport> =
    Post::post("pullPackage", "/v1/packages/pull", "Pull a package from a registry and verify it");

/// Asks the host to fetch a package, to check it and to keep it. Installs nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PullRequest {
    /// A registry of the host's configuration; none: the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// `publisher/name`.
    pub package: String,
    /// Which versions will do, as Cargo writes it, for example `^1.2`; none: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<String>,
    /// Exactly these bytes (`sha256:<hex>`) and no others: also of a yanked version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Whether a pre-release will do although the requirement names none.
    #[serde(default)]
    pub pre_release: bool,
}

/// A package that was fetched, checked and kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PullReport {
    /// The package.
    #[serde(flatten)]
    pub package: PackageView,
    /// The registry's name in the host's configuration.
    pub registry: String,
    /// Where it lies there, for example `registry.example.com/acme/leads@sha256:…`.
    pub reference: String,
    /// Who signed it.
    pub signer: SignerView,
    /// What someone should know, in sentences: that it is deprecated, and why.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// Who signed a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignerView {
    /// The publisher, as the package's name begins.
    pub publisher: String,
    /// Which of the publisher's keys.
    pub key_id: String,
}

/// A package with its versions, of `info`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InfoView {
    /// `publisher/name`.
    pub package: String,
    /// Where it was asked for.
    pub registry: String,
    /// Ids of the keys with which the list says to be signed. Not proved: whoever installs it checks.
    #[serde(default)]
    pub claimed_keys: Vec<String>,
    /// When the list says to be signed. Not proved either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_at: Option<Time>,
    /// How often the list was changed.
    pub sequence: u64,
    /// Its versions, newest first; if certain ones were asked for, only the one that is meant.
    pub releases: Vec<ReleaseView>,
    /// The version that the question means: the newest that is neither yanked nor recalled, or the one that was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<String>,
    /// What that version asks for and which config it takes. None if its bytes cannot be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferView>,
    /// What changed in that version, in the publisher's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<String>,
    /// The readme of that version, in Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readme: Option<String>,
}

/// What a version says of itself in its manifest. Nobody proved who wrote it: whoever installs it checks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OfferView {
    /// The name that people read.
    pub title: String,
    /// One sentence.
    pub summary: String,
    /// What it asks for.
    #[serde(default)]
    pub asks: Vec<AskedView>,
    /// The number of its state's shape.
    pub state_schema: u32,
    /// The fields of its config, outer before inner, at most 100; a list's fields are written `list[].field`. Empty if the
    /// manifest says nothing about the config.
    #[serde(default)]
    pub config: Vec<ConfigFieldView>,
    /// The config's whole JSON Schema (2020-12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_schema: Option<serde_json::Value>,
}

/// One thing that a version asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AskedView {
    /// What sort of thing.
    pub kind: AskKind,
    /// In words, for example `crm: POST on a host that you name /leads/*`.
    pub what: String,
    /// The publisher's reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// One field of a version's config.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigFieldView {
    /// Its path below `[config]`.
    pub field: String,
    /// What it must be, in words, for example `integer, 1 to 60`.
    pub kind: String,
    /// Whether it has to be there.
    #[serde(default)]
    pub required: bool,
    /// What holds without it, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// What it is for, in the publisher's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

/// One version of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseView {
    /// Semantic version.
    pub version: String,
    /// `sha256:<hex>` of the component.
    pub digest: String,
    /// Whether it may be chosen.
    pub status: ReleaseStatusView,
    /// Why it is deprecated, yanked or recalled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it was published.
    pub published_at: Time,
    /// The contract that it was built against.
    pub interface: String,
    /// What changed, in the publisher's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<String>,
}

/// Whether a version may be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseStatusView {
    /// It may.
    Active,
    /// It may, with a warning.
    Deprecated,
    /// Not for new installs; whoever pinned it still gets it.
    Yanked,
    /// Not at all; hosts that have it say so.
    Recalled,
}

/// What `publish`, `yank`, `deprecate` and `recall` did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublishReport {
    /// `publisher/name`.
    pub package: String,
    /// Semantic version.
    pub version: String,
    /// `sha256:<hex>` of the component.
    pub digest: String,
    /// Where it was published.
    pub registry: String,
    /// What the version is now.
    pub status: ReleaseStatusView,
    /// True: it was published before with the same bytes, which stay.
    #[serde(default)]
    pub already: bool,
    /// True: the signature of the key was put beside those that it had.
    #[serde(default)]
    pub signature_added: bool,
    /// The key that signed.
    pub key_id: String,
    /// The number of the list of versions that this made.
    pub sequence: u64,
}

/// What `renew` did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RenewReport {
    /// `publisher/name`.
    pub package: String,
    /// Where it is published.
    pub registry: String,
    /// The key that signed.
    pub key_id: String,
    /// The number of the list of versions that this made.
    pub sequence: u64,
    /// When it was signed.
    pub signed_at: Time,
}

/// Packages that a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchView {
    /// Where was looked.
    pub registry: String,
    /// In the registry's order.
    pub packages: Vec<FoundView>,
}

/// One package that a search found. Nothing of it is proved: only `info` and installing look at signatures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundView {
    /// `publisher/name`.
    pub package: String,
    /// Its newest version.
    pub version: String,
    /// The name that people read.
    pub title: String,
    /// One sentence.
    pub summary: String,
}
