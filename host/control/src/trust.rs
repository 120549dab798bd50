//! Whose packages the host takes: `GET` and `POST /v1/trust`.

use serde::{Deserialize, Serialize};

use super::Time;
use crate::operation::{Get, Nothing, Post};

/// Lists trusted keys.
pub const LIST: Get<Nothing, TrustView> =
    Get::get("listTrust", "/v1/trust", "List trusted publishers and their keys").works_offline();
/// Changes trusted keys.
pub const CHANGE: Post<TrustRequest, TrustReport> =
    Post::post("changeTrust", "/v1/trust", "Add, retire or revoke a publisher's key").works_offline();

/// Every publisher with keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrustView {
    /// Sorted by name.
    pub publishers: Vec<PublisherView>,
}

/// One publisher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublisherView {
    /// What its packages' names begin with.
    pub publisher: String,
    /// Its keys, oldest first.
    pub keys: Vec<KeyView>,
}

/// One key of a publisher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyView {
    /// Which one: `sha256:<hex>` of its 32 bytes.
    pub key_id: String,
    /// The public key: its 32 bytes in base64.
    pub public_key: String,
    /// Since when it is trusted.
    pub added_at: Time,
    /// The key of the same publisher that introduced it; none: a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introduced_by: Option<String>,
    /// Retired: what was signed later is not believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Time>,
    /// Revoked: nothing that it signed is believed, since when somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Time>,
    /// Why it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Asks for a change of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrustRequest {
    /// What to do.
    pub does: TrustChange,
    /// Whose keys.
    pub publisher: String,
    /// To add: the public key in base64 or PEM, or the statement in which a trusted key introduces it. Otherwise: the key's
    /// id or its beginning, as `trust list` shows it; none: every key of the publisher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// For whom the caller acts, or what else should stand beside its name in the history. The host knows who the
    /// caller is; this is a note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What to do with the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TrustChange {
    /// Believe a key.
    Add,
    /// Believe a key only in what it signed until now.
    Retire,
    /// Believe a key no longer: nothing that it signed is installed any more. What is installed stays at work.
    Revoke,
}

/// What a change of the list did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrustReport {
    /// The publisher as it is now.
    pub publisher: PublisherView,
    /// Ids of the keys that were added, retired or revoked; empty if it was so already.
    pub changed: Vec<String>,
    /// Installations whose package such a key signed.
    #[serde(default)]
    pub affected: Vec<String>,
}
