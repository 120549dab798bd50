//! Answers a lead with the identity of its customer. `identify` decides.

use handoff_sdk::{Context, Event, Failure, NewEvent};
use serde_json::{Value, json};

use crate::{
    attach::attach,
    book::Book,
    config::Config,
    facts,
    identify::{Identified, identify},
    input::RawLead,
    merge::opt_out,
    record::{LeadLink, Role, VEHICLES_MAX},
};

/// Emitted for every lead.
pub const IDENTIFIED: &str = "com.handoff.lead.identified.v1";

/// `com.handoff.lead.received.v1`. A resend keeps its customer and updates it.
///
/// # Errors
/// Rejects `invalid-data` and `lead-id-invalid`.
pub fn receive(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
    let value: Value = event.json()?;
    let lead: RawLead = event.json()?;
    if !(1..=128).contains(&lead.lead_id.len()) || lead.lead_id.chars().any(char::is_control) {
        return Err(Failure::reject(
            "lead-id-invalid",
            "`leadId` must have 1 to 128 bytes without control characters.",
        ));
    }
    let book = Book::new(cx.state());
    let reading = facts::of_lead(&lead, cx.config());
    let known = match book.lead(&lead.lead_id)? {
        Some(link) => book.root(&link.profile)?.map(|(id, _)| (id, link)),
        None => None,
    };
    let identified = match known {
        Some((customer_id, link)) => resend(cx, &lead, &reading, customer_id, link)?,
        None => {
            let identified = identify(cx, &reading, &["lead", &lead.lead_id], Some(&lead.lead_id))?;
            book.put_lead(
                &lead.lead_id,
                &LeadLink { profile: identified.profile_id.clone(), revision: lead.revision },
            )?;
            identified
        }
    };
    cx.info(
        "lead identified",
        &[
            ("lead", &lead.lead_id),
            ("customer", &identified.customer_id),
            ("decision", identified.decision),
            ("rule", identified.rule),
        ],
    );
    let data = json!({ "lead": value, "identity": report(book, &identified)? });
    cx.emit(NewEvent::json(IDENTIFIED, &data)?.subject(lead.lead_id.as_str()).partition_key(lead.lead_id.as_str()))?;
    Ok(())
}

fn resend(
    cx: &Context<'_, Config>,
    lead: &RawLead,
    reading: &facts::Reading,
    customer_id: String,
    link: LeadLink,
) -> Result<Identified, Failure> {
    let book = Book::new(cx.state());
    let mut explanation = Vec::new();
    if lead.revision > link.revision {
        explanation.push(format!("revision {} of a known lead: its customer is updated", lead.revision));
        let attached = attach(book, &link.profile, reading, Some(&lead.lead_id), cx.now())?;
        if attached.household_linked {
            cx.counter("households-linked", 1, &[]);
        }
        explanation.extend(attached.notes);
        explanation.extend(reading.notes.iter().cloned());
        book.put_lead(&lead.lead_id, &LeadLink { profile: link.profile.clone(), revision: lead.revision })?;
    } else {
        explanation.push(format!(
            "revision {} of a lead that already has revision {}: nothing changes",
            lead.revision, link.revision
        ));
    }
    cx.counter("customers-matched", 1, &[("rule", "resend")]);
    cx.counter("duplicates-avoided", 1, &[("rule", "resend")]);
    Ok(Identified {
        customer_id,
        profile_id: link.profile,
        decision: "matched",
        rule: "resend",
        score: 0.0,
        explanation,
        candidates: Vec::new(),
    })
}

/// The `identity` object of the event.
fn report(book: Book<'_>, identified: &Identified) -> Result<Value, Failure> {
    let (customer_id, customer) = book.root(&identified.customer_id)?.ok_or_else(|| {
        Failure::reject("customer-unknown", "the customer of this lead is missing: its state was removed.")
    })?;
    let mut vehicles = Vec::new();
    for member in &customer.members {
        let Some(profile) = book.profile(member)? else { continue };
        for held in &profile.vehicles {
            vehicles.push(vehicle(book, &customer_id, &held.vin, held.role)?);
        }
    }
    vehicles.truncate(VEHICLES_MAX);
    let mut identity = json!({
        "customerId": customer_id, "decision": identified.decision, "rule": identified.rule, "score": identified.score,
        "explanation": identified.explanation, "vehicles": vehicles, "optOut": opt_out(book, &customer.members)?,
    });
    if let Some(object) = identity.as_object_mut() {
        if !identified.candidates.is_empty() {
            object.insert("candidates".to_owned(), json!(identified.candidates));
        }
        if let Some(household) = customer.household {
            object.insert("householdId".to_owned(), json!(household));
        }
    }
    Ok(identity)
}

fn vehicle(book: Book<'_>, customer_id: &str, vin: &str, role: Role) -> Result<Value, Failure> {
    let mut mine = None;
    for (index, period) in book.car(vin)?.periods.iter().enumerate() {
        if book.root(&period.profile)?.is_some_and(|(id, _)| id == customer_id) {
            mine = Some((index + 1, period.since, period.until));
        }
    }
    let mut value = json!({ "vin": vin, "role": role });
    let Some(object) = value.as_object_mut() else { return Ok(value) };
    if let (Some((number, since, until)), false) = (mine, role == Role::Interest) {
        let mut period = json!({ "number": number });
        if let Some(period) = period.as_object_mut() {
            since.map(|since| period.insert("since".to_owned(), json!(since)));
            until.map(|until| period.insert("until".to_owned(), json!(until)));
        }
        object.insert("ownershipPeriod".to_owned(), period);
        if until.is_some() {
            object.insert("role".to_owned(), json!(Role::FormerOwner));
        }
    }
    Ok(value)
}
