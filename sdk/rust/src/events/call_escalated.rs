//! Types of `com.handoff.call.escalated.v1`. Generated from `sdk/schemas/events`; do not edit.

use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// A level of escalation is reached.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallEscalated {
    /// The lead.
    pub lead_id: String,
    /// The customer.
    pub customer_id: String,
    /// The queue that the call is in.
    pub queue: String,
    /// The CRM's id of the entry, if the CRM has answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry_id: Option<String>,
    /// The level, from 1.
    pub level: u32,
    /// Who is told, as configured.
    pub to: String,
    /// Seconds since the lead was received.
    pub waited_seconds: u64,
    /// When the dealer received the lead.
    pub received_at: Timestamp,
}
