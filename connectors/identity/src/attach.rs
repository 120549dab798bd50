//! Writes new facts to a profile, its customer and all indexes. It does not decide whose they are.

use handoff_sdk::{StateError, Timestamp};

use crate::{
    book::{Book, KeyKind, hash},
    facts::Reading,
    record::{Car, Consents, Customer, HeldVehicle, Holder, LEADS_MAX, LeadSeen, Period, Profile, Role, VEHICLES_MAX},
};

/// The result of attaching facts.
#[derive(Debug, Default)]
pub struct Attached {
    /// Whether a household was linked by it.
    pub household_linked: bool,
    /// Sentences for the explanation.
    pub notes: Vec<String>,
}

/// Creates an empty customer with its profile. The id is derived from the cause, so a replay creates the same one.
///
/// # Errors
/// State limits.
pub fn create(book: Book<'_>, cause: &[&str], now: Timestamp) -> Result<String, StateError> {
    let mut id = String::new();
    for round in 0..u8::MAX {
        id = format!("c-{}", hash(&[&["customer"], cause, &[&round.to_string()]].concat()));
        if book.customer(&id)?.is_none() {
            break;
        }
    }
    let facts = crate::facts::Facts::default();
    book.put_profile(
        &id,
        &Profile { facts, seen_at: now, vehicles: Vec::new(), consents: Consents::default(), leads: Vec::new() },
    )?;
    book.put_customer(&id, &Customer { into: None, members: vec![id.clone()], created_at: now, household: None })?;
    Ok(id)
}

/// Adds facts to the profile.
///
/// # Errors
/// State limits.
pub fn attach(
    book: Book<'_>,
    profile_id: &str,
    reading: &Reading,
    lead_id: Option<&str>,
    now: Timestamp,
) -> Result<Attached, StateError> {
    let mut attached = Attached::default();
    let Some(mut profile) = book.profile(profile_id)? else { return Ok(attached) };
    profile.facts.absorb(&reading.facts);
    profile.seen_at = now;
    if let Some(lead_id) = lead_id {
        profile.leads.retain(|lead| lead.lead_id != lead_id);
        profile.leads.insert(0, LeadSeen { lead_id: lead_id.to_owned(), at: now });
        profile.leads.truncate(LEADS_MAX);
    }
    for value in reading.facts.phones.iter().chain(&reading.facts.emails) {
        profile.consents.apply_all(&book.consent(value)?);
    }
    for vin in &reading.wanted_vins {
        hold(&mut profile, vin, Role::Interest);
    }
    for vin in &reading.own_vins {
        claim_car(book, profile_id, &mut profile, vin, &mut attached)?;
    }
    book.put_profile(profile_id, &profile)?;
    index(book, profile_id, &profile, reading)?;
    link_household(book, profile_id, &profile, &mut attached)?;
    Ok(attached)
}

fn index(book: Book<'_>, profile_id: &str, profile: &Profile, reading: &Reading) -> Result<(), StateError> {
    let holder = Holder { profile: profile_id.to_owned(), name: profile.facts.names.first().cloned() };
    for phone in &reading.facts.phones {
        book.hold_key(KeyKind::Phone, phone, &holder)?;
    }
    for email in &reading.facts.emails {
        book.hold_key(KeyKind::Email, email, &holder)?;
    }
    for mailbox in reading.facts.mailboxes() {
        book.hold_key(KeyKind::Mailbox, mailbox, &holder)?;
    }
    for (code, zip) in profile.facts.name_blocks() {
        book.join_block(&code, &zip, profile_id)?;
    }
    Ok(())
}

/// A car in a lead starts a first ownership period; another customer's car remains theirs until a sale.
fn claim_car(
    book: Book<'_>,
    profile_id: &str,
    profile: &mut Profile,
    vin: &str,
    attached: &mut Attached,
) -> Result<(), StateError> {
    let car = book.car(vin)?;
    match car.periods.last() {
        None => book.put_car(
            vin,
            &Car { periods: vec![Period { profile: profile_id.to_owned(), since: None, until: None }] },
        )?,
        Some(period) => {
            let same = book.root(&period.profile)?.map(|(id, _)| id) == book.root(profile_id)?.map(|(id, _)| id);
            if !same {
                attached
                    .notes
                    .push("a car of this lead belongs to another customer: only a sale changes that".to_owned());
            }
        }
    }
    hold(profile, vin, Role::TradeIn);
    Ok(())
}

/// Records a profile's relation to a car. Ownership is kept when the car is offered as a trade-in.
pub fn hold(profile: &mut Profile, vin: &str, role: Role) {
    let role = match profile.vehicles.iter().find(|held| held.vin == vin).map(|held| held.role) {
        Some(Role::Owner) if matches!(role, Role::TradeIn | Role::Interest) => Role::Owner,
        Some(Role::TradeIn) if role == Role::Interest => Role::TradeIn,
        _ => role,
    };
    profile.vehicles.retain(|held| held.vin != vin);
    profile.vehicles.insert(0, HeldVehicle { vin: vin.to_owned(), role });
    profile.vehicles.truncate(VEHICLES_MAX);
}

/// Same address, same surname, different given name: one household, two customers.
fn link_household(
    book: Book<'_>,
    profile_id: &str,
    profile: &Profile,
    attached: &mut Attached,
) -> Result<(), StateError> {
    let Some(name) = profile.facts.names.first().filter(|name| !name.surname.is_empty()) else { return Ok(()) };
    let person = Holder { profile: profile_id.to_owned(), name: Some(name.clone()) };
    for key in profile.facts.addresses.iter().filter_map(|address| address.key()) {
        let others = book.move_in(&key, &person)?;
        for other in others.iter().filter(|other| other.name.as_ref().is_some_and(|other| name.is_relative(other))) {
            let (Some((my_id, mut mine)), Some((their_id, mut theirs))) =
                (book.root(profile_id)?, book.root(&other.profile)?)
            else {
                continue;
            };
            if my_id == their_id || (mine.household.is_some() && mine.household == theirs.household) {
                continue;
            }
            let surname = other.name.as_ref().map(|name| name.surname.as_str()).unwrap_or_default();
            let household = theirs
                .household
                .clone()
                .or_else(|| mine.household.clone())
                .unwrap_or_else(|| format!("h-{}", hash(&[&key, surname])));
            mine.household = Some(household.clone());
            theirs.household = Some(household);
            book.put_customer(&my_id, &mine)?;
            book.put_customer(&their_id, &theirs)?;
            attached.household_linked = true;
            attached.notes.push(format!(
                "same address and surname as customer {their_id}, different given name: one household, two customers"
            ));
        }
    }
    Ok(())
}
