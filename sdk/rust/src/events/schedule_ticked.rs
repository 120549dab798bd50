//! Types of `com.handoff.schedule.ticked.v1`. Generated from `sdk/schemas/events`; do not edit.

use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// The tick of a schedule.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleTicked {
    /// The schedule's name in the settings.
    pub schedule: String,
    /// When it was due. With `jitter`, the delivery is later.
    pub scheduled_for: Timestamp,
    /// The same time with the offset of the rooftop's zone.
    pub local_time: String,
}
