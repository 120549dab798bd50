//! Types of `com.handoff.call.due.v1`. Generated from `sdk/schemas/events`; do not edit.

use serde::{Deserialize, Serialize};

/// A level of escalation is due.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallDue {
    /// The lead.
    pub lead_id: String,
    /// The level, from 1.
    pub level: u32,
}
