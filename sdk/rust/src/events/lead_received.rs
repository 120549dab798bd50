//! Types of `com.handoff.lead.received.v1`. Generated from `sdk/schemas/events`; do not edit.

use super::{ContactChannel, EmailAddress, PersonName, PhoneNumber, PostalAddress};
use serde::{Deserialize, Serialize};

/// One prospect of an ADF 1.0 document. Unknown values are omitted. Later versions may add fields; they rename and
/// remove none.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lead {
    /// Stable id of the lead, also after a resend: 32 hexadecimal digits.
    pub lead_id: String,
    /// `resend` if and only if `revision` is above 1.
    pub status: LeadStatus,
    /// How many times this lead was emitted, from 1.
    pub revision: u32,
    /// When the customer made the request. Absent without a readable date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<String>,
    /// The date as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_at_text: Option<String>,
    /// Identifiers that parties gave to the lead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<LeadReference>,
    /// The source of the lead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<LeadProvider>,
    /// The dealer that the lead is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<LeadVendor>,
    /// The person or business that made the request.
    pub customer: LeadCustomer,
    /// Vehicles that the customer asks for or offers.
    pub vehicles: Vec<LeadVehicle>,
    /// Vehicles that the customer trades in.
    pub trade_ins: Vec<LeadVehicle>,
    /// What was written elsewhere than in a customer's or a vehicle's comments, labelled with its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comments: Option<String>,
    /// What could not be read as written.
    pub warnings: Vec<LeadWarning>,
}

/// Whether a lead is new to the dealer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeadStatus {
    New,
    Resend,
    /// A value of a newer sender.
    #[serde(untagged)]
    Other(String),
}

/// An identifier that a party assigned.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeadReference {
    /// The party that assigned it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Its rank among identifiers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u32>,
    /// The identifier.
    pub value: String,
}

/// The source of a lead.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeadProvider {
    /// Its identifiers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<LeadReference>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The service that sent the lead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Its web site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Its phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// The dealer that a lead is for.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeadVendor {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its identifiers at the provider.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<LeadReference>,
    /// Its web site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The person or business that made the request.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeadCustomer {
    /// Identifiers of the customer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<LeadReference>,
    /// The name in its parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<PersonName>,
    /// E-mail addresses.
    pub emails: Vec<EmailAddress>,
    /// Phone numbers.
    pub phones: Vec<PhoneNumber>,
    /// The postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<PostalAddress>,
    /// When the customer wants to buy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeframe: Option<LeadTimeframe>,
    /// What the customer wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comments: Option<String>,
    /// Channels that the customer refuses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refuses_contact_by: Vec<ContactChannel>,
}

/// When the customer wants to buy.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeadTimeframe {
    /// In the customer's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The earliest date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earliest: Option<String>,
    /// The latest date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest: Option<String>,
}

/// A vehicle that is wanted, offered or traded in.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeadVehicle {
    /// Its identifiers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<LeadReference>,
    /// What the customer wants with it.
    pub interest: VehicleInterest,
    /// Whether it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<VehicleCondition>,
    /// The condition of a used vehicle, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grade: Option<String>,
    /// Model year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<u32>,
    /// Make.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub make: Option<String>,
    /// Model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Trim level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trim: Option<String>,
    /// Body style.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_style: Option<String>,
    /// Transmission.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transmission: Option<String>,
    /// Number of doors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doors: Option<u32>,
    /// The VIN as written, in upper case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vin: Option<String>,
    /// The result of the VIN's own check.
    pub vin_check: VinCheck,
    /// The dealer's stock number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stock: Option<String>,
    /// The mileage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub odometer: Option<Odometer>,
    /// Combinations of colors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub colors: Vec<VehicleColors>,
    /// The price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<VehiclePrice>,
    /// Comments on the price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_comments: Option<String>,
    /// Options by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// How the customer pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finance: Option<Finance>,
    /// URL of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// Comments on the vehicle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comments: Option<String>,
}

/// What a customer wants with a vehicle.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VehicleInterest {
    Buy,
    Lease,
    Sell,
    TradeIn,
    TestDrive,
    /// A value of a newer sender.
    #[serde(untagged)]
    Other(String),
}

/// Whether a vehicle is new or used.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VehicleCondition {
    New,
    Used,
    /// A value of a newer sender.
    #[serde(untagged)]
    Other(String),
}

/// The result of a VIN's own check (49 CFR 565.15): `foreign` has no check digit, `absent` means no VIN.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VinCheck {
    Valid,
    Invalid,
    Foreign,
    Absent,
    /// A value of a newer sender.
    #[serde(untagged)]
    Other(String),
}

/// A mileage.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Odometer {
    /// The reading.
    pub value: u32,
    /// Its units.
    pub units: OdometerUnits,
    /// Whether the reading is known, such as `replaced`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

/// Units of a mileage.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OdometerUnits {
    Mi,
    Km,
    /// A value of a newer sender.
    #[serde(untagged)]
    Other(String),
}

/// A combination of colors.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VehicleColors {
    /// Interior color.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interior: Option<String>,
    /// Exterior color.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exterior: Option<String>,
    /// Rank; 1 is the first choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preference: Option<u32>,
}

/// A price.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VehiclePrice {
    /// The amount, or the difference.
    pub amount: String,
    /// ISO 4217 letters.
    pub currency: String,
    /// What the price is.
    pub kind: PriceKind,
    /// For a price difference: how it is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta: Option<PriceDelta>,
    /// For a price difference: the price that it refers to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relative_to: Option<String>,
    /// Where the price comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// The kind of a price.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PriceKind {
    Quote,
    Offer,
    Msrp,
    Invoice,
    Call,
    Appraisal,
    Asking,
    /// A value of a newer sender.
    #[serde(untagged)]
    Other(String),
}

/// How a price difference is meant.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PriceDelta {
    Absolute,
    Relative,
    Percentage,
    /// A value of a newer sender.
    #[serde(untagged)]
    Other(String),
}

/// How a customer pays.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finance {
    /// The method, such as `cash`, `finance` or `lease`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Amounts that the customer named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amounts: Vec<FinanceAmount>,
    /// What is still owed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<FinanceAmount>,
}

/// An amount of a payment.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FinanceAmount {
    /// The amount.
    pub amount: String,
    /// ISO 4217 letters.
    pub currency: String,
    /// What the amount is.
    pub kind: FinanceKind,
    /// Whether it is a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<FinanceLimit>,
}

/// The kind of an amount; of a balance `finance` or `residual`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FinanceKind {
    Downpayment,
    Monthly,
    Total,
    Finance,
    Residual,
    /// A value of a newer sender.
    #[serde(untagged)]
    Other(String),
}

/// How an amount is meant.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FinanceLimit {
    Maximum,
    Minimum,
    Exact,
    /// A value of a newer sender.
    #[serde(untagged)]
    Other(String),
}

/// What could not be read as written.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeadWarning {
    /// Stable kebab-case word.
    pub code: String,
    /// The place in the document.
    pub field: String,
    /// For people.
    pub message: String,
}
