//! A BDC desk for tests: leads, CRM answers and webhooks in; requests and events out.

use bdc_list::BdcList;
use handoff_sdk::{
    Event, Timestamp,
    testkit::{Bench, Delivered, event},
};
use serde_json::{Value, json};

pub(crate) struct Desk {
    pub(crate) bench: Bench<BdcList>,
    sequence: u32,
}

/// Monday 2026-03-30, 10:00 in Chicago.
pub(crate) const OPENING: &str = "2026-03-30T10:00:00-05:00";

impl Desk {
    pub(crate) fn new() -> Self {
        Self::with(json!({}))
    }

    pub(crate) fn with(more: Value) -> Self {
        let mut config = json!({"crm-url": "https://crm.example.com/api/", "auth": "crm"});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Self { bench: Bench::new(config).at(at(OPENING)), sequence: 0 }
    }

    pub(crate) fn send(&mut self, type_name: &str, data: &Value) -> Delivered {
        self.sequence += 1;
        self.deliver(&event(type_name).id(format!("e-{}", self.sequence)).json(data).build())
    }

    pub(crate) fn deliver(&mut self, event: &Event) -> Delivered {
        let delivered = self.bench.deliver(event);
        assert_published(&delivered);
        delivered
    }

    pub(crate) fn fire_timers(&mut self, until: Timestamp) -> Vec<Delivered> {
        let fired = self.bench.fire_timers(until);
        fired.iter().for_each(assert_published);
        fired
    }

    pub(crate) fn lead(&mut self, revision: u32) -> Delivered {
        self.lead_with(revision, json!({}))
    }

    /// A lead from John with phone and e-mail; `opt_out` closes channels.
    pub(crate) fn lead_with(&mut self, revision: u32, opt_out: Value) -> Delivered {
        let data = lead(revision, opt_out);
        self.send("com.handoff.lead.identified.v1", &data)
    }

    pub(crate) fn answer(&mut self, key: &str, status: u16, body: &Value) -> Delivered {
        let data = json!({"key": key, "outcome": "answered", "status": status, "headers": [], "body": body.to_string(), "bodyBase64": null, "attempts": 1});
        self.send("com.handoff.outbox.answered.v1", &data)
    }

    pub(crate) fn listed() -> Self {
        let mut desk = Self::new();
        desk.lead(1).expect_ok();
        desk.answer("list/L1/1", 201, &json!({"entryId": "E-7"})).expect_ok();
        desk
    }

    pub(crate) fn contact(&mut self, more: Value) -> Delivered {
        let mut data = json!({"type": "call.first-contact", "human": true, "by": "kim", "outcome": "appointment"});
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.send("com.handoff.hook.received.v1", &data)
    }

    pub(crate) fn set(&mut self, time: &str) {
        self.bench.set_time(at(time));
    }

    pub(crate) fn phase(&self) -> String {
        self.bench.state_json::<Value>("call/L1").unwrap()["phase"].as_str().unwrap().to_owned()
    }
}

/// Emitted events and timers fit their published schemas.
fn assert_published(delivered: &Delivered) {
    for event in delivered.emitted.iter().chain(delivered.timers_set.iter().map(|timer| &timer.event)) {
        let (subject, key) = (event.subject.as_deref(), event.partition_key.as_deref());
        handoff_event_schemas::assert_emitted(&event.type_name, subject, key, &event.data);
    }
}

pub(crate) fn lead(revision: u32, opt_out: Value) -> Value {
    json!({
        "lead": {"leadId": "L1", "revision": revision, "provider": {"name": "Cars Direct"}, "comments": format!("revision {revision}"),
            "customer": {"name": {"first": "John", "last": "Smith"}, "phones": [{"number": "312-867-2368", "kind": "cellphone"}], "emails": [{"address": "js@yahoo.com"}], "address": {"postalCode": "60614"}},
            "vehicles": [{"interest": "buy", "condition": "used", "make": "Honda", "model": "Accord", "year": 2003}]},
        "identity": {"customerId": "c-1", "decision": "created", "optOut": opt_out},
    })
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn body(delivered: &Delivered, index: usize) -> Value {
    serde_json::from_slice(delivered.sent[index].request.body.as_ref().unwrap()).unwrap()
}

/// Short names of the emitted events.
pub(crate) fn events(delivered: &Delivered) -> Vec<&str> {
    delivered
        .emitted
        .iter()
        .map(|event| event.type_name.trim_start_matches("com.handoff.call.").trim_end_matches(".v1"))
        .collect()
}

pub(crate) fn event_data(delivered: &Delivered, name: &str) -> Value {
    delivered.emitted_json(&format!("com.handoff.call.{name}.v1")).remove(0)
}
