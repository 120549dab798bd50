//! Types of `com.handoff.call.refused.v1`. Generated from `sdk/schemas/events`; do not edit.

use serde::{Deserialize, Serialize};

/// A request that the CRM refused.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallRefused {
    /// The lead.
    pub lead_id: String,
    /// The customer.
    pub customer_id: String,
    /// The queue that the call is in.
    pub queue: String,
    /// The CRM's id of the entry, if the CRM has answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry_id: Option<String>,
    /// The request.
    pub operation: CallOperation,
    /// Why: a stable kebab-case word of the README of bdc-list.
    pub code: String,
    /// The HTTP status; absent if there was no response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The revision of the lead.
    pub revision: u32,
}

/// A request to the CRM.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallOperation {
    List,
    Update,
    Escalate,
    /// A value of a newer sender.
    #[serde(untagged)]
    Other(String),
}
