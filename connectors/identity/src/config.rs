//! Config of the installation, with defaults. It does not read state or events.

use handoff_sdk::Failure;
use serde::Deserialize;

use crate::normal::phone;

/// The operator's config. Unknown fields are refused, so that typing errors are found.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// ISO country code for phone numbers without one.
    pub region: String,
    /// The dealer's e-mail domains: addresses on them (or their subdomains) do not identify a customer.
    pub dealer_domains: Vec<String>,
    /// The dealer's phone numbers: they do not identify a customer.
    pub dealer_phones: Vec<String>,
    /// Further e-mail addresses that do not identify a customer.
    pub blocked_emails: Vec<String>,
    /// Minimum score at which a candidate found by name is the same person.
    pub match_score: f64,
    /// Minimum score at which a person should review a candidate.
    pub review_score: f64,
    /// A phone number or address that this many customers with different surnames share no longer identifies anybody.
    pub shared_key_customers: u32,
    /// Merge two known customers automatically when a lead proves that they are the same person.
    pub auto_merge: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            region: "US".to_owned(),
            dealer_domains: Vec::new(),
            dealer_phones: Vec::new(),
            blocked_emails: Vec::new(),
            match_score: 17.0,
            review_score: 10.0,
            shared_key_customers: 3,
            auto_merge: true,
        }
    }
}

impl Config {
    /// # Errors
    /// Misconfigured: names the field, its value and what was expected.
    pub fn validate(&self) -> Result<(), Failure> {
        let refuse = |field: &str, holds: &str, expected: &str| {
            Err(Failure::misconfigured(format!("`{field}` holds `{holds}`: expected {expected}.")))
        };
        if self.region.len() != 2 || !self.region.bytes().all(|b| b.is_ascii_uppercase()) {
            return refuse("region", &self.region, "two upper-case letters (ISO 3166), for example `US`");
        }
        for domain in &self.dealer_domains {
            if !domain.contains('.') || domain.contains(['@', ' ']) || domain.chars().any(char::is_uppercase) {
                return refuse(
                    "dealer-domains",
                    domain,
                    "a domain in lower case without `@`, for example `mainstreetmotors.com`",
                );
            }
        }
        for address in &self.blocked_emails {
            if !address.contains('@') || address.chars().any(|c| c.is_uppercase() || c.is_whitespace()) {
                return refuse("blocked-emails", address, "an e-mail address in lower case");
            }
        }
        for number in &self.dealer_phones {
            if let Err(phone::PhoneFlaw::Malformed) = phone::read(number, &self.region) {
                return refuse("dealer-phones", number, "a phone number, for example `+13128672368`");
            }
        }
        if !(self.review_score > 0.0 && self.review_score < self.match_score && self.match_score < 100.0) {
            let holds = format!("{} and {}", self.review_score, self.match_score);
            return refuse("review-score` and `match-score", &holds, "0 < review-score < match-score < 100");
        }
        if !(2..=10).contains(&self.shared_key_customers) {
            return refuse("shared-key-customers", &self.shared_key_customers.to_string(), "2 to 10");
        }
        Ok(())
    }

    /// The dealer's numbers in E.164.
    pub fn dealer_phones(&self) -> Vec<String> {
        self.dealer_phones
            .iter()
            .filter_map(|number| phone::read(number, &self.region).ok())
            .map(|phone| phone.e164)
            .collect()
    }
}
