//! Types of `com.handoff.call.closed.v1`. Generated from `sdk/schemas/events`; do not edit.

use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// The end of a call.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallClosed {
    /// The lead.
    pub lead_id: String,
    /// The customer.
    pub customer_id: String,
    /// The queue that the call is in.
    pub queue: String,
    /// The CRM's id of the entry, if the CRM has answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry_id: Option<String>,
    /// Why it ended.
    pub reason: CallEnd,
    /// When it ended.
    pub at: Timestamp,
    /// How many levels of escalation were reached.
    pub escalations: u32,
    /// The person who made the contact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The outcome, in the CRM's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// When the dealer received the lead; only with a contact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
    /// Response time by the clock, in seconds; only with a contact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_seconds: Option<u64>,
    /// Response time within business hours, in seconds; only with a contact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_business_seconds: Option<u64>,
}

/// Why a call ended.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallEnd {
    FirstContact,
    OptedOut,
    NoWayToContact,
    /// A value of a newer sender.
    #[serde(untagged)]
    Other(String),
}
