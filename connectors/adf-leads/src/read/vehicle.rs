//! `<vehicle>`: a car that is wanted, offered or traded in.

use super::choice::{INTEREST, ODOMETER_STATUS, ODOMETER_UNITS, VEHICLE_STATUS};
use super::customer::add_comments;
use super::node::{Node, Reading, is_comment_name};
use super::{money, party};
use crate::lead::{Colors, Odometer, Vehicle};
use crate::placeholder::{is_placeholder, is_repeated};
use crate::vin::{self, VinCheck};
use crate::warnings::excerpt;

/// Reads a vehicle; `None` if the sender filled in nothing.
pub(crate) fn read(node: &Node<'_>, reading: &mut Reading<'_>) -> Option<Vehicle> {
    let interest = reading.choice(node, &INTEREST).unwrap_or("buy");
    let condition = match node.attribute("status") {
        Some(_) => reading.choice(node, &VEHICLE_STATUS),
        // ADF's default is "new", but new cars are not traded in or sold by customers.
        None => (!matches!(interest, "trade-in" | "sell")).then_some("new"),
    };
    let mut vehicle = empty(interest, condition);
    reading.loose_text(node);
    for child in node.children() {
        if !read_text_child(&child, &mut vehicle, reading) {
            read_child(&child, &mut vehicle, reading);
        }
    }
    if vehicle == empty(interest, condition) {
        reading.warn("vehicle-empty", node.path.clone(), "the vehicle has no data and is left out");
        return None;
    }
    Some(vehicle)
}

/// Elements with short texts.
fn read_text_child(child: &Node<'_>, vehicle: &mut Vehicle, reading: &mut Reading<'_>) -> bool {
    let slot = match child.name() {
        "make" => &mut vehicle.make,
        "model" => &mut vehicle.model,
        "trim" => &mut vehicle.trim,
        "bodystyle" => &mut vehicle.body_style,
        "transmission" => &mut vehicle.transmission,
        "stock" => &mut vehicle.stock,
        "condition" => &mut vehicle.grade,
        "stocknumber" | "stockno" => {
            reading.renamed(child, "stock");
            &mut vehicle.stock
        }
        _ => return false,
    };
    let text = reading.text(child);
    reading.once(slot, text, child);
    true
}

fn read_child(child: &Node<'_>, vehicle: &mut Vehicle, reading: &mut Reading<'_>) {
    match child.name() {
        "id" => vehicle.ids.extend(party::id(child, reading)),
        "year" => {
            let year = year(child, reading);
            reading.once(&mut vehicle.year, year, child);
        }
        "doors" => {
            let doors = reading.number(child);
            reading.once(&mut vehicle.doors, doors, child);
        }
        "vin" => vin(child, vehicle, reading),
        "odometer" | "mileage" => {
            if child.name() == "mileage" {
                reading.renamed(child, "odometer");
            }
            let odometer = odometer(child, reading);
            reading.once(&mut vehicle.odometer, odometer, child);
        }
        "colorcombination" => vehicle.colors.extend(colors(child, reading)),
        "imagetag" => {
            let url = party::url(child, reading);
            reading.once(&mut vehicle.image_url, url, child);
        }
        "price" => {
            let price = money::price(child, reading);
            reading.once(&mut vehicle.price, price, child);
        }
        "pricecomments" => {
            add_comments(&mut vehicle.price_comments, child, reading);
        }
        "option" => vehicle.options.extend(option(child, reading)),
        "finance" => {
            let finance = money::finance(child, reading);
            reading.once(&mut vehicle.finance, finance, child);
        }
        "comments" => add_comments(&mut vehicle.comments, child, reading),
        name if is_comment_name(name) => {
            reading.renamed(child, "comments");
            add_comments(&mut vehicle.comments, child, reading);
        }
        _ => reading.unknown(child),
    }
}

