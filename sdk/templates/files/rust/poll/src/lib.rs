//! Asks a scheduling system for new appointments, and emits one event for each.

use handoff_sdk::{Context, Event, Failure, NewEvent, Request};
use serde::{Deserialize, Serialize};

/// The state key of the last appointment that was emitted.
const CURSOR: &str = "cursor";

/// The installation's config. A field that is missing or misspelt is found before the installation becomes active.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Base URL of the scheduling system.
    pub scheduler_url: String,
}

/// The answer of the scheduling system: appointments after the cursor, oldest first.
#[derive(Deserialize)]
struct Page {
    appointments: Vec<Appointment>,
}

/// The data of `com.example.appointment.booked.v1`.
#[derive(Serialize, Deserialize)]
struct Appointment {
    id: u64,
    customer: String,
    starts: String,
}

pub struct Connector;

impl handoff_sdk::Connector for Connector {
    type Config = Config;

    fn handle(cx: &Context<'_, Config>, _tick: &Event) -> Result<(), Failure> {
        let cursor: u64 = cx.state().get(CURSOR)?.unwrap_or(0);
        let url = format!("{}/appointments?after={cursor}", cx.config().scheduler_url);
        // A target that is down is retried; the answer is recorded, so that a replay needs no network.
        let response = cx.fetch(Request::get(url).auth("scheduler"))?;
        if !response.is_success() {
            return Err(Failure::retry("scheduler-refused", format!("the scheduler answered {}", response.status)));
        }
        let page: Page = response.json()?;
        for appointment in &page.appointments {
            let event = NewEvent::json("com.example.appointment.booked.v1", appointment)?;
            cx.emit(event.partition_key(appointment.customer.as_str()))?;
        }
        if let Some(last) = page.appointments.last() {
            cx.state().set(CURSOR, &last.id)?;
        }
        Ok(())
    }
}

handoff_sdk::export!(Connector);
