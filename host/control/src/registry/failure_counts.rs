//! Counts of failures for publishers: `GET /v1/failure-counts` and `POST /v1/failure-counts/send`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Time;
use crate::operation::{Get, Nothing, Post};

/// Shows what will be sent.
pub const LIST: Get<Nothing, RegistryCountsList> =
    Get::get("listFailureCounts", "/v1/failure-counts", "List the counts of failures that registries will be sent");
/// Sends now.
pub const SEND: Post<Nothing, SentCountsList> = Post::post(
    "sendFailureCounts",
    "/v1/failure-counts/send",
    "Send the counts of failures now to the registries that get them",
);

/// All registries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegistryCountsList {
    /// Those of the configuration, by name.
    pub registries: Vec<RegistryCounts>,
}

/// What one registry will be sent next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegistryCounts {
    /// Its name in the host's configuration.
    pub registry: String,
    /// Whether the operator agreed (`share-failure-counts`). If not, nothing is ever sent.
    pub shares: bool,
    /// When it was sent counts since the host started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sent_at: Option<Time>,
    /// Packages with deliveries since then.
    pub packages: Vec<PackageCounts>,
}

/// The counts of one package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PackageCounts {
    /// `publisher/name`.
    pub package: String,
    /// Its versions, oldest first.
    pub versions: Vec<VersionCountsView>,
}

/// The counts of one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionCountsView {
    /// Semantic version.
    pub version: String,
    /// Events that were handled.
    pub committed: u64,
    /// Failed attempts by code: those of the host, and those that the manifest lists.
    pub failures: BTreeMap<String, u64>,
    /// Failed attempts with any other code.
    pub other_failures: u64,
}

/// The result of sending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SentCountsList {
    /// The registries that get counts.
    pub registries: Vec<SentCounts>,
}

/// What one registry was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SentCounts {
    /// Its name in the host's configuration.
    pub registry: String,
    /// Reports that it accepted, one for each package with deliveries.
    pub reports: u64,
}
