//! The stable id of a lead: from the sender's id, otherwise from the lead's content.
//!
//! The hashes are published in events and stored in state: changing them makes every lead new again.

use sha2::{Digest, Sha256};

use crate::lead::{Id, Lead};
use crate::warnings::Warnings;

/// The lead's id, 32 hexadecimal digits.
///
/// The id with the lowest sequence is used, because parties that forward a lead add ids of their own.
pub fn lead_id(lead: &Lead, path: &str, warnings: &mut Warnings) -> String {
    let mut usable: Vec<&Id> = lead.ids.iter().collect();
    usable.sort_by_key(|id| (id.source.is_none(), id.sequence.unwrap_or(u32::MAX)));
    let provider = lead.provider.as_ref().and_then(|provider| provider.name.as_deref());
    if let Some(id) = usable.first() {
        if id.source.is_none() {
            let message = "the id has no `source`; the provider's name is used instead";
            warnings.add("id-without-source", format!("{path}.id@source"), message);
        }
        if let Some(source) = id.source.as_deref().or(provider) {
            return hash(&["id", &source.to_lowercase(), &id.value]);
        }
    }
    by_content(lead, path, warnings)
}

/// The fallback: request date, vendor, phone or e-mail, VIN.
pub fn by_content(lead: &Lead, path: &str, warnings: &mut Warnings) -> String {
    // As written: the same bytes are the same lead, whatever the rooftop's zone and its rules.
    let date = lead.requested_at_text.clone().unwrap_or_default();
    if date.is_empty() {
        let message = "no id and no date: a later request of the same person for the same car counts as this lead";
        warnings.add("lead-id-weak", path, message);
    }
    let vendor = lead.vendor.as_ref().and_then(|vendor| {
        vendor.ids.first().map(|id| id.value.clone()).or_else(|| vendor.name.as_ref().map(|name| name.to_lowercase()))
    });
    let vin = lead.vehicles.iter().chain(&lead.trade_ins).find_map(|vehicle| vehicle.vin.clone());
    hash(&["content", &date, &vendor.unwrap_or_default(), &contact(lead), &vin.unwrap_or_default()])
}

/// Phone digits, otherwise the e-mail address, otherwise the name: enough to distinguish two people.
fn contact(lead: &Lead) -> String {
    let customer = &lead.customer;
    if let Some(phone) = customer.phones.first() {
        return digits(&phone.number);
    }
    if let Some(email) = customer.emails.first() {
        return email.address.to_lowercase();
    }
    let name = customer.name.clone().unwrap_or_default();
    [name.full, name.first, name.last].into_iter().flatten().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Hashes of the attributes that distinguish people, at most 6: name, phones and e-mail addresses.
///
/// Each hash includes the lead's id, so that hashes of different leads cannot be compared.
pub fn people(lead: &Lead) -> Vec<String> {
    let customer = &lead.customer;
    let name = customer.name.as_ref().map(|name| {
        let full = name.full.clone().unwrap_or_default();
        let parts = [name.first.as_deref(), name.last.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
        if parts.is_empty() { full } else { parts }.to_lowercase()
    });
    let phones = customer.phones.iter().map(|phone| digits(&phone.number));
    let emails = customer.emails.iter().map(|email| email.address.to_lowercase());
    let all = name.into_iter().chain(phones).chain(emails).take(6);
    all.map(|one| hash(&["person", &lead.lead_id, &one]).chars().take(16).collect()).collect()
}

fn digits(number: &str) -> String {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    match digits.strip_prefix('1') {
        Some(national) if national.len() == 10 => national.to_owned(),
        _ => digits,
    }
}

/// The first 128 bits of SHA-256 over the fields, each prefixed with its length.
pub fn hash(fields: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for field in fields {
        hasher.update(field.len().to_string());
        hasher.update(":");
        hasher.update(field);
    }
    hasher.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
