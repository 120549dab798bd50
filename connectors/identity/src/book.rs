//! The book of customers: typed access to state. Only this file knows keys. It decides nothing.

use handoff_sdk::{State, StateError};
use sha2::{Digest, Sha256};

use crate::record::{
    BLOCK_MAX, Car, Consents, Customer, HOLDERS_MAX, HOUSEHOLD_MAX, Holder, Household, Key, LeadLink, MergeRecord,
    Profile,
};

type Outcome<T> = Result<T, StateError>;

/// The kinds of keys that identify people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// E.164 number.
    Phone,
    /// Address as written, in lower case.
    Email,
    /// Mailbox by provider rules.
    Mailbox,
}

impl KeyKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Mailbox => "mailbox",
        }
    }
}

/// Maximum number of merges to follow from a customer; there cannot be more than its members.
const HOPS_MAX: usize = 64;

/// Typed access to state for one delivery.
#[derive(Clone, Copy)]
pub struct Book<'a> {
    state: State<'a>,
}

impl<'a> Book<'a> {
    /// Opens the book.
    pub fn new(state: State<'a>) -> Self {
        Self { state }
    }

    /// A customer by its own id, including one that was merged into another.
    pub fn customer(&self, id: &str) -> Outcome<Option<Customer>> {
        if !is_id(id) {
            return Ok(None);
        }
        self.state.get(&format!("customer/{id}"))
    }

    /// Writes a customer.
    pub fn put_customer(&self, id: &str, customer: &Customer) -> Outcome<()> {
        self.state.set(&format!("customer/{id}"), customer)
    }

    /// The current customer for an id of a customer or profile.
    pub fn root(&self, id: &str) -> Outcome<Option<(String, Customer)>> {
        let mut current = id.to_owned();
        for _ in 0..HOPS_MAX {
            let Some(customer) = self.customer(&current)? else { return Ok(None) };
            match &customer.into {
                Some(into) => current = into.clone(),
                None => return Ok(Some((current, customer))),
            }
        }
        Ok(None)
    }

    /// Whether following merges from `id` leads to `ancestor`.
    pub fn is_under(&self, id: &str, ancestor: &str) -> Outcome<bool> {
        let mut current = id.to_owned();
        for _ in 0..HOPS_MAX {
            if current == ancestor {
                return Ok(true);
            }
            match self.customer(&current)?.and_then(|customer| customer.into) {
                Some(into) => current = into,
                None => return Ok(false),
            }
        }
        Ok(false)
    }

    /// A profile.
    pub fn profile(&self, id: &str) -> Outcome<Option<Profile>> {
        self.state.get(&format!("profile/{id}"))
    }

    /// Writes a profile.
    pub fn put_profile(&self, id: &str, profile: &Profile) -> Outcome<()> {
        self.state.set(&format!("profile/{id}"), profile)
    }

    /// Profiles that were seen with a phone number or address.
    pub fn key(&self, kind: KeyKind, value: &str) -> Outcome<Key> {
        Ok(self.state.get(&format!("{}/{value}", kind.prefix()))?.unwrap_or_default())
    }

    /// Records that a profile was seen with a phone number or address.
    pub fn hold_key(&self, kind: KeyKind, value: &str, holder: &Holder) -> Outcome<()> {
        let mut key = self.key(kind, value)?;
        let full = key.holders.len() >= HOLDERS_MAX;
        match key.holders.iter_mut().find(|known| known.profile == holder.profile) {
            Some(known) if known.name == holder.name || holder.name.is_none() => return Ok(()),
            Some(known) => known.name = holder.name.clone(),
            None if full => key.crowded = true,
            None => key.holders.push(holder.clone()),
        }
        self.state.set(&format!("{}/{value}", kind.prefix()), &key)
    }

    /// A car.
    pub fn car(&self, vin: &str) -> Outcome<Car> {
        Ok(self.state.get(&format!("vin/{vin}"))?.unwrap_or_default())
    }

    /// Writes a car.
    pub fn put_car(&self, vin: &str, car: &Car) -> Outcome<()> {
        self.state.set(&format!("vin/{vin}"), car)
    }

    /// Profiles with a similar-sounding surname in this postal code.
    pub fn block(&self, code: &str, zip: &str) -> Outcome<Vec<String>> {
        Ok(self.state.get(&format!("name-block/{code}/{zip}"))?.unwrap_or_default())
    }

    /// Adds a profile to a name block; a full block drops the oldest.
    pub fn join_block(&self, code: &str, zip: &str, profile: &str) -> Outcome<()> {
        let mut block = self.block(code, zip)?;
        if block.iter().any(|known| known == profile) {
            return Ok(());
        }
        block.push(profile.to_owned());
        if block.len() > BLOCK_MAX {
            block.remove(0);
        }
        self.state.set(&format!("name-block/{code}/{zip}"), &block)
    }

    /// Adds a person to an address and returns the other residents.
    pub fn move_in(&self, address_key: &str, person: &Holder) -> Outcome<Vec<Holder>> {
        let key = format!("household/{}", hash(&[address_key]));
        let mut household: Household = self.state.get(&key)?.unwrap_or_default();
        let others = household.members.iter().filter(|other| other.profile != person.profile).cloned().collect();
        if !household.members.contains(person) {
            household.members.retain(|other| other.profile != person.profile);
            household.members.push(person.clone());
            if household.members.len() > HOUSEHOLD_MAX {
                household.members.remove(0);
            }
            self.state.set(&key, &household)?;
        }
        Ok(others)
    }

    /// The customer of a lead.
    pub fn lead(&self, lead_id: &str) -> Outcome<Option<LeadLink>> {
        self.state.get(&format!("lead/{lead_id}"))
    }

    /// Writes the customer of a lead.
    pub fn put_lead(&self, lead_id: &str, link: &LeadLink) -> Outcome<()> {
        self.state.set(&format!("lead/{lead_id}"), link)
    }

    /// The consents for a phone number or address itself, independent of its holders.
    pub fn consent(&self, value: &str) -> Outcome<Consents> {
        Ok(self.state.get(&format!("consent/{value}"))?.unwrap_or_default())
    }

    /// Writes the consents for a phone number or address.
    pub fn put_consent(&self, value: &str, consents: &Consents) -> Outcome<()> {
        self.state.set(&format!("consent/{value}"), consents)
    }

    /// A merge.
    pub fn merge(&self, id: &str) -> Outcome<Option<MergeRecord>> {
        if !is_id(id) {
            return Ok(None);
        }
        self.state.get(&format!("merge/{id}"))
    }

    /// Writes a merge.
    pub fn put_merge(&self, id: &str, merge: &MergeRecord) -> Outcome<()> {
        self.state.set(&format!("merge/{id}"), merge)
    }

    /// Whether a person decided that these two are different people.
    pub fn are_apart(&self, left: &str, right: &str) -> Outcome<bool> {
        Ok(self.state.get_bytes(&apart_key(left, right))?.is_some())
    }

    /// Records (or removes) that these two are different people.
    pub fn set_apart(&self, left: &str, right: &str, apart: bool) -> Outcome<()> {
        let key = apart_key(left, right);
        if apart { self.state.set_bytes(&key, b"true") } else { self.state.delete(&key) }
    }
}

/// The first 24 hexadecimal digits of the SHA-256 of the parts: ids that are the same on a replay.
pub fn hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    hasher.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

/// People enter ids: only a valid key is looked up.
fn is_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/')
}

fn apart_key(left: &str, right: &str) -> String {
    let (first, second) = if left < right { (left, right) } else { (right, left) };
    format!("apart/{first}/{second}")
}
