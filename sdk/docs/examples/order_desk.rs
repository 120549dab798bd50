//! The examples of the documentation in Rust, as one connector. Its pages show the regions.

use handoff_sdk::events::{HOOK_RECEIVED, OUTBOX_ANSWERED, OutboxAnswered, OutboxOutcome};
use handoff_sdk::{Connector, Context, Event, Failure, NewEvent, OutboxRequest, Request, Timestamp};
use serde::{Deserialize, Serialize};

const RECEIVED: &str = "com.acme.order.received.v1";
const OVERDUE: &str = "com.acme.order.overdue.v1";

// region config
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Base URL of the CRM.
    crm_url: String,
    /// Hours until an order without an answer is reported.
    #[serde(default = "a_day")]
    overdue_hours: u64,
}

fn a_day() -> u64 {
    24
}

fn validate(cx: &Context<'_, Config>) -> Result<(), Failure> {
    if cx.config().overdue_hours == 0 {
        return Err(Failure::misconfigured("`overdue-hours` is 0; expected at least 1"));
    }
    Ok(())
}
// endregion

/// What the shop sends.
#[derive(Serialize, Deserialize)]
struct Order {
    number: String,
    customer: String,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    customer: String,
    since: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Overdue {
    number: String,
}

pub struct OrderDesk;

impl Connector for OrderDesk {
    type Config = Config;

    // region event
    fn handle(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
        match event.type_name.as_str() {
            HOOK_RECEIVED => receive(cx, &event.json()?),
            OUTBOX_ANSWERED => answered(cx, &event.json()?),
            OVERDUE => overdue(cx, &event.json()?),
            other => Err(cx.unexpected_type(other)),
        }
    }
    // endregion

    fn validate(cx: &Context<'_, Config>) -> Result<(), Failure> {
        validate(cx)
    }

    fn migrate(cx: &Context<'_, Config>, from_schema: u32) -> Result<(), Failure> {
        migrate(cx, from_schema)
    }
}

fn receive(cx: &Context<'_, Config>, order: &Order) -> Result<(), Failure> {
    check_customer(cx, order)?;
    if remember(cx, order)? {
        announce(cx, order)?;
        enter(cx, order)?;
        remind(cx, order)?;
    }
    Ok(())
}

// region emit
fn announce(cx: &Context<'_, Config>, order: &Order) -> Result<(), Failure> {
    let number = order.number.as_str();
    cx.emit(NewEvent::json(RECEIVED, order)?.subject(number).partition_key(number))?;
    Ok(())
}
// endregion

// region state
/// Stores an order; false if it is known.
fn remember(cx: &Context<'_, Config>, order: &Order) -> Result<bool, Failure> {
    let key = format!("order/{}", order.number);
    if cx.state().get::<Stored>(&key)?.is_some() {
        return Ok(false);
    }
    cx.state().set(&key, &Stored { customer: order.customer.clone(), since: cx.now() })?;
    Ok(true)
}
// endregion

// region outbox
fn enter(cx: &Context<'_, Config>, order: &Order) -> Result<(), Failure> {
    let request = Request::post(&cx.config().crm_url).path(["orders"]).auth("crm").json(order)?;
    let key = format!("order-{}", order.number);
    cx.send(OutboxRequest::new(key, request).answer(true).partition_key(&order.number))?;
    Ok(())
}

fn answered(cx: &Context<'_, Config>, answer: &OutboxAnswered) -> Result<(), Failure> {
    let number = answer.key.trim_start_matches("order-");
    match (&answer.outcome, answer.status) {
        (OutboxOutcome::Answered, Some(200..=299)) => cx.cancel(&format!("overdue/{number}"))?,
        _ => cx.warn("the CRM did not take the order", &[("order", number)]),
    }
    Ok(())
}
// endregion

// region timer
fn remind(cx: &Context<'_, Config>, order: &Order) -> Result<(), Failure> {
    let at = cx.now().plus_hours(cx.config().overdue_hours);
    let event = NewEvent::json(OVERDUE, &Overdue { number: order.number.clone() })?.partition_key(&order.number);
    cx.schedule(&format!("overdue/{}", order.number), at, event)?;
    Ok(())
}

fn overdue(cx: &Context<'_, Config>, overdue: &Overdue) -> Result<(), Failure> {
    cx.warn("the CRM has not taken the order", &[("order", &overdue.number)]);
    cx.counter("orders-overdue", 1, &[]);
    Ok(())
}
// endregion

// region look-up
fn check_customer(cx: &Context<'_, Config>, order: &Order) -> Result<(), Failure> {
    let request = Request::get(&cx.config().crm_url).path(["customers", order.customer.as_str()]).auth("crm");
    let response = cx.fetch(request)?;
    match response.status {
        200 => Ok(()),
        404 => Err(Failure::reject("customer-unknown", "the CRM does not know the order's customer")),
        status => Err(Failure::retry("crm-unavailable", format!("the CRM answered {status}")).after_ms(60_000)),
    }
}
// endregion

// region migrate
/// Schema 1 stored only the customer, as text.
fn migrate(cx: &Context<'_, Config>, from_schema: u32) -> Result<(), Failure> {
    if from_schema != 1 {
        return Err(Failure::misconfigured(format!("no migration from schema {from_schema}")));
    }
    for entry in cx.state().scan_json::<String>("order/") {
        let (key, customer) = entry?;
        cx.state().set(&key, &Stored { customer, since: cx.now() })?;
    }
    Ok(())
}
// endregion

handoff_sdk::export!(OrderDesk);
