//! Types of `com.handoff.lead.identified.v1`. Generated from `sdk/schemas/events`; do not edit.

use super::Lead;
use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// A lead with its customer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeadIdentified {
    /// The lead as it was received.
    pub lead: Lead,
    /// Its customer.
    pub identity: Identity,
}

/// The customer of a lead, and how it was found.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// Stable id of the customer.
    pub customer_id: String,
    /// What was decided: `review` means a new customer for now, with candidates for a person to decide.
    pub decision: IdentityDecision,
    /// The evidence that decided: `vin`, `phone`, `email`, `name`, `resend` or `none`.
    pub rule: String,
    /// Score of the best candidate by name and address; 0 without one.
    pub score: f64,
    /// The reasons, as sentences.
    pub explanation: Vec<String>,
    /// The customer's cars, at most 20.
    pub vehicles: Vec<CustomerVehicle>,
    /// Channels that the customer opted out of.
    pub opt_out: OptOut,
    /// Customers that may be the same person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<IdentityCandidate>,
    /// The household, if the customer is linked to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub household_id: Option<String>,
}

/// How a customer was found.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityDecision {
    Matched,
    Created,
    Review,
    /// A value of a newer sender.
    #[serde(untagged)]
    Other(String),
}

/// A car of a customer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomerVehicle {
    /// A valid VIN.
    pub vin: String,
    /// The customer's relation to it.
    pub role: VehicleRole,
    /// The customer's ownership.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ownership_period: Option<OwnershipPeriod>,
}

/// A customer's relation to a car.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VehicleRole {
    Owner,
    FormerOwner,
    TradeIn,
    Interest,
    /// A value of a newer sender.
    #[serde(untagged)]
    Other(String),
}

/// A period of ownership of a car.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnershipPeriod {
    /// 1 for the first known owner.
    pub number: u32,
    /// When it began, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When it ended, if it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Channels that a customer opted out of.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OptOut {
    /// No calls.
    pub call: bool,
    /// No text messages.
    pub text: bool,
    /// No e-mail.
    pub email: bool,
}

/// A customer that may be the same person.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentityCandidate {
    /// The customer.
    pub customer_id: String,
    /// The score by name and address.
    pub score: f64,
    /// What agrees and what differs, as sentences.
    pub reasons: Vec<String>,
}
