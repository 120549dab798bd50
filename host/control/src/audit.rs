//! The audit log and the check of its chain of hashes.

use serde::{Deserialize, Serialize};

use crate::Time;
use crate::operation::Get;

/// Lists the audit log.
pub const LIST: Get<AuditQuery, AuditList> =
    Get::get("listAudit", "/v1/audit", "List audit entries, oldest first").works_offline();
/// Verifies the audit log.
pub const VERIFY: Get<AuditVerifyQuery, AuditVerifyView> =
    Get::get("verifyAudit", "/v1/audit/verify", "Verify the audit log's chain of hashes").works_offline();

/// Which entries of the audit chain to list, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditQuery {
    /// Only after this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Only about this installation. Also one that is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<String>,
    /// At most so many; the host answers at most 1,000. None means 50, the newest ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A part of the audit chain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditList {
    /// Oldest first.
    pub entries: Vec<AuditEntryView>,
    /// True if there are more after them.
    #[serde(default)]
    pub more: bool,
    /// The end of the whole chain: note its hash elsewhere, and `verify` finds whatever is changed before it.
    pub head: AuditHeadView,
}

/// The end of the audit chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditHeadView {
    /// The last entry's number; 0 if there is none.
    pub number: u64,
    /// Its hash, 64 hexadecimal digits.
    pub hash: String,
}

/// One entry of the audit chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntryView {
    /// Its place in the chain, from 1.
    pub number: u64,
    /// When.
    pub at: Time,
    /// Who.
    pub by: String,
    /// What was done, kebab-case: `install`, `upgrade`, `reconfigure`, `rollback`, `automatic-rollback`, `pause` …
    pub action: String,
    /// To what: mostly the name of an installation.
    pub subject: String,
    /// More; its members depend on the action. Of a new generation: `version`, `digest`, `origin`, `signer`, `from`, `note`,
    /// and `changes` with the config's fields, the grants and the state's schema.
    pub detail: serde_json::Value,
    /// The hash of the entry before, 64 hexadecimal digits.
    pub before: String,
    /// Its own.
    pub hash: String,
}

/// What to hold the chain against: `GET /v1/audit/verify`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditVerifyQuery {
    /// A hash that was noted elsewhere, or its first 12 hexadecimal digits or more: it has to be in the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
}

/// Whether the chain holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditVerifyView {
    /// True if every entry follows from the one before, and the hash asked for is among them.
    pub sound: bool,
    /// Entries that hold.
    pub entries: u64,
    /// The end of the chain.
    pub head: AuditHeadView,
    /// The number of the entry with the hash asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found_at: Option<u64>,
    /// What is wrong, and where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}
