//! Properties for any input: no panic, and a consistent book after any sequence of events.

use std::collections::BTreeMap;

use handoff_sdk::testkit::event;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::book::{Book, CAR, id, person};

fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![".{0,20}", "[A-HJ-NPR-Z0-9]{17}", "[0-9()+ -]{7,16}", "[a-z.]{1,8}@[a-z.]{1,8}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let key = prop::sample::select(vec![
            "leadId",
            "revision",
            "customer",
            "name",
            "full",
            "first",
            "last",
            "phones",
            "number",
            "emails",
            "address",
            "street",
            "postalCode",
            "tradeIns",
            "vehicles",
            "vin",
            "interest",
            "soldAt",
            "keep",
            "merge",
            "by",
            "mergeId",
            "customerId",
            "phone",
            "email",
            "channel",
            "optedOut",
            "at",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..8).prop_map(|map| json!(map))
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_input_causes_a_panic(data in any_json(), lead_id in "\\PC{0,12}", kind in 0..5_usize) {
        let types = ["lead.received", "sale.closed", "consent.changed", "identity.merge", "identity.unmerge"];
        let mut book = Book::new();
        let name = format!("com.handoff.{}.v1", types[kind]);
        drop(book.bench.deliver(&event(name.as_str()).json(&data).build()));
        drop(book.bench.deliver(&event("com.handoff.lead.received.v1").id("2").json(&json!({"leadId": lead_id, "customer": data, "tradeIns": [data]})).build()));
        drop(book.bench.deliver(&event("com.handoff.sale.closed.v1").id("3").json(&json!({"vin": CAR, "soldAt": "2026-01-01T00:00:00Z", "customer": data})).build()));
    }

    #[test]
    fn any_sequence_leaves_a_consistent_book(steps in prop::collection::vec((0..6_usize, 0..8_usize, 0..8_usize), 1..40)) {
        let mut book = Book::new();
        let (mut ids, mut merges, mut opted_out): (Vec<String>, Vec<String>, Vec<String>) = Default::default();
        for (number, (action, left, right)) in steps.into_iter().enumerate() {
            let pick = |list: &[String], at: usize| (!list.is_empty()).then(|| list[at % list.len()].clone());
            match action {
                0 | 1 => {
                    let first = ["John", "Jon", "Mary", "Ana"][left % 4];
                    let last = ["Smith", "Smyth", "Ortiz", "Kowalski"][right % 4];
                    let phone = format!("312-867-23{:02}", 60 + left % 3);
                    let email = format!("person{}@yahoo.com", right % 3);
                    ids.push(id(&book.lead(&format!("L{number}"), person(first, last, &phone, &email))));
                }
                2 | 3 => {
                    if let (Some(keep), Some(goes)) = (pick(&ids, left), pick(&ids, right)) {
                        drop(book.merge(&keep, &goes));
                    }
                }
                4 => {
                    if let Some(merge) = pick(&merges, left) {
                        drop(book.unmerge(&merge));
                    }
                }
                _ => {
                    if let Some(who) = pick(&ids, left) {
                        book.send("com.handoff.consent.changed.v1", &json!({"customerId": who, "channel": "call", "optedOut": true, "source": "t"})).expect_ok();
                        opted_out.push(who);
                    }
                }
            }
            merges = book.bench.state_keys("merge/").iter().map(|key| key["merge/".len()..].to_owned()).collect();
            check(&book, &opted_out)?;
        }
    }
}

/// Each profile belongs to one current customer, an opt-out applies to it, and each key has one owner who has it.
fn check(book: &Book, opted_out: &[String]) -> Result<(), TestCaseError> {
    let mut owner: BTreeMap<String, String> = BTreeMap::new();
    let mut out: BTreeMap<String, bool> = BTreeMap::new();
    for key in book.bench.state_keys("customer/") {
        let id = key["customer/".len()..].to_owned();
        let customer = book.customer(&id);
        if customer.get("into").is_some() {
            continue;
        }
        for member in customer["members"].as_array().unwrap() {
            let member = member.as_str().unwrap().to_owned();
            let profile = book.profile(&member);
            *out.entry(id.clone()).or_default() |= profile["consents"]["call"]["optedOut"] == json!(true);
            prop_assert!(owner.insert(member.clone(), id.clone()).is_none(), "{member} has two customers");
        }
    }
    prop_assert_eq!(owner.len(), book.bench.state_keys("profile/").len(), "a profile is lost");
    for who in opted_out {
        prop_assert!(out[&owner[who]], "the opt-out of {} is lost", who);
    }
    for key in book.bench.state_keys("phone/").into_iter().chain(book.bench.state_keys("email/")) {
        let value = &key[6..];
        let record: Value = book.bench.state_json(&key).unwrap();
        let mut seen = Vec::new();
        for holder in record["holders"].as_array().unwrap() {
            let profile = holder["profile"].as_str().unwrap();
            prop_assert!(owner.contains_key(profile) && !seen.contains(&profile));
            seen.push(profile);
            let facts = &book.profile(profile)["facts"];
            let has = |field: &str| facts[field].as_array().is_some_and(|list| list.contains(&json!(value)));
            prop_assert!(has("phones") || has("emails"), "{profile} holds {value} in the index only");
        }
    }
    Ok(())
}
