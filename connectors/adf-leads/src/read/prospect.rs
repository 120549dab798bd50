//! `<prospect>`: combines its groups of elements and decides whether it is a lead for this dealer.

use super::choice::PROSPECT_STATUS;
use super::customer::add_comments;
use super::node::{Node, Reading, is_comment_name};
use super::{customer, party, vehicle};
use crate::config::OtherVendor;
use crate::dates;
use crate::lead::{Customer, Lead, Status, Vendor};
use crate::lead_id::lead_id;
use crate::preferences::{self, Channel};
use crate::refusal::{Refusal, RefusalCode};
use crate::warnings::excerpt;

/// Reads a prospect; the flag says that its sender marked it as resent.
pub(crate) fn read(node: &Node<'_>, reading: &mut Reading<'_>) -> Result<(Lead, bool), Refusal> {
    let is_resend = reading.choice(node, &PROSPECT_STATUS) == Some("resend");
    let mut lead = empty();
    let mut customer = None;
    let mut has_date = false;
    reading.loose_text(node);
    for child in node.children() {
        match child.name() {
            "id" => lead.ids.extend(party::id(&child, reading)),
            "requestdate" => {
                has_date = true;
                request_date(&child, &mut lead, reading);
            }
            "vehicle" => {
                let Some(vehicle) = vehicle::read(&child, reading) else { continue };
                let list = if vehicle.interest == "trade-in" { &mut lead.trade_ins } else { &mut lead.vehicles };
                list.push(vehicle);
            }
            "customer" => {
                let read = customer::read(&child, reading);
                if customer.is_some() {
                    let comments = read.comments.as_ref().map(|text| format!("customer[1].comments: {text}"));
                    reading.comments.extend(comments);
                }
                reading.once(&mut customer, Some(read), &child);
            }
            "vendor" => {
                let vendor = party::vendor(&child, reading);
                reading.once(&mut lead.vendor, Some(vendor), &child);
            }
            "provider" => {
                let provider = party::provider(&child, reading);
                reading.once(&mut lead.provider, Some(provider), &child);
            }
            name if is_comment_name(name) => {
                reading.warn(
                    "tag-unknown",
                    child.path.clone(),
                    "comments belong to a customer or a vehicle; kept as the lead's own",
                );
                add_comments(&mut lead.comments, &child, reading);
            }
            _ => reading.unknown(&child),
        }
    }
    missing(node, &lead, customer.is_none(), has_date, reading);
    lead.customer = customer.unwrap_or_default();
    for comment in std::mem::take(&mut reading.comments) {
        lead.comments = Some(lead.comments.map_or(comment.clone(), |before| format!("{before}\n\n{comment}")));
    }
    lead.customer.refuses_contact_by = refused_channels(&lead, reading);
    check_contact(node, &lead.customer)?;
    check_vendor(node, lead.vendor.as_ref(), reading)?;
    lead.lead_id = lead_id(&lead, &node.path, &mut reading.warnings);
    Ok((lead, is_resend))
}

/// The channels that the customer refuses, in any comment or in a field of its own.
fn refused_channels(lead: &Lead, reading: &mut Reading<'_>) -> Vec<Channel> {
    let vehicles = lead.vehicles.iter().chain(&lead.trade_ins);
    let texts = [&lead.comments, &lead.customer.comments].into_iter().chain(vehicles.map(|vehicle| &vehicle.comments));
    let mut refused = std::mem::take(&mut reading.refused);
    refused.extend(texts.flatten().flat_map(|text| preferences::refused(text)));
    refused.into_iter().collect()
}

fn request_date(node: &Node<'_>, lead: &mut Lead, reading: &mut Reading<'_>) {
    let Some(text) = reading.text(node) else {
        reading.warn("date-missing", node.path.clone(), "`<requestdate>` is empty");
        return;
    };
    if lead.requested_at_text.is_some() {
        reading.warn(
            "tag-repeated",
            node.path.clone(),
            "`<requestdate>` appears more than once; the first one is used",
        );
        return;
    }
    match dates::read_moment(&text, reading.options.zone) {
        Some(date) => {
            for (code, message) in date.deviations {
                reading.warn(code, node.path.clone(), message);
            }
            lead.requested_at = Some(date.value);
        }
        None => {
            let message = format!("`{}` is not a readable date; the lead has no `requestedAt`", excerpt(&text));
            reading.warn("date-unreadable", node.path.clone(), message);
        }
    }
    lead.requested_at_text = Some(text);
}

fn missing(node: &Node<'_>, lead: &Lead, no_customer: bool, has_date: bool, reading: &mut Reading<'_>) {
    let mut warn = |code, name: &str| {
        reading.warn(code, format!("{}.{name}", node.path), format!("`<{name}>` is missing"));
    };
    if !has_date {
        warn("date-missing", "requestdate");
    }
    if lead.vehicles.is_empty() && lead.trade_ins.is_empty() {
        warn("vehicle-missing", "vehicle");
    }
    if no_customer {
        warn("customer-missing", "customer");
    }
    if lead.vendor.is_none() {
        warn("vendor-missing", "vendor");
    }
    if lead.provider.is_none() {
        warn("provider-missing", "provider");
    }
}

/// A lead without any name or contact data is useless.
fn check_contact(node: &Node<'_>, customer: &Customer) -> Result<(), Refusal> {
    if customer.name.is_some()
        || !customer.emails.is_empty()
        || !customer.phones.is_empty()
        || customer.address.is_some()
    {
        return Ok(());
    }
    let message = format!(
        "{}.customer.contact has no name and no usable e-mail address, phone number or address; ask the lead source for one",
        node.path
    );
    Err(Refusal::new(RefusalCode::WithoutContact, message))
}

/// A lead without any vendor id is accepted: it was sent to this dealer, and nothing contradicts that.
fn check_vendor(node: &Node<'_>, vendor: Option<&Vendor>, reading: &mut Reading<'_>) -> Result<(), Refusal> {
    let accepted = &reading.options.config.accepted_vendor_ids;
    let ids = vendor.map(|vendor| vendor.ids.as_slice()).unwrap_or_default();
    let is_ours = |value: &str| accepted.iter().any(|own| own.trim().eq_ignore_ascii_case(value));
    if accepted.is_empty() || ids.is_empty() || ids.iter().any(|id| is_ours(&id.value)) {
        return Ok(());
    }
    let named: Vec<&str> = ids.iter().map(|id| id.value.as_str()).take(5).collect();
    let path = format!("{}.vendor.id", node.path);
    let message = format!("{path} names {}, which is not in `accepted-vendor-ids`", excerpt(&named.join(", ")));
    match reading.options.config.other_vendor {
        OtherVendor::Reject => Err(Refusal::new(RefusalCode::OtherVendor, message)),
        OtherVendor::Warn => {
            reading.warn("lead-for-other-vendor", path, message);
            Ok(())
        }
    }
}

fn empty() -> Lead {
    Lead {
        lead_id: String::new(),
        status: Status::New,
        revision: 1,
        requested_at: None,
        requested_at_text: None,
        ids: Vec::new(),
        provider: None,
        vendor: None,
        customer: Customer::default(),
        vehicles: Vec::new(),
        trade_ins: Vec::new(),
        comments: None,
        warnings: Vec::new(),
    }
}
