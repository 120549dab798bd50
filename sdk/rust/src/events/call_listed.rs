//! Types of `com.handoff.call.listed.v1`. Generated from `sdk/schemas/events`; do not edit.

use super::ContactChannel;
use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// A call that is on the list.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallListed {
    /// The lead.
    pub lead_id: String,
    /// The customer.
    pub customer_id: String,
    /// The queue that the call is in.
    pub queue: String,
    /// The CRM's id of the entry, if the CRM has answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry_id: Option<String>,
    /// The team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Channels on which the customer may be contacted.
    pub contact_by: Vec<ContactChannel>,
    /// The revision of the lead that is listed.
    pub revision: u32,
    /// When the dealer received the lead: the clock's start.
    pub received_at: Timestamp,
    /// When the first escalation is due; absent without escalations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub respond_by: Option<Timestamp>,
}
