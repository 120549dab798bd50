//! The stored values and their limits. It does not read or write state.
//!
//! A **profile** contains what was learned about one person from their leads and sales. A **customer** is one or more
//! profiles. A merge only changes the customer of a profile and never the profile, so an unmerge restores exactly what
//! there was, and opt-outs cannot get lost.

use handoff_sdk::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{facts::Facts, input::Channel, normal::name::Name};

/// Maximum number of profiles of a customer.
pub const MEMBERS_MAX: usize = 20;
/// Maximum number of leads of a profile.
pub const LEADS_MAX: usize = 20;
/// Maximum number of cars of a profile.
pub const VEHICLES_MAX: usize = 20;
/// Maximum number of profiles in the index of a phone number or address.
pub const HOLDERS_MAX: usize = 16;
/// Maximum number of profiles in a name block.
pub const BLOCK_MAX: usize = 60;
/// Maximum number of residents of an address.
pub const HOUSEHOLD_MAX: usize = 24;
/// Maximum number of ownership periods of a car.
pub const PERIODS_MAX: usize = 12;

/// `customer/<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Customer {
    /// The customer into which this one was merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<String>,
    /// Its profiles, its own first.
    pub members: Vec<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// The household it is linked to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub household: Option<String>,
}

/// `profile/<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// Names, keys and addresses.
    pub facts: Facts,
    /// When facts were last added.
    pub seen_at: Timestamp,
    /// Cars, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vehicles: Vec<HeldVehicle>,
    /// The person's consents.
    #[serde(default)]
    pub consents: Consents,
    /// Leads, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leads: Vec<LeadSeen>,
}

/// A car of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldVehicle {
    /// Valid VIN.
    pub vin: String,
    /// The person's relation to it.
    pub role: Role,
}

/// A person's relation to a car.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Bought it.
    Owner,
    /// Owned it until another person bought it.
    FormerOwner,
    /// Offers it as a trade-in.
    TradeIn,
    /// Asks about it.
    Interest,
}

/// A lead of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeadSeen {
    /// The lead id.
    pub lead_id: String,
    /// When it was attached.
    pub at: Timestamp,
}

/// The latest consent for each channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Consents {
    /// Voice calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<Consent>,
    /// Text messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Consent>,
    /// E-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Consent>,
}

/// A consent for one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Consent {
    /// Whether the person opted out.
    pub opted_out: bool,
    /// When it was given.
    pub at: Timestamp,
    /// The system that recorded it.
    pub source: String,
}

impl Consents {
    /// Applies a consent. The later one counts; of two at the same instant, the opt-out.
    pub fn apply(&mut self, channel: Channel, consent: &Consent) {
        let set = |slot: &mut Option<Consent>| {
            let newer =
                slot.as_ref().is_none_or(|old| consent.at > old.at || (consent.at == old.at && consent.opted_out));
            if newer {
                *slot = Some(consent.clone());
            }
        };
        match channel {
            Channel::Call => set(&mut self.call),
            Channel::Text => set(&mut self.text),
            Channel::Email => set(&mut self.email),
            Channel::All => [&mut self.call, &mut self.text, &mut self.email].into_iter().for_each(set),
        }
    }

    /// Applies all consents of another set.
    pub fn apply_all(&mut self, other: &Self) {
        for (channel, consent) in
            [(Channel::Call, &other.call), (Channel::Text, &other.text), (Channel::Email, &other.email)]
        {
            if let Some(consent) = consent {
                self.apply(channel, consent);
            }
        }
    }

    /// The opt-outs.
    pub fn opt_out(&self) -> OptOut {
        let out = |consent: &Option<Consent>| consent.as_ref().is_some_and(|consent| consent.opted_out);
        OptOut { call: out(&self.call), text: out(&self.text), email: out(&self.email) }
    }
}

/// Closed channels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptOut {
    /// No calls.
    pub call: bool,
    /// No text messages.
    pub text: bool,
    /// No e-mail.
    pub email: bool,
}

impl OptOut {
    /// Combines two sets: an opt-out on either side counts.
    pub fn or(self, other: Self) -> Self {
        Self { call: self.call || other.call, text: self.text || other.text, email: self.email || other.email }
    }
}

/// `phone/<e164>`, `email/<address>`, `mailbox/<address>`: its holders, first seen first. The first is its owner.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Key {
    /// Profiles.
    pub holders: Vec<Holder>,
    /// There were more holders than are stored: permanently shared.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub crowded: bool,
}

/// A profile with its name: enough to compare it without reading the profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The profile.
    pub profile: String,
    /// Its name at that time, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
}

/// `vin/<vin>`: the owners of the car, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Car {
    /// Ownership periods; the last is the current one.
    pub periods: Vec<Period>,
}

/// An ownership period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// The owner.
    pub profile: String,
    /// Date of the sale; absent if a lead introduced the car.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Date of the next sale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Car {
    /// Inserts a sale in chronological order and ends the period before it. Returns false if the sale is already known.
    pub fn sell(&mut self, profile: &str, sold_at: Timestamp) -> bool {
        if self.periods.iter().any(|period| period.since == Some(sold_at)) {
            return false;
        }
        let at = self
            .periods
            .iter()
            .position(|period| period.since.is_some_and(|since| since > sold_at))
            .unwrap_or(self.periods.len());
        self.periods.insert(at, Period { profile: profile.to_owned(), since: Some(sold_at), until: None });
        let starts: Vec<Option<Timestamp>> =
            self.periods.iter().skip(1).map(|period| period.since).chain([None]).collect();
        for (period, next) in self.periods.iter_mut().zip(starts) {
            period.until = next;
        }
        if self.periods.len() > PERIODS_MAX {
            self.periods.remove(0);
        }
        true
    }
}

/// `lead/<leadId>`: the customer of a lead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeadLink {
    /// The profile to which its facts were added.
    pub profile: String,
    /// The latest revision seen.
    pub revision: u32,
}

/// `merge/<id>`: the survivorship log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MergeRecord {
    /// The customer that stayed.
    pub keep: String,
    /// The customer that was merged into it.
    pub merged: String,
    /// Its profiles.
    pub moved: Vec<String>,
    /// Time of the merge.
    pub at: Timestamp,
    /// `manual` or the rule.
    pub rule: String,
    /// The person, or `handoff` for an automatic merge.
    pub by: String,
    /// The reason.
    pub reason: String,
    /// For each field, the profile whose value the merged customer shows.
    pub survivorship: Vec<Survivor>,
    /// Set by an unmerge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone: Option<Undone>,
}

/// The profile whose value is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survivor {
    /// `name`, `phone`, `email`, `address`.
    pub field: String,
    /// Profile.
    pub from: String,
}

/// An unmerge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// Time of the unmerge.
    pub at: Timestamp,
    /// The person.
    pub by: String,
    /// The reason.
    pub reason: String,
}

/// `household/<hash of the address>`: its residents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Household {
    /// Profiles with their names.
    pub members: Vec<Holder>,
}
