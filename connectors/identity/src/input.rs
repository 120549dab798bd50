//! The incoming events, as far as this connector reads them. Unknown fields are ignored. It does not interpret values.

use handoff_sdk::Timestamp;
use serde::Deserialize;

/// A canonical lead, as far as identity needs it. The lead itself is passed on as received.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RawLead {
    /// Stable id of the lead.
    pub lead_id: String,
    /// 1, plus one for each resend.
    #[serde(default = "first_revision")]
    pub revision: u32,
    /// The customer.
    #[serde(default)]
    pub customer: RawCustomer,
    /// Vehicles asked for or offered (`interest` tells which).
    #[serde(default)]
    pub vehicles: Vec<RawVehicle>,
    /// Trade-ins.
    #[serde(default)]
    pub trade_ins: Vec<RawVehicle>,
}

fn first_revision() -> u32 {
    1
}

/// The customer of a lead.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RawCustomer {
    /// Name.
    pub name: RawPersonName,
    /// E-mail addresses as written.
    pub emails: Vec<RawEmail>,
    /// Phone numbers as written.
    pub phones: Vec<RawPhone>,
    /// Postal address.
    pub address: Option<RawAddress>,
}

/// A name in parts or as one text.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RawPersonName {
    /// The whole name.
    pub full: Option<String>,
    /// Given name.
    pub first: Option<String>,
    /// Middle name.
    pub middle: Option<String>,
    /// Surname.
    pub last: Option<String>,
    /// Generation suffix.
    pub suffix: Option<String>,
    /// `individual` or `business`.
    pub kind: Option<String>,
}

/// An e-mail address.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RawEmail {
    /// As written.
    pub address: String,
}

/// A phone number.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RawPhone {
    /// As written.
    pub number: String,
    /// `voice`, `cellphone`, `fax`, `pager` or `unknown`.
    pub kind: Option<String>,
}

/// A postal address.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RawAddress {
    /// Lines.
    pub street: Vec<String>,
    /// Unit.
    pub apartment: Option<String>,
    /// ZIP or other postal code.
    pub postal_code: Option<String>,
}

/// A car.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RawVehicle {
    /// `buy`, `lease`, `sell`, `trade-in`, `test-drive`.
    pub interest: Option<String>,
    /// VIN as written.
    pub vin: Option<String>,
}

/// `com.handoff.sale.closed.v1`: a car has a new owner.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sale {
    /// The car.
    pub vin: String,
    /// When it was sold.
    pub sold_at: Timestamp,
    /// The buyer.
    pub customer: SaleCustomer,
}

/// The buyer in a sale. Dealer systems write names, addresses and numbers as text or as objects.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct SaleCustomer {
    /// Name.
    pub name: SaleName,
    /// E-mail addresses.
    pub emails: Vec<TextOrObject>,
    /// Phone numbers.
    pub phones: Vec<TextOrObject>,
    /// Postal address.
    pub address: Option<RawAddress>,
}

/// A name as text or in parts.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum SaleName {
    /// The whole name.
    Text(String),
    /// In parts.
    Parts(RawPersonName),
}

impl Default for SaleName {
    fn default() -> Self {
        Self::Parts(RawPersonName::default())
    }
}

impl SaleName {
    /// The name in parts.
    pub fn parts(&self) -> RawPersonName {
        match self {
            Self::Text(full) => RawPersonName { full: Some(full.clone()), ..RawPersonName::default() },
            Self::Parts(parts) => parts.clone(),
        }
    }
}

/// A value as text or as an object with one relevant field.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum TextOrObject {
    /// The value.
    Text(String),
    /// `{"number": …}`.
    Number {
        /// The value.
        number: String,
    },
    /// `{"address": …}`.
    Address {
        /// The value.
        address: String,
    },
}

impl TextOrObject {
    /// The value as written.
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Number { number: text } | Self::Address { address: text } => text,
        }
    }
}

/// `com.handoff.consent.changed.v1`: a person allowed or forbade a channel.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsentChange {
    /// The customer; or `phone` or `email` instead.
    pub customer_id: Option<String>,
    /// The number that the consent is about.
    pub phone: Option<String>,
    /// The address that the consent is about.
    pub email: Option<String>,
    /// The channel.
    pub channel: Channel,
    /// True: no more contact.
    pub opted_out: bool,
    /// The system that recorded it.
    #[serde(default)]
    pub source: String,
    /// Time of the statement; the default is now.
    pub at: Option<Timestamp>,
}

/// A contact channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Voice calls.
    Call,
    /// Text messages.
    Text,
    /// E-mail.
    Email,
    /// All channels.
    All,
}
