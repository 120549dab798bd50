//! What is kept in state, and how small it stays. Must not read or write state.
//!
//! A **profile** holds what was learned about one person from the leads and sales that were taken for theirs. A **customer**
//! is one or more profiles. A merge only changes which customer a profile belongs to and never touches the profile, so an
//! unmerge gives back exactly what there was, and opt-outs cannot get lost in between.

use handoff_sdk::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{facts::Facts, input::Channel, normal::name::Name};

/// Profiles that one customer may be merged from.
pub const MEMBERS_MAX: usize = 20;
/// Leads that a profile remembers.
pub const LEADS_MAX: usize = 20;
/// Cars that a profile remembers.
pub const VEHICLES_MAX: usize = 20;
/// Profiles that the index of one phone number or address remembers.
pub const HOLDERS_MAX: usize = 16;
/// Profiles in one name block.
pub const BLOCK_MAX: usize = 60;
/// People that one address remembers.
pub const HOUSEHOLD_MAX: usize = 24;
/// Ownership periods of one car.
pub const PERIODS_MAX: usize = 12;

/// `customer/<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Customer {
    /// The customer that this one was merged into.
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
    /// What the person said about contact.
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
    /// What the person has to do with it.
    pub role: Role,
}

/// What a person has to do with a car.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Bought it.
    Owner,
    /// Owned it until somebody else bought it.
    FormerOwner,
    /// Offers it in exchange.
    TradeIn,
    /// Asks for it.
    Interest,
}

/// A lead of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeadSeen {
    /// Which.
    pub lead_id: String,
    /// When it was attached.
    pub at: Timestamp,
}

/// The last word on each channel.
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

/// One word on one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Consent {
    /// No more contact.
    pub opted_out: bool,
    /// When it was said.
    pub at: Timestamp,
    /// Who recorded it.
    pub source: String,
}

impl Consents {
    /// Applies one word. The later word counts; of two at the same instant the opt-out.
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

    /// Applies every word of another set.
    pub fn apply_all(&mut self, other: &Self) {
        for (channel, consent) in
            [(Channel::Call, &other.call), (Channel::Text, &other.text), (Channel::Email, &other.email)]
        {
            if let Some(consent) = consent {
                self.apply(channel, consent);
            }
        }
    }

    /// Who opted out of what.
    pub fn opt_out(&self) -> OptOut {
        let out = |consent: &Option<Consent>| consent.as_ref().is_some_and(|consent| consent.opted_out);
        OptOut { call: out(&self.call), text: out(&self.text), email: out(&self.email) }
    }
}

/// Channels that are closed.
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
    /// An opt-out on either side counts.
    pub fn or(self, other: Self) -> Self {
        Self { call: self.call || other.call, text: self.text || other.text, email: self.email || other.email }
    }
}

/// `phone/<e164>`, `email/<address>`, `mailbox/<address>`: who was seen with it, first seen first. The first is its owner.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Key {
    /// Profiles.
    pub holders: Vec<Holder>,
    /// More holders than are kept: shared for good.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub crowded: bool,
}

/// A profile with its name: enough to judge it without reading the profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Which.
    pub profile: String,
    /// The name it bore then, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
}

/// `vin/<vin>`: who had the car when, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Car {
    /// Periods; the last is the current one.
    pub periods: Vec<Period>,
}

/// One ownership.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// Whose.
    pub profile: String,
    /// Date of the sale; absent if the person simply turned up with the car.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Date of the next sale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Car {
    /// Adds a sale where it belongs in time and closes the period before it. False if the sale is known.
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

/// `lead/<leadId>`: whom the lead belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeadLink {
    /// The profile that took its facts.
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
    /// The customer that was taken in.
    pub merged: String,
    /// The profiles that came with it.
    pub moved: Vec<String>,
    /// When.
    pub at: Timestamp,
    /// `manual` or the rule.
    pub rule: String,
    /// Who, or `handoff` for an automatic merge.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Which side's value leads the merged customer, by field.
    pub survivorship: Vec<Survivor>,
    /// Set by an unmerge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone: Option<Undone>,
}

/// The profile whose value leads.
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
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// `household/<hash of the address>`: who lives there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Household {
    /// Profiles with their names.
    pub members: Vec<Holder>,
}
