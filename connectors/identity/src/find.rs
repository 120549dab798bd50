//! Finds the customers that new facts may belong to, and compares them. It writes and decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use handoff_sdk::StateError;

use crate::{
    book::{Book, KeyKind},
    config::Config,
    facts::Reading,
    normal::name::{Likeness, Name},
    record::{Customer, Key, Profile},
    score::{Comparison, compare},
};

/// Maximum number of profiles to compare with a lead.
const CANDIDATES_MAX: usize = 150;

/// A customer that the facts may belong to, represented by the profile that matches best.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The customer.
    pub id: String,
    /// The customer's record.
    pub customer: Customer,
    /// Id of the profile that matches best.
    pub profile_id: String,
    /// That profile.
    pub profile: Profile,
    /// The result of comparing them.
    pub comparison: Comparison,
    /// Whether it currently owns a car that the new facts claim.
    pub vin: bool,
}

/// The result of a search.
#[derive(Debug, Default)]
pub struct Found {
    /// Candidates, best first.
    pub candidates: Vec<Candidate>,
    /// Keys that were ignored because strangers share them.
    pub notes: Vec<String>,
    /// Number of ignored keys.
    pub shared_keys: u64,
}

/// Searches by VIN, phone, e-mail and name blocks.
///
/// # Errors
/// State limits.
pub fn find(book: Book<'_>, config: &Config, reading: &Reading) -> Result<Found, StateError> {
    let mut found = Found::default();
    let mut profiles: Vec<String> = Vec::new();
    let mut holders_of_cars: BTreeSet<String> = BTreeSet::new();
    for vin in &reading.own_vins {
        if let Some(period) = book.car(vin)?.periods.last() {
            holders_of_cars.insert(period.profile.clone());
            profiles.push(period.profile.clone());
        }
    }
    let is_key = gather_keys(book, config, reading, &mut profiles, &mut found)?;
    for (code, zip) in reading.facts.name_blocks() {
        profiles.extend(book.block(&code, &zip)?);
    }
    let mut seen = BTreeSet::new();
    profiles.retain(|profile| seen.insert(profile.clone()));
    profiles.truncate(CANDIDATES_MAX);

    let mut best: BTreeMap<String, Candidate> = BTreeMap::new();
    for profile_id in profiles {
        let (Some(profile), Some((id, customer))) = (book.profile(&profile_id)?, book.root(&profile_id)?) else {
            continue;
        };
        let comparison = compare(&reading.facts, &profile.facts, &|value| is_key.get(value).copied().unwrap_or(true));
        let vin = holders_of_cars.contains(&profile_id);
        let candidate = Candidate { id: id.clone(), customer, profile_id, profile, comparison, vin };
        match best.get(&id) {
            Some(known) if !fits_better(&candidate, known) => {}
            _ => drop(best.insert(id, candidate)),
        }
    }
    found.candidates = best.into_values().collect();
    found.candidates.sort_by(|a, b| b.comparison.score.total_cmp(&a.comparison.score).then_with(|| a.id.cmp(&b.id)));
    Ok(found)
}

fn fits_better(new: &Candidate, known: &Candidate) -> bool {
    let rank = |c: &Candidate| (c.comparison.name_compatible, c.vin);
    rank(new) > rank(known) || (rank(new) == rank(known) && new.comparison.score > known.comparison.score)
}

/// Collects the holders of every key that identifies somebody, and returns those keys.
fn gather_keys(
    book: Book<'_>,
    config: &Config,
    reading: &Reading,
    profiles: &mut Vec<String>,
    found: &mut Found,
) -> Result<BTreeMap<String, bool>, StateError> {
    let facts = &reading.facts;
    let values = facts
        .phones
        .iter()
        .map(|value| (KeyKind::Phone, value))
        .chain(facts.emails.iter().map(|value| (KeyKind::Email, value)))
        .chain(facts.mailboxes().map(|value| (KeyKind::Mailbox, value)));
    let mut is_key = BTreeMap::new();
    for (kind, value) in values {
        let key = book.key(kind, value)?;
        let shared = is_shared(book, config, &key)?;
        let entry = is_key.entry(value.clone()).or_insert(true);
        if shared && *entry {
            *entry = false;
            found.shared_keys += 1;
            let what = if kind == KeyKind::Phone { "phone number" } else { "e-mail address" };
            found.notes.push(format!(
                "a {what} is shared by customers with different surnames: it no longer identifies anybody"
            ));
        }
        if !shared {
            profiles.extend(key.holders.into_iter().map(|holder| holder.profile));
        }
    }
    Ok(is_key)
}

/// Whether so many customers with different surnames share the key that it identifies none of them. It counts current
/// customers: a merge can make a key meaningful again.
fn is_shared(book: Book<'_>, config: &Config, key: &Key) -> Result<bool, StateError> {
    if key.crowded {
        return Ok(true);
    }
    let mut customers = BTreeSet::new();
    let mut surnames: Vec<&Name> = Vec::new();
    for holder in &key.holders {
        let Some((root, _)) = book.root(&holder.profile)? else { continue };
        let Some(name) = holder.name.as_ref().filter(|name| !name.surname.is_empty()) else { continue };
        let differs = surnames.iter().all(|known| name.surname_likeness(known) == Likeness::Different);
        if customers.insert(root) && differs {
            surnames.push(name);
        }
    }
    Ok(surnames.len() >= usize::try_from(config.shared_key_customers).unwrap_or(usize::MAX))
}
