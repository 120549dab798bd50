//! Types of `com.handoff.sale.closed.v1`. Generated from `sdk/schemas/events`; do not edit.

use super::{PersonName, PostalAddress};
use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// A car has a new owner.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SaleClosed {
    /// The car: 17 characters with a correct check digit.
    pub vin: String,
    /// When it was sold.
    pub sold_at: Timestamp,
    /// The buyer.
    pub customer: SaleCustomer,
}

/// The buyer of a car.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SaleCustomer {
    /// The name in its parts.
    pub name: PersonName,
    /// E-mail addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<SaleEmail>,
    /// Phone numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<SalePhone>,
    /// The postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<PostalAddress>,
}

/// An e-mail address of a buyer.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SaleEmail {
    /// The address as written.
    pub address: String,
}

/// A phone number of a buyer.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SalePhone {
    /// The number as written.
    pub number: String,
}
