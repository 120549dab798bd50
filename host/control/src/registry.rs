//! Packages from a registry: `POST /v1/packages/pull`, and the views of `search`, `info` and the publishing commands.

pub mod failure_counts;
pub mod packages;

use serde::{Deserialize, Serialize};

use super::Time;
use crate::installations::install::AskKind;
use crate::operation::Post;
use crate::registry::packages::PackageView;

/// Pulls a package.
pub const PULL: Post<PullRequest, PullReport> =
    Post::post("pullPackage", "/v1/packages/pull", "Pull a package from a registry and verify it");

/// Requests the host to fetch, verify and store a package. Installs nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PullRequest {
    /// A registry of the host's configuration; none: the default registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// `publisher/name`.
    pub package: String,
    /// The acceptable versions in Cargo's syntax, for example `^1.2`; none: any version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<String>,
    /// Only these exact bytes (`sha256:<hex>`), even if the version is yanked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Allow pre-releases even if the requirement names none.
    #[serde(default)]
    pub pre_release: bool,
}

/// A package that was fetched, verified and stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PullReport {
    /// The package.
    #[serde(flatten)]
    pub package: PackageView,
    /// The registry's name in the host's configuration.
    pub registry: String,
    /// Its reference in the registry, for example `registry.example.com/acme/leads@sha256:…`.
    pub reference: String,
    /// Who signed it.
    pub signer: SignerView,
    /// Warnings, in sentences, for example that the version is deprecated, and why.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// That the publisher deprecated or yanked the version, and why; also among the warnings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<String>,
}

/// Who signed a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignerView {
    /// The publisher, which is the first part of the package's name.
    pub publisher: String,
    /// The id of the publisher's key.
    pub key_id: String,
}

/// A package with its versions, for `info`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InfoView {
    /// `publisher/name`.
    pub package: String,
    /// The registry that was asked.
    pub registry: String,
    /// Ids of the keys that the list claims to be signed with. Not verified: an install verifies them.
    #[serde(default)]
    pub claimed_keys: Vec<String>,
    /// The time at which the list claims to be signed. Not verified either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_at: Option<Time>,
    /// The number of changes of the list.
    pub sequence: u64,
    /// Its versions, newest first. If the request names versions, only the selected one.
    pub releases: Vec<ReleaseView>,
    /// The selected version: the newest that is neither yanked nor recalled, or the named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<String>,
    /// The permissions that this version requests and the config that it accepts. None if its bytes are not available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferView>,
    /// The changes in this version, in the publisher's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<String>,
    /// The readme of this version, in Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readme: Option<String>,
}

/// The content of a version's manifest. Its author is not verified: an install verifies it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OfferView {
    /// Its title for people.
    pub title: String,
    /// A summary in one sentence.
    pub summary: String,
    /// The permissions that it requests.
    #[serde(default)]
    pub asks: Vec<AskedView>,
    /// The version of its state schema.
    pub state_schema: u32,
    /// The fields of its config, outer before inner, at most 100. A list's fields are written `list[].field`. Empty if
    /// the manifest does not describe the config.
    #[serde(default)]
    pub config: Vec<ConfigFieldView>,
    /// The whole JSON Schema (2020-12) of the config.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_schema: Option<serde_json::Value>,
}

/// A permission that a version requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AskedView {
    /// Its kind.
    pub kind: AskKind,
    /// The permission in words, for example `crm: POST on a host that you name /leads/*`.
    pub what: String,
    /// The publisher's reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A field of a version's config.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigFieldView {
    /// Its path below `[config]`.
    pub field: String,
    /// The allowed values in words, for example `integer, 1 to 60`.
    pub kind: String,
    /// Whether it is required.
    #[serde(default)]
    pub required: bool,
    /// The default value as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// The publisher's description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

/// A version of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseView {
    /// Semantic version.
    pub version: String,
    /// `sha256:<hex>` of the component.
    pub digest: String,
    /// Whether it can be selected.
    pub status: ReleaseStatusView,
    /// Why it is deprecated, yanked or recalled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it was published.
    pub published_at: Time,
    /// The interface that it was built against.
    pub interface: String,
    /// The changes, in the publisher's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<String>,
}

/// Whether a version can be selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseStatusView {
    /// Can be selected.
    Active,
    /// Can be selected, with a warning.
    Deprecated,
    /// Not for new installs. Existing pins can still fetch it.
    Yanked,
    /// Cannot be selected. Hosts that have it raise an incident.
    Recalled,
}

/// The result of `publish`, `yank`, `deprecate` and `recall`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublishReport {
    /// `publisher/name`.
    pub package: String,
    /// Semantic version.
    pub version: String,
    /// `sha256:<hex>` of the component.
    pub digest: String,
    /// The registry.
    pub registry: String,
    /// The new status of the version.
    pub status: ReleaseStatusView,
    /// True if the same bytes were published before; they are unchanged.
    #[serde(default)]
    pub already: bool,
    /// True if the key's signature was added to the existing ones.
    #[serde(default)]
    pub signature_added: bool,
    /// The key that signed.
    pub key_id: String,
    /// The sequence number of the new list of versions.
    pub sequence: u64,
}

/// The result of `renew`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RenewReport {
    /// `publisher/name`.
    pub package: String,
    /// The registry.
    pub registry: String,
    /// The key that signed.
    pub key_id: String,
    /// The sequence number of the new list of versions.
    pub sequence: u64,
    /// When it was signed.
    pub signed_at: Time,
}

/// The results of a search.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchView {
    /// The registry that was searched.
    pub registry: String,
    /// Packages, in the registry's order.
    pub packages: Vec<FoundView>,
}

/// A search result. Nothing is verified: only `info` and installs look at signatures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundView {
    /// `publisher/name`.
    pub package: String,
    /// Its newest version.
    pub version: String,
    /// Its title for people.
    pub title: String,
    /// A summary in one sentence.
    pub summary: String,
}
