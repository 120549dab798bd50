//! Types of `com.handoff.customer.merged.v1`. Generated from `sdk/schemas/events`; do not edit.

use super::OptOut;
use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// A merge of two customers.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomerMerged {
    /// Stable id of the merge; an unmerge names it.
    pub merge_id: String,
    /// The customer that stays.
    pub keep: String,
    /// The customer that is now part of it.
    pub merged: String,
    /// `manual`, or the evidence of a lead: `vin`, `phone` or `email`.
    pub rule: String,
    /// Who decided.
    pub by: String,
    /// The reason, as a sentence.
    pub reason: String,
    /// When they were merged.
    pub at: Timestamp,
    /// The record whose value is shown, for each field.
    pub survivorship: Vec<SurvivingField>,
    /// Channels that are closed now.
    pub opt_out: OptOut,
    /// Channels that were closed before.
    pub opt_out_before: MergedOptOuts,
}

/// The record whose value of a field is shown.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SurvivingField {
    /// `name`, `phone`, `email` or `address`.
    pub field: String,
    /// The record.
    pub from: String,
}

/// Closed channels of both customers before a merge.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MergedOptOuts {
    /// Of the customer that stays.
    pub keep: OptOut,
    /// Of the merged customer.
    pub merged: OptOut,
}
