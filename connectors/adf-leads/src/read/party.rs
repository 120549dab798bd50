//! `<id>`, `<vendor>` (the dealer) and `<provider>` (the source of the lead).

use super::contact::{self, Contact};
use super::node::{Node, Reading};
use crate::lead::{Id, Name, Provider, Vendor};
use crate::placeholder;
use crate::warnings::excerpt;

/// Reads an id; `None` if it has no text. A placeholder identifies nothing and would tie strangers together.
pub(crate) fn id(node: &Node<'_>, reading: &mut Reading<'_>) -> Option<Id> {
    let value = reading.written(node)?;
    if placeholder::is_placeholder(&value) {
        let message = format!("`{}` is a placeholder and identifies nothing; it is dropped", excerpt(&value));
        reading.warn("id-placeholder", node.path.clone(), message);
        return None;
    }
    let sequence = node.attribute("sequence").and_then(|text| {
        let number = text.parse().ok();
        if number.is_none() {
            reading.warn(
                "attribute-value",
                node.at("sequence"),
                format!("`{}` is not a number and is ignored", excerpt(text)),
            );
        }
        number
    });
    let source = node.attribute("source").filter(|source| !placeholder::is_placeholder(source));
    Some(Id { source: source.map(str::to_owned), sequence, value })
}

/// Reads the dealer that a lead is for.
pub(crate) fn vendor(node: &Node<'_>, reading: &mut Reading<'_>) -> Vendor {
    let mut vendor = Vendor::default();
    let mut contact = Contact::default();
    reading.loose_text(node);
    for child in node.children() {
        match child.name() {
            "id" => vendor.ids.extend(id(&child, reading)),
            "vendorid" | "dealerid" | "vendor_id" => {
                reading.renamed(&child, "id");
                vendor.ids.extend(id(&child, reading));
            }
            "vendorname" => {
                let text = reading.text(&child);
                reading.once(&mut vendor.name, text, &child);
            }
            "name" | "dealername" => {
                reading.renamed(&child, "vendorname");
                let text = reading.text(&child);
                reading.once(&mut vendor.name, text, &child);
            }
            "url" => {
                let url = url(&child, reading);
                reading.once(&mut vendor.url, url, &child);
            }
            "contact" => {
                contact::read(&child, &mut contact, reading);
                if contact.name.is_none() {
                    let message = "the vendor's contact has no `<name>`; the vendor's name is used instead";
                    reading.warn("name-missing", format!("{}.name", child.path), message);
                }
            }
            _ => reading.unknown(&child),
        }
    }
    if vendor.name.is_none() {
        vendor.name = contact.name.and_then(display_name);
        let message = match vendor.name {
            Some(_) => "`<vendorname>` is missing; the contact's name is used instead",
            None => "`<vendorname>` is missing",
        };
        reading.warn("name-missing", format!("{}.vendorname", node.path), message);
    }
    vendor
}

/// Reads the source of a lead.
pub(crate) fn provider(node: &Node<'_>, reading: &mut Reading<'_>) -> Provider {
    let mut provider = Provider::default();
    let mut contact = Contact::default();
    let mut name: Option<Name> = None;
    reading.loose_text(node);
    for child in node.children() {
        match child.name() {
            "id" => provider.ids.extend(id(&child, reading)),
            "name" => {
                let mut own = Contact::default();
                contact::read_child(&child, &mut own, reading);
                let own = own.name.and_then(|name| contact::without_placeholders(name, &node.path, reading));
                reading.once(&mut name, own, &child);
            }
            "service" => {
                let text = reading.text(&child);
                reading.once(&mut provider.service, text, &child);
            }
            "url" => {
                let url = url(&child, reading);
                reading.once(&mut provider.url, url, &child);
            }
            "contact" | "email" | "phone" => {
                let mut more = Contact::default();
                if child.name() == "contact" {
                    contact::read(&child, &mut more, reading);
                } else {
                    contact::read_child(&child, &mut more, reading);
                }
                contact.emails.extend(more.emails);
                contact.phones.extend(more.phones);
                contact.name = contact.name.or(more.name);
            }
            _ => reading.unknown(&child),
        }
    }
    provider.name = name.or(contact.name).and_then(display_name);
    if provider.name.is_none() {
        reading.warn("name-missing", format!("{}.name", node.path), "the provider has no `<name>`");
    }
    provider.email = contact.emails.into_iter().next().map(|email| email.address);
    provider.phone = contact.phones.into_iter().next().map(|phone| phone.number);
    provider
}

/// A URL; only http and https, because consoles may show it as a link.
pub(crate) fn url(node: &Node<'_>, reading: &mut Reading<'_>) -> Option<String> {
    let text = reading.text(node)?;
    let lower = text.to_ascii_lowercase();
    if (lower.starts_with("http://") || lower.starts_with("https://")) && !text.contains(' ') {
        return Some(text);
    }
    // People write `www.example.com`; only the scheme is missing.
    if lower.starts_with("www.") && !text.contains(' ') {
        let message = format!("`{}` has no `https://`, which is added", excerpt(&text));
        reading.warn("url-malformed", node.path.clone(), message);
        return Some(format!("https://{text}"));
    }
    reading.warn("url-malformed", node.path.clone(), format!("`{}` is not a URL and is dropped", excerpt(&text)));
    None
}

fn display_name(name: Name) -> Option<String> {
    let parts: Vec<String> = [name.first, name.middle, name.last].into_iter().flatten().collect();
    name.full.or_else(|| (!parts.is_empty()).then(|| parts.join(" ")))
}
