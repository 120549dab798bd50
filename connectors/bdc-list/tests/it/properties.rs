//! Properties for any input: no panic; at most one listing in flight, one close per clock, no effect after it.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::desk::{Desk, at, events};

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,16}".prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let key = prop::sample::select(vec![
            "lead",
            "leadId",
            "identity",
            "customerId",
            "revision",
            "customer",
            "phones",
            "number",
            "emails",
            "vehicles",
            "make",
            "price",
            "key",
            "outcome",
            "status",
            "body",
            "headers",
            "type",
            "entryId",
            "at",
            "human",
            "level",
            "optOut",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..8).prop_map(|map| json!(map))
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_input_causes_a_panic(data in any_json(), kind in 0..4_usize) {
        let types = ["com.handoff.lead.identified.v1", "com.handoff.outbox.answered.v1", "com.handoff.hook.received.v1", "com.handoff.call.due.v1"];
        let mut desk = Desk::listed();
        drop(desk.send(types[kind], &data));
        let mut lead = crate::desk::lead(2, json!({}));
        lead["lead"]["customer"]["name"] = data.clone();
        lead["lead"]["vehicles"] = json!([data, {"price": data}]);
        desk.send(types[0], &lead).expect_ok();
        drop(desk.contact(json!({"entryId": data})));
    }

    #[test]
    fn a_lead_has_at_most_one_listing_in_flight_and_one_entry(steps in prop::collection::vec((0..6_usize, 0..3_u32), 1..40)) {
        let mut desk = Desk::new();
        let (mut in_flight, mut entries): (Option<String>, u32) = (None, 0);
        let mut revision = 1;
        for (action, step) in steps {
            revision += step;
            let everything = json!({"call": true, "text": true, "email": true});
            let delivered = match action {
                0 | 1 => desk.lead(revision),
                2 => desk.lead_with(revision, everything),
                3 => desk.contact(json!({"leadId": "L1"})),
                _ => {
                    let Some(key) = in_flight.take() else { continue };
                    entries += u32::from(action == 4);
                    desk.answer(&key, if action == 4 { 201 } else { 400 }, &json!({"entryId": "E-7"}))
                }
            };
            for send in delivered.sent.iter().filter(|send| send.key.starts_with("list/")) {
                prop_assert!(entries == 0, "listed again although the CRM has an entry");
                prop_assert!(in_flight.replace(send.key.clone()).is_none(), "two listings in flight");
            }
        }
    }

    #[test]
    fn any_order_of_events_closes_the_call_exactly_once(steps in prop::collection::vec((0..6_usize, 1..4_u32), 1..30)) {
        let mut desk = Desk::new();
        let mut closed = 0;
        for (number, (action, revision)) in steps.into_iter().enumerate() {
            desk.bench.set_time(at("2026-03-30T10:00:00-05:00").plus_minutes(number as u64));
            let delivered = match action {
                0 | 1 => desk.lead(revision),
                2 => desk.answer(&format!("list/L1/{revision}"), 201, &json!({"entryId": format!("E-{revision}")})),
                3 => desk.answer(&format!("list/L1/{revision}"), 400, &json!({})),
                4 => desk.contact(json!({"leadId": "L1"})),
                _ => desk.send("com.handoff.call.due.v1", &json!({"leadId": "L1", "level": revision})),
            };
            let events = events(&delivered);
            prop_assert!(closed == 0 || !events.iter().any(|name| matches!(*name, "closed" | "escalated" | "listed")), "{events:?} after the close");
            closed += events.iter().filter(|name| **name == "closed").count();
            prop_assert!(delivered.sent.iter().filter(|send| send.key.starts_with("list/")).count() <= 1);
        }
        prop_assert!(closed <= 1);
        prop_assert!(desk.bench.timers().len() <= 1 && (closed == 0 || desk.bench.timers().is_empty()));
    }
}
