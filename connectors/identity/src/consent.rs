//! Applies a person's wish about a channel. Must not judge who is who.

use handoff_sdk::{Context, Event, Failure};

use crate::{
    book::{Book, KeyKind},
    config::Config,
    input::ConsentChange,
    normal::{email, phone},
    record::Consent,
};

/// `com.handoff.consent.changed.v1`. An opt-out counts for every profile of the customer, so that it outlives an unmerge. An
/// opt-in only counts for the profiles that it names: a wish of one person must not open a channel that another closed.
/// A wish about a number or address is also kept with the number or address itself, for customers who come later.
///
/// # Errors
/// Rejects `customer-unknown`, `consent-names-nobody`, `phone-invalid`, `email-invalid`.
pub fn change(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
    let change: ConsentChange = event.json()?;
    let book = Book::new(cx.state());
    // A date in the future would stand above every later wish.
    let at = change.at.map_or(cx.now(), |at| at.min(cx.now()));
    let consent = Consent { opted_out: change.opted_out, at, source: change.source.chars().take(100).collect() };
    let mut named: Vec<String> = Vec::new();
    if let Some(id) = &change.customer_id {
        if book.root(id)?.is_none() {
            return Err(Failure::reject("customer-unknown", "`customerId` is not in the book: check the id."));
        }
        named.push(id.clone());
    }
    for (kind, value) in values(cx.config(), &change)? {
        let mut consents = book.consent(&value)?;
        consents.apply(change.channel, &consent);
        book.put_consent(&value, &consents)?;
        let holders = book.key(kind, &value)?.holders;
        named.extend(holders.into_iter().map(|holder| holder.profile));
    }
    if named.is_empty() && change.phone.is_none() && change.email.is_none() {
        return Err(Failure::reject("consent-names-nobody", "expected one of `customerId`, `phone` or `email`."));
    }
    let mut targets = named.clone();
    if change.opted_out {
        for id in &named {
            targets.extend(book.root(id)?.map(|(_, customer)| customer.members).unwrap_or_default());
        }
    }
    targets.sort();
    targets.dedup();
    for id in &targets {
        if let Some(mut profile) = book.profile(id)? {
            profile.consents.apply(change.channel, &consent);
            book.put_profile(id, &profile)?;
        }
    }
    cx.counter("consents-changed", 1, &[("opted-out", if change.opted_out { "true" } else { "false" })]);
    Ok(())
}

/// The number and the address that the wish is about. Placeholders are no address to write to, and rejected.
fn values(config: &Config, change: &ConsentChange) -> Result<Vec<(KeyKind, String)>, Failure> {
    let mut values = Vec::new();
    if let Some(number) = &change.phone {
        let phone = phone::read(number, &config.region).map_err(|flaw| {
            Failure::reject("phone-invalid", format!("`phone` {}: expected a person's number.", flaw.reason()))
        })?;
        values.push((KeyKind::Phone, phone.e164));
    }
    if let Some(address) = &change.email {
        let email = email::read(address, &[], &[]).map_err(|flaw| {
            Failure::reject("email-invalid", format!("`email` {}: expected a person's address.", flaw.reason()))
        })?;
        values.push((KeyKind::Email, email.address));
    }
    Ok(values)
}
