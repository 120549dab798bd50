//! A dealer's book of customers for tests: sends events, reads results and counts.

use handoff_sdk::testkit::{Bench, Delivered, event};
use identity::Identity;
use serde_json::{Value, json};

pub(crate) const CAR: &str = "1HGCM82633A004352";
pub(crate) const OTHER_CAR: &str = "5GZCZ43D13S812715";

pub(crate) struct Book {
    pub(crate) bench: Bench<Identity>,
    sequence: u32,
    pub(crate) last: Option<Delivered>,
}

impl Book {
    pub(crate) fn new() -> Self {
        Self::with(json!({"dealer-domains": ["mainstreetmotors.com"]}))
    }

    pub(crate) fn with(config: Value) -> Self {
        Self { bench: Bench::new(config), sequence: 0, last: None }
    }

    /// Delivers an event one minute after the previous one.
    pub(crate) fn send(&mut self, type_name: &str, data: &Value) -> Delivered {
        self.sequence += 1;
        let now = self.bench.now();
        self.bench.set_time(now.plus_minutes(1));
        let delivered = self.bench.deliver(&event(type_name).id(format!("e-{}", self.sequence)).json(data).build());
        assert_published(&delivered);
        self.last = Some(delivered.clone());
        delivered
    }

    /// The `identity` object for a lead.
    pub(crate) fn lead(&mut self, lead_id: &str, customer: Value) -> Value {
        self.full_lead(&json!({"leadId": lead_id, "revision": 1, "customer": customer}))
    }

    pub(crate) fn full_lead(&mut self, lead: &Value) -> Value {
        let delivered = self.send("com.handoff.lead.received.v1", lead);
        delivered.expect_ok();
        let events: Vec<Value> = delivered.emitted_json("com.handoff.lead.identified.v1");
        assert_eq!(events.len(), 1);
        assert_eq!(events[0]["lead"], *lead, "the lead must be passed on unchanged");
        events[0]["identity"].clone()
    }

    pub(crate) fn sale(&mut self, vin: &str, sold_at: &str, customer: &Value) -> Delivered {
        self.send("com.handoff.sale.closed.v1", &json!({"vin": vin, "soldAt": sold_at, "customer": customer}))
    }

    pub(crate) fn merge(&mut self, keep: &str, merge: &str) -> Delivered {
        self.send(
            "com.handoff.identity.merge.v1",
            &json!({"keep": keep, "merge": merge, "by": "lee", "reason": "same person"}),
        )
    }

    pub(crate) fn unmerge(&mut self, merge_id: &str) -> Delivered {
        self.send("com.handoff.identity.unmerge.v1", &json!({"mergeId": merge_id, "by": "lee", "reason": "two people"}))
    }

    pub(crate) fn counted(&self, name: &str) -> u64 {
        self.last.as_ref().unwrap().counted(name)
    }

    pub(crate) fn profile(&self, id: &str) -> Value {
        self.bench.state_json(&format!("profile/{id}")).unwrap()
    }

    pub(crate) fn customer(&self, id: &str) -> Value {
        self.bench.state_json(&format!("customer/{id}")).unwrap()
    }
}

/// Emitted events fit their published schemas. The leads of these tests are shorter than real ones, and are passed on as
/// they came: a complete one takes their place.
fn assert_published(delivered: &Delivered) {
    for event in &delivered.emitted {
        let mut data: Value = serde_json::from_slice(&event.data).unwrap();
        if let Some(lead) = data.get_mut("lead") {
            *lead = handoff_event_schemas::example("com.handoff.lead.received.v1")["data"].clone();
        }
        let (subject, key) = (event.subject.as_deref(), event.partition_key.as_deref());
        handoff_event_schemas::assert_emitted(&event.type_name, subject, key, data.to_string().as_bytes());
    }
}

pub(crate) fn person(first: &str, last: &str, phone: &str, email: &str) -> Value {
    let mut customer = json!({"name": {"first": first, "last": last}});
    if !phone.is_empty() {
        customer["phones"] = json!([{"number": phone, "kind": "cellphone"}]);
    }
    if !email.is_empty() {
        customer["emails"] = json!([{"address": email}]);
    }
    customer
}

pub(crate) fn living_at(mut customer: Value, street: &str, zip: &str) -> Value {
    customer["address"] = json!({"street": [street], "postalCode": zip});
    customer
}

pub(crate) fn id(identity: &Value) -> String {
    identity["customerId"].as_str().unwrap().to_owned()
}

pub(crate) fn explains(identity: &Value, part: &str) -> bool {
    identity["explanation"].as_array().unwrap().iter().any(|line| line.as_str().unwrap().contains(part))
}

pub(crate) fn merge_id(delivered: &Delivered) -> String {
    let events: Vec<Value> = delivered.emitted_json("com.handoff.customer.merged.v1");
    events[0]["mergeId"].as_str().unwrap().to_owned()
}
