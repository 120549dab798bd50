//! Listing: routing of leads, contact channels, and resends.

use serde_json::{Value, json};

use crate::desk::{Desk, body, event_data, events, lead};

#[test]
fn a_lead_is_posted_to_the_crm_once_with_a_stable_key() {
    let mut desk = Desk::new();
    let posted = desk.lead(1);
    posted.expect_ok();
    let send = &posted.sent[0];
    assert_eq!(
        (send.key.as_str(), send.request.method.as_str(), send.request.url.as_str()),
        ("list/L1/1", "POST", "https://crm.example.com/api/call-list/entries")
    );
    assert_eq!(
        (send.answer, send.partition_key.as_deref(), send.request.auth.as_deref()),
        (true, Some("L1"), Some("crm"))
    );
    let entry = body(&posted, 0);
    assert_eq!(
        (&entry["customerId"], &entry["queue"], &entry["contactBy"]),
        (&json!("c-1"), &json!("bdc"), &json!(["call", "text", "email"]))
    );
    let listed = desk.answer("list/L1/1", 201, &json!({"entryId": "E-7"}));
    assert_eq!(events(&listed), ["listed"]);
    assert_eq!((event_data(&listed, "listed")["entryId"].as_str(), listed.counted("calls-listed")), (Some("E-7"), 1));
    assert_eq!(event_data(&listed, "listed")["respondBy"], "2026-03-30T15:15:00Z");
    assert_eq!(listed.emitted[0].partition_key.as_deref(), Some("L1"));
}

#[test]
fn the_entry_id_may_be_a_number_or_the_end_of_the_location_field() {
    for (body, headers, id) in [
        (json!({"id": 42}), json!([]), "42"),
        (json!({}), json!([["Location", "https://crm.example.com/api/call-list/entries/E-9/"]]), "E-9"),
    ] {
        let mut desk = Desk::new();
        desk.lead(1).expect_ok();
        let data = json!({"key": "list/L1/1", "outcome": "answered", "status": 201, "headers": headers, "body": body.to_string(), "attempts": 1});
        assert_eq!(event_data(&desk.send("com.handoff.outbox.answered.v1", &data), "listed")["entryId"], id);
    }
}

#[test]
fn the_first_matching_rule_sets_the_queue() {
    let routes = json!({"default-queue": "main", "routes": [
        {"queue": "new", "condition": "new"}, {"queue": "far", "zip": ["90"]}, {"queue": "ford", "make": ["Ford"]}, {"queue": "lease", "interest": ["lease"]}, {"queue": "north", "team": "n", "zip": ["606"], "make": ["honda", "acura"], "provider": ["cars direct"]}]});
    let mut desk = Desk::with(routes.clone());
    let entry = body(&desk.lead(1), 0);
    assert_eq!((&entry["queue"], &entry["team"]), (&json!("north"), &json!("n")));
    let mut other = lead(1, json!({}));
    other["lead"]["vehicles"][0]["make"] = json!("Kia");
    assert_eq!(body(&Desk::with(routes).send("com.handoff.lead.identified.v1", &other), 0)["queue"], "main");
}

#[test]
fn a_resend_updates_the_entry_and_never_lists_twice() {
    let mut desk = Desk::listed();
    let update = desk.lead(2);
    let send = &update.sent[0];
    assert_eq!(
        (send.key.as_str(), send.request.method.as_str(), send.request.url.as_str()),
        ("update/L1/2", "PUT", "https://crm.example.com/api/call-list/entries/E-7")
    );
    assert_eq!(body(&update, 0)["comments"], "revision 2");
    for revision in [1, 2] {
        let again = desk.lead(revision);
        assert!(again.expect_ok().sent.is_empty() && again.emitted.is_empty() && again.timers_set.is_empty());
    }
}

#[test]
fn a_resend_before_the_crms_answer_waits_for_the_entry() {
    let mut desk = Desk::new();
    desk.lead(1).expect_ok();
    assert!(desk.lead(2).expect_ok().sent.is_empty() && desk.lead(3).expect_ok().sent.is_empty());
    let listed = desk.answer("list/L1/1", 201, &json!({"entryId": "E-7"}));
    assert_eq!((listed.sent.len(), listed.sent[0].key.as_str()), (1, "update/L1/3"));
}

#[test]
fn an_opt_out_of_calls_leaves_the_other_channels() {
    let mut desk = Desk::new();
    assert_eq!(
        body(&desk.lead_with(1, json!({"call": true, "text": true, "email": false})), 0)["contactBy"],
        json!(["email"])
    );
}

