//! Types of `com.handoff.identity.merge.v1`. Generated from `sdk/schemas/events`; do not edit.

use serde::{Deserialize, Serialize};

/// An order to merge two customers.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentityMerge {
    /// The customer that stays.
    pub keep: String,
    /// The customer that becomes part of it.
    pub merge: String,
    /// The person who decided.
    pub by: String,
    /// The reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