fn year(node: &Node<'_>, reading: &mut Reading<'_>) -> Option<u32> {
    let Some(text) = reading.written(node) else {
        reading.warn("year-unreadable", node.path.clone(), "`<year>` is empty");
        return None;
    };
    if is_placeholder(&text) {
        reading.placeholder(node, &text);
        return None;
    }
    // Two digits are not completed: 26 may mean 2026 or be a typing error.
    let year = text.parse().ok().filter(|year| (1900..=2100).contains(year));
    if year.is_none() {
        reading.warn(
            "year-unreadable",
            node.path.clone(),
            format!("`{}` is not a four-digit year and is dropped", excerpt(&text)),
        );
    }
    year
}

fn vin(node: &Node<'_>, vehicle: &mut Vehicle, reading: &mut Reading<'_>) {
    let Some(text) = reading.text(node) else { return };
    let written = text.to_uppercase();
    if is_repeated(&written) {
        reading.placeholder(node, &written);
        return;
    }
    if vehicle.vin.is_some() {
        reading.warn("vin-repeated", node.path.clone(), "a second `<vin>` is ignored");
        return;
    }
    let check = vin::check(&written);
    let hint = vin::proposal(&written).map(|vin| format!("; perhaps {vin} was meant")).unwrap_or_default();
    match check {
        VinCheck::Valid | VinCheck::Absent => {}
        VinCheck::Foreign => {
            let message =
                "the check digit does not match, which is normal for a car that was not made for North America";
            reading.warn("vin-foreign", node.path.clone(), message);
        }
        VinCheck::Invalid if vin::check_digit(&written).is_some() => {
            reading.warn("vin-check-digit", node.path.clone(), format!("the check digit does not match{hint}"));
        }
        VinCheck::Invalid => {
            let message = format!("not 17 letters and digits without I, O and Q{hint}");
            reading.warn("vin-malformed", node.path.clone(), message);
        }
    }
    vehicle.vin = Some(written);
    vehicle.vin_check = check;
}

fn odometer(node: &Node<'_>, reading: &mut Reading<'_>) -> Option<Odometer> {
    let value = reading.number(node)?;
    let default = reading.options.config.default_odometer_units.as_str();
    let units = reading.choice(node, &ODOMETER_UNITS).unwrap_or(default);
    Some(Odometer { value, units, status: reading.choice(node, &ODOMETER_STATUS) })
}

fn colors(node: &Node<'_>, reading: &mut Reading<'_>) -> Option<Colors> {
    let mut colors = Colors::default();
    for child in node.children() {
        match child.name() {
            "interiorcolor" => {
                let text = reading.text(&child);
                reading.once(&mut colors.interior, text, &child);
            }
            "exteriorcolor" => {
                let text = reading.text(&child);
                reading.once(&mut colors.exterior, text, &child);
            }
            "preference" => {
                let rank = reading.number(&child);
                reading.once(&mut colors.preference, rank, &child);
            }
            _ => reading.unknown(&child),
        }
    }
    (colors.interior.is_some() || colors.exterior.is_some()).then_some(colors)
}

/// The option's name; its price and weight are ignored.
fn option(node: &Node<'_>, reading: &mut Reading<'_>) -> Option<String> {
    if !node.element.has_children() {
        let text = reading.text(node)?;
        reading.warn("tag-renamed", node.path.clone(), "`<option>` contains text; read as its `<optionname>`");
        return Some(text);
    }
    let mut name = None;
    for child in node.children() {
        match child.name() {
            "optionname" => {
                let text = reading.text(&child);
                reading.once(&mut name, text, &child);
            }
            "manufacturercode" | "stock" | "weighting" | "price" => {}
            _ => reading.unknown(&child),
        }
    }
    name
}

fn empty(interest: &'static str, condition: Option<&'static str>) -> Vehicle {
    Vehicle {
        ids: Vec::new(),
        interest,
        condition,
        grade: None,
        year: None,
        make: None,
        model: None,
        trim: None,
        body_style: None,
        transmission: None,
        doors: None,
        vin: None,
        vin_check: VinCheck::Absent,
        stock: None,
        odometer: None,
        colors: Vec::new(),
        price: None,
        price_comments: None,
        options: Vec::new(),
        finance: None,
        image_url: None,
        comments: None,
    }
}
