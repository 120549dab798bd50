//! The CRM's possible answers, and how a refusal is reported.

use serde_json::json;

use crate::desk::{Desk, at, event_data, events};

#[test]
fn a_refused_listing_is_reported_and_the_clock_continues() {
    for (status, code) in [
        (400, "crm-refused"),
        (401, "crm-denied"),
        (404, "crm-not-found"),
        (409, "crm-conflict"),
        (302, "crm-redirected"),
    ] {
        let mut desk = Desk::new();
        desk.lead(1).expect_ok();
        let refused = desk.answer("list/L1/1", status, &json!({}));
        assert_eq!(events(&refused), ["refused"]);
        let event = event_data(&refused, "refused");
        assert_eq!(
            (&event["code"], &event["status"], &event["operation"]),
            (&json!(code), &json!(status), &json!("list"))
        );
        assert_eq!((refused.counted("calls-refused"), refused.logs.len(), desk.phase().as_str()), (1, 1, "refused"));
        let fired = desk.fire_timers(at("2026-03-30T10:20:00-05:00"));
        assert_eq!(
            (events(&fired[0]), fired[0].sent.len()),
            (vec!["escalated"], 0),
            "the escalation must be emitted although the CRM has no entry"
        );
        assert_eq!(events(&desk.contact(json!({"leadId": "L1"}))), ["closed"]);
    }
}

#[test]
fn a_resend_after_a_refusal_lists_again() {
    let mut desk = Desk::new();
    desk.lead(1).expect_ok();
    desk.answer("list/L1/1", 422, &json!({})).expect_ok();
    assert_eq!(desk.lead(2).sent[0].key, "list/L1/2");
    assert!(
        desk.answer("list/L1/1", 201, &json!({"entryId": "old"})).expect_ok().emitted.is_empty(),
        "an answer to an older listing must be ignored"
    );
    assert_eq!(events(&desk.answer("list/L1/2", 201, &json!({"entryId": "E-8"}))), ["listed"]);
}

#[test]
fn answers_without_an_entry_id_and_failures_are_refusals() {
    let mut desk = Desk::new();
    desk.lead(1).expect_ok();
    assert_eq!(event_data(&desk.answer("list/L1/1", 200, &json!("ok")), "refused")["code"], "answer-without-entry-id");
    let mut desk = Desk::new();
    desk.lead(1).expect_ok();
    let data = json!({"key": "list/L1/1", "outcome": "failed", "attempts": 12, "error": "timeout"});
    assert_eq!(event_data(&desk.send("com.handoff.outbox.answered.v1", &data), "refused")["code"], "crm-unreachable");
}

#[test]
fn a_refused_update_or_escalation_is_reported_and_changes_no_state() {
    let mut desk = Desk::listed();
    desk.lead(2).expect_ok();
    assert_eq!(event_data(&desk.answer("update/L1/2", 404, &json!({})), "refused")["operation"], "update");
    let fired = desk.fire_timers(at("2026-03-30T10:20:00-05:00"));
    assert_eq!(
        event_data(&desk.answer(&fired[0].sent[0].key.clone(), 500, &json!({})), "refused")["operation"],
        "escalate"
    );
    assert_eq!(desk.phase(), "listed");
    assert!(desk.answer(&fired[0].sent[0].key, 204, &json!({})).expect_ok().emitted.is_empty());
}

#[test]
fn an_early_escalation_is_sent_after_the_crms_answer() {
    let mut desk = Desk::new();
    desk.lead(1).expect_ok();
    assert!(desk.fire_timers(at("2026-03-30T10:20:00-05:00"))[0].sent.is_empty());
    let listed = desk.answer("list/L1/1", 201, &json!({"entryId": "E/7 ?"}));
    assert_eq!(listed.sent[0].request.url, "https://crm.example.com/api/call-list/entries/E%2F7%20%3F/escalations");
}

#[test]
fn an_answer_to_an_unknown_request_is_rejected() {
    let mut desk = Desk::listed();
    for key in ["", "list", "list/L1", "list/L1/x", "list/L9/1", "drop/L1/1", "escalate/L1/1"] {
        assert_eq!(desk.answer(key, 200, &json!({})).expect_failure().code(), "answer-unknown", "{key}");
    }
}
