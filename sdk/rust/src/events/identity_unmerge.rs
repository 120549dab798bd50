//! Types of `com.handoff.identity.unmerge.v1`. Generated from `sdk/schemas/events`; do not edit.

use serde::{Deserialize, Serialize};

/// An order to undo a merge.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentityUnmerge {
    /// The merge, as in com.handoff.customer.merged.v1.
    pub merge_id: String,
    /// The person who decided.
    pub by: String,
    /// The reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
