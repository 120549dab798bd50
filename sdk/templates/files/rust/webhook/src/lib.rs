//! Receives orders by webhook, and emits one event for each new order.

use handoff_sdk::{Context, Event, Failure, NewEvent};
use serde::{Deserialize, Serialize};

/// The installation's config. A field that is missing or misspelt is found before the installation becomes active.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Orders below this amount, in cents, are ignored.
    #[serde(default)]
    pub minimum_amount: u64,
}

/// An order as the shop sends it, and the data of `com.example.order.received.v1`.
#[derive(Serialize, Deserialize)]
struct Order {
    id: String,
    customer: String,
    amount: u64,
}

pub struct Connector;

impl handoff_sdk::Connector for Connector {
    type Config = Config;

    fn handle(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
        // Data that does not fit can never succeed: `?` makes the event a dead letter for people to look at.
        let order: Order = event.json()?;
        if order.amount < cx.config().minimum_amount {
            cx.counter("orders-ignored", 1, &[]);
            return Ok(());
        }
        // Shops repeat webhooks. State, event and metric commit together, so that each order is emitted once.
        let key = format!("order/{}", order.id);
        if cx.state().get::<handoff_sdk::Timestamp>(&key)?.is_some() {
            return Ok(());
        }
        cx.state().set(&key, &cx.now())?;
        cx.counter("orders-received", 1, &[]);
        // Events of one order stay in order.
        cx.emit(NewEvent::json("com.example.order.received.v1", &order)?.partition_key(order.id))?;
        Ok(())
    }
}

handoff_sdk::export!(Connector);
