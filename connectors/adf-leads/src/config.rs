//! The connector's config. Every field has a default; unknown fields are refused by name.

use serde::Deserialize;

/// Config of one installation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// Country of an address without one, as ISO 3166 letters. Empty: none is added.
    pub default_country: String,
    /// Currency of a price without one, as ISO 4217 letters.
    pub default_currency: String,
    /// Units of an odometer reading without units.
    pub default_odometer_units: OdometerUnits,
    /// Vendor ids that lead sources use for this dealer. Empty: every lead is accepted.
    pub accepted_vendor_ids: Vec<String>,
    /// What to do with a lead that names only other vendor ids.
    pub other_vendor: OtherVendor,
    /// Maximum number of prospects in a document or mail, 1 to 300.
    pub max_prospects: usize,
    /// Size limit of a document or mail in bytes, 1,024 to 8,388,608.
    pub max_document_bytes: usize,
    /// How many days a lead is remembered after it was last received, 1 to 730.
    pub remember_days: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            default_country: "US".to_owned(),
            default_currency: "USD".to_owned(),
            default_odometer_units: OdometerUnits::Mi,
            accepted_vendor_ids: Vec::new(),
            other_vendor: OtherVendor::Reject,
            max_prospects: 100,
            max_document_bytes: 4 * 1024 * 1024,
            remember_days: 180,
        }
    }
}

/// Units of an odometer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OdometerUnits {
    /// Miles.
    Mi,
    /// Kilometres.
    Km,
}

impl OdometerUnits {
    /// As written in a lead.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mi => "mi",
            Self::Km => "km",
        }
    }
}

/// What to do with a lead for another dealer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OtherVendor {
    /// Refuse it with `lead-for-other-vendor`.
    Reject,
    /// Accept it with a warning of that name.
    Warn,
}

impl Config {
    /// Checks lengths and ranges, which the types do not. The message names the field.
    pub fn check(&self) -> Result<(), String> {
        let letters =
            |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_uppercase());
        if !self.default_country.is_empty() && !letters(&self.default_country, 2) {
            return Err("`default-country` must be two capital letters such as `US`, or empty".to_owned());
        }
        if !letters(&self.default_currency, 3) {
            return Err("`default-currency` must be three capital letters such as `USD`".to_owned());
        }
        if !(1..=300).contains(&self.max_prospects) {
            return Err("`max-prospects` must be from 1 to 300".to_owned());
        }
        if !(1024..=8 * 1024 * 1024).contains(&self.max_document_bytes) {
            return Err("`max-document-bytes` must be from 1024 to 8388608".to_owned());
        }
        if !(1..=730).contains(&self.remember_days) {
            return Err("`remember-days` must be from 1 to 730".to_owned());
        }
        Ok(())
    }
}
