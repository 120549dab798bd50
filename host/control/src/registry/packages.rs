//! Packages: `PUT /v1/packages` with the component as body.

use crate::operation::{Media, Post};
use serde::{Deserialize, Serialize};

/// Keeps a component.
pub const PUT: Post<Vec<u8>, PackageView> =
    Post::put("putPackage", "/v1/packages", "Upload a package").body(Media::Wasm);

/// A package that the host has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PackageView {
    /// `sha256:<hex>` of the component.
    pub digest: String,
    /// `publisher/name`.
    pub package: String,
    /// Semantic version.
    pub version: String,
    /// Bytes of the component.
    pub size_bytes: u64,
    /// Whether the host had these bytes already.
    #[serde(default)]
    pub known: bool,
    /// What the manifest inside says.
    pub manifest: ManifestView,
}

/// A manifest, in short.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManifestView {
    /// The name that people read.
    pub title: String,
    /// One sentence.
    pub summary: String,
    /// SPDX expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// The contract that it was built against, for example `handoff:connector@1.0.0`.
    pub interface: String,
    /// Event types that it handles.
    pub accepts: Vec<String>,
    /// Event types that it makes.
    pub emits: Vec<String>,
    /// Kinds of signature it can live with; empty if it takes no webhooks.
    #[serde(default)]
    pub hook_verify: Vec<String>,
    /// Systems that it wants to reach.
    #[serde(default)]
    pub http: Vec<HttpAskView>,
    /// Number of its state's schema.
    pub state_schema: u32,
    /// What its config must be, as JSON Schema (2020-12); none if it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_schema: Option<serde_json::Value>,
}

/// A system that a connector wants to reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpAskView {
    /// What grants refer to.
    pub name: String,
    /// Exact host, or `*`: the operator names it.
    pub host: String,
    /// Methods.
    pub methods: Vec<String>,
    /// Path patterns.
    pub paths: Vec<String>,
    /// Path patterns that may be fetched with an unsafe method.
    #[serde(default)]
    pub look_ups: Vec<String>,
    /// Auth profiles.
    #[serde(default)]
    pub auth: Vec<String>,
    /// The publisher's reason.
    #[serde(default)]
    pub why: String,
}
