//! Types of `com.handoff.customer.unmerged.v1`. Generated from `sdk/schemas/events`; do not edit.

use super::OptOut;
use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// A merge that was undone.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomerUnmerged {
    /// The merge.
    pub merge_id: String,
    /// The customer that stays.
    pub keep: String,
    /// The customer that is separate again.
    pub restored: String,
    /// The rule of the merge.
    pub rule: String,
    /// Who decided.
    pub by: String,
    /// The reason, as a sentence.
    pub reason: String,
    /// When it was undone.
    pub at: Timestamp,
    /// Which leads belong to whom, as sentences.
    pub explanation: Vec<String>,
    /// Channels that are closed now.
    pub opt_out: UnmergedOptOuts,
}

/// Closed channels of both customers after an unmerge.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnmergedOptOuts {
    /// Of the customer that stays.
    pub keep: OptOut,
    /// Of the restored customer.
    pub restored: OptOut,
}
