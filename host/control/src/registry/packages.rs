//! Packages: `PUT /v1/packages` with the component as body.

use crate::operation::{Media, Post};
use serde::{Deserialize, Serialize};

/// Stores a component.
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
    /// Whether the host already had these bytes.
    #[serde(default)]
    pub known: bool,
    /// The content of its manifest.
    pub manifest: ManifestView,
}

/// The summary of a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManifestView {
    /// Its title for people.
    pub title: String,
    /// A summary in one sentence.
    pub summary: String,
    /// The license as an SPDX expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// The interface that it was built against, for example `handoff:connector@1.0.0`.
    pub interface: String,
    /// Event types that it accepts.
    pub accepts: Vec<String>,
    /// Event types that it emits.
    pub emits: Vec<String>,
    /// Kinds of webhook verification that it supports; empty if it accepts no webhooks.
    #[serde(default)]
    pub hook_verify: Vec<String>,
    /// Systems that it wants to send requests to.
    #[serde(default)]
    pub http: Vec<HttpAskView>,
    /// The version of its state schema.
    pub state_schema: u32,
    /// The JSON Schema (2020-12) of its config; none if the manifest has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_schema: Option<serde_json::Value>,
}

/// A system that a connector wants to send requests to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpAskView {
    /// The name that grants refer to.
    pub name: String,
    /// An exact host, or `*` if the operator has to name it.
    pub host: String,
    /// Methods.
    pub methods: Vec<String>,
    /// Path patterns.
    pub paths: Vec<String>,
    /// Path patterns of look-ups that use an unsafe method.
    #[serde(default)]
    pub look_ups: Vec<String>,
    /// Auth profiles.
    #[serde(default)]
    pub auth: Vec<String>,
    /// The publisher's reason.
    #[serde(default)]
    pub why: String,
}
