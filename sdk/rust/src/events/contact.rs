//! Types of `contact`. Generated from `sdk/schemas/events`; do not edit.

use serde::{Deserialize, Serialize};

/// A name in the given parts.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PersonName {
    /// The whole name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full: Option<String>,
    /// Given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// Middle name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle: Option<String>,
    /// Surname.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// Generation suffix, such as `Jr.`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
    /// Whether it names a person or a business.
    pub kind: NameKind,
}

/// The kind of name.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameKind {
    Individual,
    Business,
    /// A value of a newer sender.
    #[serde(untagged)]
    Other(String),
}

/// An e-mail address.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailAddress {
    /// The address as written.
    pub address: String,
    /// Whether the customer prefers it.
    pub preferred: bool,
}

/// A phone number.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PhoneNumber {
    /// The number as written.
    pub number: String,
    /// The kind of phone.
    pub kind: PhoneKind,
    /// When to call: `morning`, `day`, `afternoon` or `evening`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_time: Option<String>,
    /// Whether the customer prefers it.
    pub preferred: bool,
}

/// The kind of phone.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PhoneKind {
    Voice,
    Cellphone,
    Fax,
    Pager,
    Unknown,
    /// A value of a newer sender.
    #[serde(untagged)]
    Other(String),
}

/// A postal address.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PostalAddress {
    /// Lines of the street.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub street: Vec<String>,
    /// The apartment or unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apartment: Option<String>,
    /// The city.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// The state or region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// ZIP or other postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// The country as ISO 3166 letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// A way to contact a customer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContactChannel {
    Call,
    Text,
    Email,
    /// A value of a newer sender.
    #[serde(untagged)]
    Other(String),
}
