//! `<contact>` with its names, e-mail addresses, phones and address; for customers, vendors and providers.

use super::choice::{NAME_PART, NAME_TYPE, PHONE_TIME, PHONE_TYPE, PREFERRED_CONTACT};
use super::node::{Node, Reading};
use super::{address, links};
use crate::lead::{Address, Email, Name, NameKind, Phone};
use crate::placeholder::{is_filler_number, is_placeholder_name, is_program_word};
use crate::warnings::excerpt;

/// Minimum number of digits of a phone number.
const MIN_PHONE_DIGITS: usize = 7;

/// The data of a contact.
#[derive(Debug, Default)]
pub(crate) struct Contact {
    pub(crate) name: Option<Name>,
    pub(crate) emails: Vec<Email>,
    pub(crate) phones: Vec<Phone>,
    pub(crate) address: Option<Address>,
}

/// Adds the data of a `<contact>`.
pub(crate) fn read(node: &Node<'_>, contact: &mut Contact, reading: &mut Reading<'_>) {
    reading.loose_text(node);
    for child in node.children() {
        read_child(&child, contact, reading);
    }
    contact.name = contact.name.take().and_then(|name| without_placeholders(name, &node.path, reading));
}

/// Adds one element of a contact; returns whether it was one, so that misplaced ones are read too.
pub(crate) fn read_child(child: &Node<'_>, contact: &mut Contact, reading: &mut Reading<'_>) {
    match child.name() {
        "name" => name(child, &mut contact.name, reading),
        "firstname" | "first" | "first_name" => named_part(child, "first", &mut contact.name, reading),
        "lastname" | "last" | "last_name" | "surname" => named_part(child, "last", &mut contact.name, reading),
        "middlename" | "middle" => named_part(child, "middle", &mut contact.name, reading),
        "fullname" => named_part(child, "full", &mut contact.name, reading),
        "email" => contact.emails.extend(emails(child, reading)),
        "emailaddress" | "email_address" | "e-mail" => {
            reading.renamed(child, "email");
            contact.emails.extend(emails(child, reading));
        }
        "phone" => contact.phones.extend(phone(child, reading)),
        "cellphone" | "mobile" | "telephone" | "homephone" | "workphone" => {
            reading.renamed(child, "phone");
            let kind = if matches!(child.name(), "cellphone" | "mobile") { "cellphone" } else { "voice" };
            contact.phones.extend(phone(child, reading).map(|phone| Phone { kind, ..phone }));
        }
        "address" => {
            let address = address::read(child, reading);
            reading.once(&mut contact.address, address, child);
        }
        _ => reading.unknown(child),
    }
}

fn name(node: &Node<'_>, slot: &mut Option<Name>, reading: &mut Reading<'_>) {
    // `<name><first>…</first><last>…</last></name>`: parts as elements instead of attributes.
    if node.attribute("part").is_none() && node.element.has_children() {
        let parts = node.children();
        if parts.iter().all(|part| NAME_PART.values.contains(&part.name()) || part.name().ends_with("name")) {
            for part in parts {
                let kind = part.name().strip_suffix("name").unwrap_or(part.name());
                let kind = NAME_PART.values.iter().find(|value| **value == kind).copied().unwrap_or("full");
                named_part(&part, kind, slot, reading);
            }
            return;
        }
    }
    let part = reading.choice(node, &NAME_PART).unwrap_or("full");
    let kind = match reading.choice(node, &NAME_TYPE) {
        Some("business") => NameKind::Business,
        _ => NameKind::Individual,
    };
    if let Some(text) = reading.written(node) {
        set_part(part, text, kind, slot, node, reading);
    }
}

fn named_part(node: &Node<'_>, part: &str, slot: &mut Option<Name>, reading: &mut Reading<'_>) {
    reading.renamed(node, &format!("name part=\"{part}\""));
    if let Some(text) = reading.written(node) {
        set_part(part, text, NameKind::Individual, slot, node, reading);
    }
}

fn set_part(
    part: &str,
    text: String,
    kind: NameKind,
    slot: &mut Option<Name>,
    node: &Node<'_>,
    reading: &mut Reading<'_>,
) {
    let name = slot.get_or_insert_with(Name::default);
    if kind == NameKind::Business {
        name.kind = kind;
    }
    let place = match part {
        "first" => &mut name.first,
        "middle" => &mut name.middle,
        "last" => &mut name.last,
        "suffix" => &mut name.suffix,
        _ => &mut name.full,
    };
    reading.once(place, Some(text), node);
}

/// The addresses of an `<email>`: senders write several, or the person's name beside one.
fn emails(node: &Node<'_>, reading: &mut Reading<'_>) -> Vec<Email> {
    let preferred = reading.choice(node, &PREFERRED_CONTACT) == Some("1");
    let Some(text) = reading.text(node) else { return Vec::new() };
    let found = links::addresses(&text);
    if found.is_empty() {
        let message = format!("`{}` is not an e-mail address and is dropped", excerpt(&text));
        reading.warn("email-malformed", node.path.clone(), message);
    } else if found.len() > 1 || found.first().is_some_and(|address| *address != text) {
        let message = format!("`{}` is read as {}", excerpt(&text), excerpt(&found.join(", ")));
        reading.warn("email-malformed", node.path.clone(), message);
    }
    found.into_iter().map(|address| Email { address, preferred }).collect()
}

fn phone(node: &Node<'_>, reading: &mut Reading<'_>) -> Option<Phone> {
    let kind = match node.attribute("type") {
        None => "voice",
        Some(_) => reading.choice(node, &PHONE_TYPE).unwrap_or("unknown"),
    };
    let best_time = reading.choice(node, &PHONE_TIME).filter(|time| *time != "nopreference");
    let preferred = reading.choice(node, &PREFERRED_CONTACT) == Some("1");
    let number = reading.text(node)?;
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    if digits.len() < MIN_PHONE_DIGITS {
        let message = format!("`{}` has fewer than {MIN_PHONE_DIGITS} digits and is dropped", excerpt(&number));
        reading.warn("phone-malformed", node.path.clone(), message);
        return None;
    }
    if is_filler_number(&digits) {
        reading.placeholder(node, &number);
        return None;
    }
    Some(Phone { number, kind, best_time, preferred })
}

/// Removes the parts of a name that mean nothing; `None` if no part is left.
pub(crate) fn without_placeholders(mut name: Name, path: &str, reading: &mut Reading<'_>) -> Option<Name> {
    let (first, last) = (name.first.clone(), name.last.clone());
    let mut drop = |part: &mut Option<String>, other: Option<&str>| {
        if part.as_deref().is_some_and(|text| is_placeholder_name(text, other)) {
            let message = format!("`{}` is no name and is dropped", excerpt(part.as_deref().unwrap_or_default()));
            reading.warn("placeholder", format!("{path}.name"), message);
            *part = None;
        }
    };
    drop(&mut name.first, last.as_deref());
    drop(&mut name.last, first.as_deref());
    drop(&mut name.middle, None);
    drop(&mut name.suffix, None);
    drop(&mut name.full, None);
    if let Some(full) = &mut name.full
        && full.contains(' ')
    {
        let kept: Vec<&str> = full.split(' ').filter(|word| !is_program_word(word)).collect();
        if kept.len() < full.split(' ').count() {
            let message = format!("`{}` is read as `{}`", excerpt(full), excerpt(&kept.join(" ")));
            reading.warn("placeholder", format!("{path}.name"), message);
            *full = kept.join(" ");
        }
    }
    let parts = [&name.full, &name.first, &name.middle, &name.last];
    parts.iter().any(|part| part.is_some()).then_some(name)
}
