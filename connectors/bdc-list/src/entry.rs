//! Builds the CRM's entry for a lead: queue, contact channels, and details for the caller. It does not send it.

use serde_json::{Map, Value, json};

use crate::{
    config::{Config, Route},
    input::{IdentifiedLead, Lead, OptOut},
    machine::Entry,
};

/// The entry is stored in state: its details stay below this many bytes.
const DETAILS_BYTES_MAX: usize = 24 * 1024;
const TEXT_CHARACTERS_MAX: usize = 2_000;
const LIST_MAX: usize = 6;

/// The entry for a lead.
pub fn entry(identified: &IdentifiedLead, config: &Config, received_at: handoff_sdk::Timestamp) -> Entry {
    let (lead, identity) = (&identified.lead, &identified.identity);
    let route = config.routes.iter().find(|route| fits(route, lead));
    let (contact_by, withdrawn) = ways_of_contact(identified);
    Entry {
        lead_id: lead.lead_id.clone(),
        revision: lead.revision,
        customer_id: identity.customer_id.clone(),
        queue: route.map_or_else(|| config.default_queue.clone(), |route| route.queue.clone()),
        team: route.map_or_else(|| config.default_team.clone(), |route| route.team.clone()),
        contact_by,
        withdrawn,
        details: details(identified, received_at),
    }
}

/// The channels that the customer closed: opted out of earlier, or refused in this lead.
fn closed(identified: &IdentifiedLead) -> OptOut {
    let out = identified.identity.opt_out;
    let refused = &identified.lead.customer.refuses_contact_by;
    let refuses = |channel: &str| refused.iter().any(|refused| refused.eq_ignore_ascii_case(channel));
    OptOut {
        call: out.call || refuses("call"),
        text: out.text || refuses("text"),
        email: out.email || refuses("email"),
    }
}

/// The channels on which the customer may be contacted: those that are not closed and for which there is a number or
/// address. A customer who opted out of calls is listed for e-mail (or text) only; without any channel the lead is not
/// listed.
fn ways_of_contact(identified: &IdentifiedLead) -> (Vec<String>, Option<String>) {
    let customer = &identified.lead.customer;
    let has = |list: &[Value], field: &str| {
        list.iter().any(|item| item.get(field).and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty()))
    };
    let textable = customer.phones.iter().any(|phone| {
        let kind = phone.get("kind").and_then(Value::as_str).unwrap_or_default();
        matches!(kind, "cellphone" | "unknown" | "")
            && phone.get("number").and_then(Value::as_str).is_some_and(|number| !number.trim().is_empty())
    });
    let callable = customer
        .phones
        .iter()
        .filter(|phone| phone.get("kind").and_then(Value::as_str) != Some("fax"))
        .cloned()
        .collect::<Vec<_>>();
    let possible =
        [("call", has(&callable, "number")), ("text", textable), ("email", has(&customer.emails, "address"))];
    let out = closed(identified);
    let closed = [out.call, out.text, out.email];
    let open: Vec<String> = possible
        .iter()
        .zip(closed)
        .filter(|((_, possible), closed)| *possible && !closed)
        .map(|((way, _), _)| (*way).to_owned())
        .collect();
    let reason = if possible.iter().any(|(_, possible)| *possible) { "opted-out" } else { "no-way-to-contact" };
    let withdrawn = open.is_empty().then(|| reason.to_owned());
    (open, withdrawn)
}

fn fits(route: &Route, lead: &Lead) -> bool {
    let vehicle = lead.vehicles.first();
    let of_vehicle =
        |field: &str| vehicle.and_then(|vehicle| vehicle.get(field)).and_then(Value::as_str).unwrap_or_default();
    let one_of = |wanted: &[String], value: &str| {
        wanted.is_empty() || wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(value.trim()))
    };
    let zip = lead
        .customer
        .address
        .as_ref()
        .and_then(|address| address.get("postalCode"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    let provider = lead.provider.as_ref().and_then(|provider| provider.name.as_deref()).unwrap_or_default();
    one_of(&route.interest, of_vehicle("interest"))
        && route.condition.as_deref().is_none_or(|condition| condition.eq_ignore_ascii_case(of_vehicle("condition")))
        && one_of(&route.make, of_vehicle("make"))
        && (route.zip.is_empty() || route.zip.iter().any(|start| zip.trim().starts_with(start.as_str())))
        && one_of(&route.provider, provider)
}

fn details(identified: &IdentifiedLead, received_at: handoff_sdk::Timestamp) -> Map<String, Value> {
    let lead = &identified.lead;
    let pick = |value: &Value, fields: &[&str]| {
        let picked = fields.iter().filter_map(|field| Some(((*field).to_owned(), shortened(value.get(field)?))));
        Value::Object(picked.collect())
    };
    let list = |values: &[Value], fields: &[&str]| {
        Value::Array(values.iter().take(LIST_MAX).map(|value| pick(value, fields)).collect())
    };
    let vehicle = ["interest", "condition", "year", "make", "model", "trim", "vin", "stock", "odometer", "price"];
    let optional = |text: &Option<String>| text.as_deref().map_or(Value::Null, |text| shortened(&json!(text)));
    let closed = closed(identified);
    // A number or address that may not be used is left out: a dialer would use it.
    let phones: &[Value] = if closed.call && closed.text { &[] } else { &lead.customer.phones };
    let emails: &[Value] = if closed.email { &[] } else { &lead.customer.emails };
    let do_not = [("call", closed.call), ("text", closed.text), ("email", closed.email)];
    let do_not: Vec<&str> = do_not.iter().filter(|(_, closed)| *closed).map(|(channel, _)| *channel).collect();
    let customer = json!({
        "name": lead.customer.name.as_ref().map(|name| pick(name, &["full", "first", "middle", "last", "suffix", "kind"])),
        "phones": list(phones, &["number", "kind", "bestTime", "preferred"]),
        "emails": list(emails, &["address", "preferred"]),
        "address": lead.customer.address.as_ref().map(|address| pick(address, &["city", "region", "postalCode"])),
        "comments": optional(&lead.customer.comments),
    });
    let mut details = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() && value != json!([]) {
            details.insert(name.to_owned(), value);
        }
    };
    put("doNot", json!(do_not));
    put("customer", customer);
    put("vehicles", list(&lead.vehicles, &vehicle));
    put("tradeIns", list(&lead.trade_ins, &vehicle));
    put("comments", optional(&lead.comments));
    put("provider", optional(&lead.provider.as_ref().and_then(|provider| provider.name.clone())));
    put("requestedAt", optional(&lead.requested_at));
    put("receivedAt", json!(received_at));
    put("identity", json!(identified.identity.decision.chars().take(40).collect::<String>()));
    put("householdId", optional(&identified.identity.household_id));
    for spare in ["tradeIns", "vehicles", "comments", "customer"] {
        if serde_json::to_vec(&details).is_ok_and(|bytes| bytes.len() <= DETAILS_BYTES_MAX) {
            break;
        }
        details.remove(spare);
    }
    details
}

/// Shortens texts, and keeps at most two levels of objects.
fn shortened(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.chars().take(TEXT_CHARACTERS_MAX).collect()),
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(_, inner)| !inner.is_object() && !inner.is_array())
                .take(LIST_MAX)
                .map(|(k, v)| (k.clone(), shortened(v)))
                .collect(),
        ),
        Value::Array(_) => Value::Null,
        other => other.clone(),
    }
}
