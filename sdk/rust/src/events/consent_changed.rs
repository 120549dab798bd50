//! Types of `com.handoff.consent.changed.v1`. Generated from `sdk/schemas/events`; do not edit.

use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// A consent for a channel.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsentChanged {
    /// The customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// The number that the consent is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The address that the consent is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The channel.
    pub channel: ConsentChannel,
    /// True: no more contact on this channel.
    pub opted_out: bool,
    /// The system that recorded it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// When the person said so. Absent: when the event is handled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// The channel of a consent.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsentChannel {
    Call,
    Text,
    Email,
    All,
    /// A value of a newer sender.
    #[serde(untagged)]
    Other(String),
}