#[test]
fn a_refusal_in_the_lead_closes_that_channel() {
    let entry = |refused: Value| {
        let mut data = lead(1, json!({}));
        data["lead"]["customer"]["refusesContactBy"] = refused;
        body(&Desk::new().send("com.handoff.lead.identified.v1", &data), 0)
    };
    let no_text = entry(json!(["text"]));
    assert_eq!((&no_text["contactBy"], &no_text["doNot"]), (&json!(["call", "email"]), &json!(["text"])));
    assert_eq!(no_text["customer"]["phones"][0]["number"], "312-867-2368", "calls are allowed");
    let no_phone = entry(json!(["call", "text"]));
    assert_eq!((&no_phone["contactBy"], &no_phone["doNot"]), (&json!(["email"]), &json!(["call", "text"])));
    assert_eq!(no_phone["customer"]["phones"], json!([]));
    assert_eq!(entry(json!(["email"]))["customer"]["emails"], json!([]));
    assert!(entry(json!([])).get("doNot").is_none());
}

#[test]
fn a_customer_who_opted_out_of_everything_is_not_listed() {
    let mut desk = Desk::new();
    let closed = desk.lead_with(1, json!({"call": true, "text": true, "email": true}));
    assert!(closed.expect_ok().sent.is_empty() && closed.timers_set.is_empty());
    assert_eq!(event_data(&closed, "closed")["reason"], "opted-out");
    let reopened = desk.lead(2);
    assert_eq!(
        (reopened.sent[0].key.as_str(), reopened.timers_set.len()),
        ("list/L1/2", 1),
        "reopened after contact is allowed again"
    );
}

#[test]
fn a_lead_without_contact_data_is_closed_with_that_reason() {
    let mut data = lead(1, json!({}));
    data["lead"]["customer"] = json!({"phones": [{"number": "312-867-2368", "kind": "fax"}]});
    let closed = Desk::new().send("com.handoff.lead.identified.v1", &data);
    assert_eq!(event_data(&closed, "closed")["reason"], "no-way-to-contact");
}

#[test]
fn an_opt_out_in_a_resend_removes_the_entry() {
    let out = json!({"call": true, "text": true, "email": true});
    let mut desk = Desk::listed();
    let closed = desk.lead_with(2, out.clone());
    assert_eq!(
        (closed.sent[0].key.as_str(), body(&closed, 0)["withdrawn"].as_str()),
        ("update/L1/2", Some("opted-out"))
    );
    assert_eq!((events(&closed), closed.timers_cancelled.len()), (vec!["closed"], 1));
    let mut desk = Desk::new();
    desk.lead(1).expect_ok();
    assert!(desk.lead_with(2, out).sent.is_empty());
    let late = desk.answer("list/L1/1", 201, &json!({"entryId": "E-7"}));
    assert_eq!(
        (late.sent[0].key.as_str(), late.emitted.len()),
        ("update/L1/2", 0),
        "withdrawn as soon as the entry id is known"
    );
}

#[test]
fn an_invalid_config_names_the_field() {
    for (more, field) in [
        (json!({"crm-url": "crm"}), "crm-url"),
        (json!({"crm-url": "https://u@x"}), "crm-url"),
        (json!({"crm-url": "https://x/a/b/c/"}), "crm-url"),
        (json!({"default-queue": ""}), "default-queue"),
        (json!({"routes": [{"queue": "x", "condition": "old"}]}), "routes.condition"),
        (json!({"escalations": [{"after-minutes": 60, "to": "a"}, {"after-minutes": 15, "to": "b"}]}), "escalations"),
        (json!({"business-hours": {"mon": "9-5"}}), "business-hours.mon"),
        (json!({"quue": 1}), "quue"),
    ] {
        assert!(Desk::with(more).bench.validate().unwrap_err().message().contains(field), "{field}");
    }
    assert_eq!(Desk::new().bench.validate(), Ok(()));
    let mut bare = handoff_sdk::testkit::Bench::<bdc_list::BdcList>::new(json!({}));
    assert!(bare.validate().unwrap_err().message().contains("crm-url"));
}

#[test]
fn a_very_large_lead_is_shortened() {
    let mut data = lead(1, json!({}));
    let long = "x".repeat(50_000);
    data["lead"]["comments"] = json!(long);
    data["lead"]["vehicles"] = Value::from(vec![
        json!({"make": long, "model": long, "trim": long, "vin": long, "stock": long, "price": {"a": long}});
        10
    ]);
    let posted = Desk::new().send("com.handoff.lead.identified.v1", &data);
    assert!(posted.expect_ok().sent[0].request.body.as_ref().unwrap().len() < 40_000);
}
