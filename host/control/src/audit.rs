//! The audit log and the verification of its chain of hashes.

use serde::{Deserialize, Serialize};

use crate::Time;
use crate::operation::Get;
use handoff_model::scope::Scope;

/// Lists the audit log.
pub const LIST: Get<AuditQuery, AuditList> =
    Get::get("listAudit", "/v1/audit", "List audit entries, oldest first").works_offline();
/// Verifies the audit log.
pub const VERIFY: Get<AuditVerifyQuery, AuditVerifyView> =
    Get::get("verifyAudit", "/v1/audit/verify", "Verify the audit log's chain of hashes").works_offline();

/// Selects audit entries, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditQuery {
    /// Only entries after this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Only entries about this installation, which may have been removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<String>,
    /// Only entries about installations of this rooftop, or of a group as `group:NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rooftop: Option<Scope>,
    /// Maximum number of entries, up to 1,000. None means the newest 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A part of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditList {
    /// Entries, oldest first.
    pub entries: Vec<AuditEntryView>,
    /// Whether there are more entries after these.
    #[serde(default)]
    pub more: bool,
    /// The newest entry of the whole log. Note its hash elsewhere: `verify` then detects any change before it.
    pub head: AuditHeadView,
}

/// The newest entry of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditHeadView {
    /// Its number; 0 if the log is empty.
    pub number: u64,
    /// Its hash, 64 hexadecimal digits.
    pub hash: String,
}

/// An audit entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntryView {
    /// Its number in the log, from 1.
    pub number: u64,
    /// When it was written.
    pub at: Time,
    /// Who made the change.
    pub by: String,
    /// The action in kebab case: `install`, `upgrade`, `reconfigure`, `rollback`, `automatic-rollback`, `pause` …
    pub action: String,
    /// The object of the action, usually the name of an installation.
    pub subject: String,
    /// The rooftops and groups that it concerns; none if it concerns the whole host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<Scope>,
    /// Details, which depend on the action. For a new generation: `version`, `digest`, `origin`, `signer`, `from`,
    /// `note`, and `changes` with config fields, grants and state schema.
    pub detail: serde_json::Value,
    /// The hash of the previous entry, 64 hexadecimal digits.
    pub before: String,
    /// The hash of this entry.
    pub hash: String,
}

/// Options of the verification: `GET /v1/audit/verify`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditVerifyQuery {
    /// A hash that was noted elsewhere, or at least its first 12 hexadecimal digits. The log has to contain it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
}

/// The result of the verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditVerifyView {
    /// True if every hash covers the previous entry and the log contains the requested hash.
    pub sound: bool,
    /// Number of valid entries.
    pub entries: u64,
    /// The newest entry.
    pub head: AuditHeadView,
    /// The number of the entry with the requested hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found_at: Option<u64>,
    /// What is wrong, and in which entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}
