//! Sends each order to the parts desk, and emits an event once the parts desk has accepted or refused it.

use handoff_sdk::{Context, Event, Failure, NewEvent, OutboxRequest, Request};
use serde::{Deserialize, Serialize};

/// The installation's config. A field that is missing or misspelt is found before the installation becomes active.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Base URL of the parts desk's system.
    pub parts_desk_url: String,
}

/// The data of `com.example.order.received.v1`.
#[derive(Serialize, Deserialize)]
struct Order {
    id: String,
    customer: String,
    amount: u64,
}

/// The data of `com.handoff.outbox.answered.v1`, as far as it is used here.
#[derive(Deserialize)]
struct Answer {
    key: String,
    status: Option<u16>,
}

/// The data of the events that this connector emits.
#[derive(Serialize)]
struct Decision<'a> {
    order: &'a str,
    status: Option<u16>,
}

pub struct Connector;

impl handoff_sdk::Connector for Connector {
    type Config = Config;

    fn handle(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
        match event.type_name.as_str() {
            "com.handoff.outbox.answered.v1" => answered(cx, &event.json()?),
            _ => send(cx, &event.json()?),
        }
    }
}

/// The host sends the request after the commit, again and again until it is answered, and once for each key.
fn send(cx: &Context<'_, Config>, order: &Order) -> Result<(), Failure> {
    let url = cx.config().parts_desk_url.as_str();
    let request = Request::put(url).path(["orders", order.id.as_str()]).auth("parts-desk").json(order)?;
    cx.send(OutboxRequest::new(&order.id, request).answer(true).partition_key(&order.id))?;
    Ok(())
}

fn answered(cx: &Context<'_, Config>, answer: &Answer) -> Result<(), Failure> {
    let accepted = answer.status.is_some_and(|status| (200..300).contains(&status));
    let type_name = if accepted { "com.example.order.accepted.v1" } else { "com.example.order.refused.v1" };
    cx.emit(NewEvent::json(type_name, &Decision { order: &answer.key, status: answer.status })?)?;
    Ok(())
}

handoff_sdk::export!(Connector);
