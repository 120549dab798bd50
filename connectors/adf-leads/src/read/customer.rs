//! `<customer>`: contact, ids, time frame and comments of the person who made the request.

use super::contact::{self, Contact};
use super::node::{Node, Reading, is_comment_name};
use super::party;
use crate::dates;
use crate::lead::{Customer, Timeframe};
use crate::warnings::excerpt;

/// Reads a customer.
pub(crate) fn read(node: &Node<'_>, reading: &mut Reading<'_>) -> Customer {
    let mut customer = Customer::default();
    let mut contact = Contact::default();
    let mut contacts = 0;
    reading.loose_text(node);
    for child in node.children() {
        match child.name() {
            "contact" => {
                contacts += 1;
                if contacts > 1 {
                    reading.warn("tag-repeated", child.path.clone(), "a second `<contact>` is merged into the first");
                }
                contact::read(&child, &mut contact, reading);
            }
            "id" => customer.ids.extend(party::id(&child, reading)),
            "timeframe" => {
                let timeframe = timeframe(&child, reading);
                reading.once(&mut customer.timeframe, timeframe, &child);
            }
            "comments" => add_comments(&mut customer.comments, &child, reading),
            name if is_comment_name(name) => {
                reading.renamed(&child, "comments");
                add_comments(&mut customer.comments, &child, reading);
            }
            "name" | "email" | "phone" | "address" | "firstname" | "lastname" => {
                reading.renamed(&child, &format!("contact.{}", child.name()));
                contact::read_child(&child, &mut contact, reading);
            }
            _ => reading.unknown(&child),
        }
    }
    customer.name = contact.name.and_then(|name| contact::without_placeholders(name, &node.path, reading));
    customer.emails = contact.emails;
    customer.phones = contact.phones;
    customer.address = contact.address;
    customer
}

/// Joins comments: losing a customer's sentence would be worse than a second paragraph.
pub(crate) fn add_comments(slot: &mut Option<String>, node: &Node<'_>, reading: &mut Reading<'_>) {
    let Some(text) = reading.prose(node) else { return };
    match slot {
        None => *slot = Some(text),
        Some(before) => {
            before.push_str("\n\n");
            before.push_str(&text);
            reading.warn("tag-repeated", node.path.clone(), "a second comment is appended to the first");
        }
    }
}

fn timeframe(node: &Node<'_>, reading: &mut Reading<'_>) -> Option<Timeframe> {
    let mut timeframe = Timeframe::default();
    for child in node.children() {
        match child.name() {
            "description" => {
                add_comments(&mut timeframe.description, &child, reading);
            }
            "earliestdate" => {
                let day = day(&child, reading);
                reading.once(&mut timeframe.earliest, day, &child);
            }
            "latestdate" => {
                let day = day(&child, reading);
                reading.once(&mut timeframe.latest, day, &child);
            }
            _ => reading.unknown(&child),
        }
    }
    (timeframe != Timeframe::default()).then_some(timeframe)
}

fn day(node: &Node<'_>, reading: &mut Reading<'_>) -> Option<String> {
    let text = reading.text(node)?;
    match dates::read_day(&text, reading.options.zone) {
        Some(date) => {
            for (code, message) in date.deviations {
                reading.warn(code, node.path.clone(), message);
            }
            Some(date.value)
        }
        None => {
            reading.warn(
                "date-unreadable",
                node.path.clone(),
                format!("`{}` is not a date and is dropped", excerpt(&text)),
            );
            None
        }
    }
}
