//! `<address>`.

use super::node::{Node, Reading};
use crate::lead::Address;

/// Reads an address; `None` if it is empty.
pub(crate) fn read(node: &Node<'_>, reading: &mut Reading<'_>) -> Option<Address> {
    let mut address = Address::default();
    let mut streets: Vec<(u32, String)> = Vec::new();
    for child in node.children() {
        match child.name() {
            "street" => street(&child, child.attribute("line"), &mut streets, reading),
            name @ ("street1" | "street2" | "address1" | "address2" | "line1" | "line2") => {
                reading.renamed(&child, "street line=\"…\"");
                street(&child, name.get(name.len() - 1..), &mut streets, reading);
            }
            "apartment" => take(&mut address.apartment, &child, reading),
            "city" => take(&mut address.city, &child, reading),
            "regioncode" => take(&mut address.region, &child, reading),
            "region" | "state" | "province" | "statecode" => {
                reading.renamed(&child, "regioncode");
                take(&mut address.region, &child, reading);
            }
            "postalcode" => take(&mut address.postal_code, &child, reading),
            "zip" | "zipcode" | "postcode" | "postal" => {
                reading.renamed(&child, "postalcode");
                take(&mut address.postal_code, &child, reading);
            }
            "country" => take(&mut address.country, &child, reading),
            _ => reading.unknown(&child),
        }
    }
    streets.sort_by_key(|(line, _)| *line);
    address.street = streets.into_iter().map(|(_, street)| street).collect();
    if address == Address::default() {
        return None;
    }
    let default = &reading.options.config.default_country;
    if address.country.is_none() && !default.is_empty() {
        address.country = Some(default.clone());
    }
    Some(address)
}

fn street(node: &Node<'_>, line: Option<&str>, streets: &mut Vec<(u32, String)>, reading: &mut Reading<'_>) {
    let Some(text) = reading.text(node) else { return };
    // Lines without a number follow those with one, in order.
    let line = match line.map(str::parse) {
        None => u32::MAX,
        Some(Ok(line)) => line,
        Some(Err(_)) => {
            reading.warn("attribute-value", node.at("line"), "the street's line is not a number from 1 to 5");
            u32::MAX
        }
    };
    streets.push((line, text));
}

fn take(slot: &mut Option<String>, node: &Node<'_>, reading: &mut Reading<'_>) {
    let text = reading.text(node);
    reading.once(slot, text, node);
}
