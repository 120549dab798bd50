//! Publishers whose packages the host accepts: `GET` and `POST /v1/trust`.

use serde::{Deserialize, Serialize};

use super::Time;
use crate::operation::{Get, Nothing, Post};

/// Lists trusted keys.
pub const LIST: Get<Nothing, TrustView> =
    Get::get("listTrust", "/v1/trust", "List trusted publishers and their keys").works_offline();
/// Changes trusted keys.
pub const CHANGE: Post<TrustRequest, TrustReport> =
    Post::post("changeTrust", "/v1/trust", "Add, retire or revoke a publisher's key").works_offline();

/// All publishers with keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrustView {
    /// Publishers, sorted by name.
    pub publishers: Vec<PublisherView>,
}

/// A publisher with its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublisherView {
    /// Its name, which is the first part of its packages' names.
    pub publisher: String,
    /// Its keys, oldest first.
    pub keys: Vec<KeyView>,
}

/// A key of a publisher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyView {
    /// Its id: `sha256:<hex>` of its 32 bytes.
    pub key_id: String,
    /// The public key: 32 bytes in base64.
    pub public_key: String,
    /// Since when the host trusts it.
    pub added_at: Time,
    /// The key of the same publisher that introduced it; none if a person added it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introduced_by: Option<String>,
    /// When it was retired: later signatures are not accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Time>,
    /// When it was revoked: none of its signatures is accepted since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Time>,
    /// Why it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Requests a change of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrustRequest {
    /// The change.
    pub does: TrustChange,
    /// The publisher.
    pub publisher: String,
    /// To add: the public key in base64 or PEM, or the statement in which a trusted key introduces it. Otherwise: the
    /// key's id or its beginning, as shown by `trust list`; none: all keys of the publisher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The person that the caller acts for, or another note for the history. The host identifies the caller itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The reason, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The change of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TrustChange {
    /// Trust a key.
    Add,
    /// Trust only the signatures that the key made until now.
    Retire,
    /// Do not trust the key any more: no package that it signed is installed again. Installed packages stay active.
    Revoke,
}

/// The result of a change of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrustReport {
    /// The publisher after the change.
    pub publisher: PublisherView,
    /// Ids of the keys that were added, retired or revoked; empty if nothing changed.
    pub changed: Vec<String>,
    /// Installations whose package was signed by such a key.
    #[serde(default)]
    pub affected: Vec<String>,
}
