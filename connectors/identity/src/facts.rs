//! What a lead, a sale or a customer record says about a person, in normal form. It does not access state.

use serde::{Deserialize, Serialize};

use crate::{
    config::Config,
    input::{RawLead, SaleCustomer},
    normal::{
        address::Address,
        email,
        name::{Name, RawName},
        phone, vin,
    },
};

/// Maximum number of values of a kind, newest first. Older ones are dropped as facts but stay in the key index.
pub const VALUES_MAX: usize = 6;

/// Facts about one person. Lists are newest first and contain no duplicates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Facts {
    /// The variants of the name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Name>,
    /// Identifying numbers, E.164.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<String>,
    /// Identifying addresses, in lower case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
    /// Mailboxes that provider rules derive from `emails`, if they differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_mailboxes: Vec<String>,
    /// Postal addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
}

/// Facts, the person's own cars, and ignored values with the reason.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Facts to compare.
    pub facts: Facts,
    /// Valid VINs of the person's cars: traded in or sold to the dealer.
    pub own_vins: Vec<String>,
    /// Valid VINs of cars that the person asks about: the dealer's stock, which identifies nobody.
    pub wanted_vins: Vec<String>,
    /// Sentences about ignored values. They name the kind of value, never the value.
    pub notes: Vec<String>,
}

impl Facts {
    /// All mailboxes: addresses that no provider rule changes, and the derived ones.
    pub fn mailboxes(&self) -> impl Iterator<Item = &String> {
        self.other_mailboxes.iter().chain(&self.emails)
    }

    /// Adds facts, newest first, and drops those over the limit.
    pub fn absorb(&mut self, newer: &Self) {
        fn merge<T: Clone + PartialEq>(old: &mut Vec<T>, new: &[T]) {
            old.retain(|value| !new.contains(value));
            let mut merged: Vec<T> = new.to_vec();
            merged.append(old);
            merged.truncate(VALUES_MAX);
            *old = merged;
        }
        merge(&mut self.names, &newer.names);
        merge(&mut self.phones, &newer.phones);
        merge(&mut self.emails, &newer.emails);
        merge(&mut self.other_mailboxes, &newer.other_mailboxes);
        merge(&mut self.addresses, &newer.addresses);
    }

    /// Keys of name blocks, which find similar-sounding surnames in the same postal code: (metaphone, postal code).
    pub fn name_blocks(&self) -> Vec<(String, String)> {
        let zips: Vec<&String> = self.addresses.iter().map(|a| &a.zip).filter(|zip| !zip.is_empty()).take(2).collect();
        let mut blocks = Vec::new();
        for code in self.names.iter().take(2).flat_map(Name::block_codes) {
            blocks.extend(zips.iter().map(|zip| (code.clone(), (*zip).clone())));
        }
        blocks.sort();
        blocks.dedup();
        blocks
    }
}

/// Reads the facts of a lead.
pub fn of_lead(lead: &RawLead, config: &Config) -> Reading {
    let mut reading = Reading::default();
    let customer = &lead.customer;
    let name = &customer.name;
    reading.facts.names.extend(Name::read(&RawName {
        full: name.full.as_deref(),
        first: name.first.as_deref(),
        middle: name.middle.as_deref(),
        last: name.last.as_deref(),
        suffix: name.suffix.as_deref(),
        business: name.kind.as_deref() == Some("business"),
    }));
    for number in customer.phones.iter().filter(|p| p.kind.as_deref() != Some("fax")).take(VALUES_MAX) {
        reading.phone(&number.number, config);
    }
    for email in customer.emails.iter().take(VALUES_MAX) {
        reading.email(&email.address, config);
    }
    if let Some(address) = &customer.address {
        reading.facts.addresses.extend(Address::read(
            &address.street,
            address.apartment.as_deref(),
            address.postal_code.as_deref(),
        ));
    }
    for car in &lead.vehicles {
        let own = matches!(car.interest.as_deref(), Some("sell" | "trade-in"));
        reading.car(car.vin.as_deref(), own);
    }
    for car in &lead.trade_ins {
        reading.car(car.vin.as_deref(), true);
    }
    reading
}

/// Reads the facts of a sale.
pub fn of_sale(customer: &SaleCustomer, config: &Config) -> Reading {
    let mut reading = Reading::default();
    let name = customer.name.parts();
    reading.facts.names.extend(Name::read(&RawName {
        full: name.full.as_deref(),
        first: name.first.as_deref(),
        middle: name.middle.as_deref(),
        last: name.last.as_deref(),
        suffix: name.suffix.as_deref(),
        business: name.kind.as_deref() == Some("business"),
    }));
    customer.phones.iter().take(VALUES_MAX).for_each(|phone| reading.phone(phone.text(), config));
    customer.emails.iter().take(VALUES_MAX).for_each(|email| reading.email(email.text(), config));
    if let Some(address) = &customer.address {
        reading.facts.addresses.extend(Address::read(
            &address.street,
            address.apartment.as_deref(),
            address.postal_code.as_deref(),
        ));
    }
    reading
}

impl Reading {
    fn phone(&mut self, text: &str, config: &Config) {
        match phone::read(text, &config.region) {
            Ok(phone) if config.dealer_phones().contains(&phone.e164) => {
                self.notes.push("a phone number is the dealer's own: ignored".to_owned());
            }
            Ok(phone) if !self.facts.phones.contains(&phone.e164) => self.facts.phones.push(phone.e164),
            Ok(_) => {}
            Err(flaw) => self.notes.push(format!("a phone number {}: ignored", flaw.reason())),
        }
    }

    fn email(&mut self, text: &str, config: &Config) {
        match email::read(text, &config.dealer_domains, &config.blocked_emails) {
            Ok(email) if !self.facts.emails.contains(&email.address) => {
                self.facts.emails.push(email.address);
                self.facts.other_mailboxes.extend(email.mailbox);
            }
            Ok(_) => {}
            Err(flaw) => self.notes.push(format!("an e-mail address {}: ignored", flaw.reason())),
        }
    }

    fn car(&mut self, text: Option<&str>, own: bool) {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return };
        let Some(vin) = vin::valid(text) else {
            if own {
                self.notes.push("the VIN of a trade-in is invalid: ignored".to_owned());
            }
            return;
        };
        let list = if own { &mut self.own_vins } else { &mut self.wanted_vins };
        if !list.contains(&vin) && list.len() < VALUES_MAX {
            list.push(vin);
        }
    }
}
