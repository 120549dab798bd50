//! The canonical lead, the data of `com.handoff.lead.received.v1`. Only its structure; unknown values are omitted.
//!
//! Other connectors read this JSON: fields may be added, never renamed. Its published schema, and types for those who read it,
//! are in `sdk/schemas/events`.

use serde::Serialize;

use crate::preferences::Channel;
use crate::vin::VinCheck;
use crate::warnings::Warning;

/// One prospect of an ADF document.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lead {
    /// Stable id of the lead, 32 hexadecimal digits; see `lead_id`.
    pub lead_id: String,
    /// `resend` if and only if `revision` is above 1.
    pub status: Status,
    /// Number of times this lead id was emitted, from 1.
    pub revision: u32,
    /// RFC 3339, or `YYYY-MM-DD` if the document has no time; absent without a readable date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<String>,
    /// The date as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_at_text: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<Vendor>,
    pub customer: Customer,
    pub vehicles: Vec<Vehicle>,
    pub trade_ins: Vec<Vehicle>,
    /// What was written elsewhere than in a customer's or a vehicle's comments; labelled with its place if ADF knows no
    /// comments there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comments: Option<String>,
    pub warnings: Vec<Warning>,
}

/// Whether a lead is new to the dealer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// First time.
    New,
    /// Changed, or deliberately sent again.
    Resend,
}

/// An identifier assigned by a party that handled the lead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Id {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u32>,
    pub value: String,
}

/// The source of the lead.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Provider {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// The dealer that the lead is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Vendor {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The person or business that made the request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Customer {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    pub emails: Vec<Email>,
    pub phones: Vec<Phone>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeframe: Option<Timeframe>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comments: Option<String>,
    /// Channels that the customer refuses: `call`, `text`, `email`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refuses_contact_by: Vec<Channel>,
}

/// A name in the given parts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Name {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
    pub kind: NameKind,
}

/// The kind of name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NameKind {
    #[default]
    Individual,
    Business,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Email {
    pub address: String,
    pub preferred: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Phone {
    /// As written.
    pub number: String,
    /// `voice`, `cellphone`, `fax`, `pager` or `unknown`.
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_time: Option<&'static str>,
    pub preferred: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub street: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apartment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// When the customer wants to buy; dates are RFC 3339 or `YYYY-MM-DD`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Timeframe {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earliest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest: Option<String>,
}

/// A vehicle that is wanted, offered or traded in.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Vehicle {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<Id>,
    /// `buy`, `lease`, `sell`, `trade-in` or `test-drive`.
    pub interest: &'static str,
    /// `new` or `used`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<&'static str>,
    /// Condition of a used vehicle, as written (`excellent`, `good`, …).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grade: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub make: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trim: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_style: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transmission: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doors: Option<u32>,
    /// As written, in upper case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vin: Option<String>,
    pub vin_check: VinCheck,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stock: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub odometer: Option<Odometer>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub colors: Vec<Colors>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_comments: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finance: Option<Finance>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comments: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Odometer {
    pub value: u32,
    /// `mi` or `km`.
    pub units: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'static str>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Colors {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interior: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exterior: Option<String>,
    /// Rank; 1 is the first choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preference: Option<u32>,
}

/// Money as a decimal string in whole units of the currency, without separators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    pub amount: String,
    pub currency: String,
    /// `quote`, `offer`, `msrp`, `invoice`, `call`, `appraisal` or `asking`.
    pub kind: &'static str,
    /// For a price difference: `absolute`, `relative` or `percentage`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relative_to: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Finance {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amounts: Vec<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<Amount>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Amount {
    pub amount: String,
    pub currency: String,
    /// `downpayment`, `monthly` or `total`; of a balance `finance` or `residual`.
    pub kind: &'static str,
    /// `maximum`, `minimum` or `exact`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<&'static str>,
}
