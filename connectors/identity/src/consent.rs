//! Applies a person's consent for a channel. It does not decide who is who.

use handoff_sdk::{Context, Event, Failure};

use crate::{
    book::{Book, KeyKind},
    config::Config,
    input::ConsentChange,
    normal::{email, phone},
    record::Consent,
};

/// `com.handoff.consent.changed.v1`. An opt-out applies to every profile of the customer, so that it survives an
/// unmerge. An opt-in applies only to the named profiles: one person's consent must not open a channel that another
/// closed. A consent for a number or address is also stored with the number or address itself, for future customers.
///
/// # Errors
/// Rejects `customer-unknown`, `consent-names-nobody`, `phone-invalid`, `email-invalid`.
pub fn change(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
    let change: ConsentChange = event.json()?;
    let book = Book::new(cx.state());
    // A date in the future would override every later consent.
    let at = change.at.map_or(cx.now(), |at| at.min(cx.now()));
    let consent = Consent { opted_out: change.opted_out, at, source: change.source.chars().take(100).collect() };
    let mut named: Vec<String> = Vec::new();
    if let Some(id) = &change.customer_id {
        if book.root(id)?.is_none() {
            return Err(Failure::reject("customer-unknown", "`customerId` is unknown: check the id."));
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

/// The number and the address of the consent. Placeholders are not real addresses and are rejected.
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
