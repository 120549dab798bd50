//! The response clock: escalations, business hours, contacts, and events in the wrong order.

use handoff_sdk::testkit::MetricValue;
use serde_json::json;

use crate::desk::{Desk, OPENING, at, event_data, events};

#[test]
fn a_missed_call_escalates_level_by_level_and_then_stops() {
    let mut desk = Desk::listed();
    let fired = desk.fire_timers(at("2026-03-31T20:00:00-05:00"));
    assert_eq!(fired.len(), 2);
    for (delivered, (level, to, waited)) in fired.iter().zip([(1, "bdc-lead", 900), (2, "sales-manager", 3600)]) {
        let event = event_data(delivered, "escalated");
        assert_eq!(
            (&event["level"], &event["to"], &event["waitedSeconds"]),
            (&json!(level), &json!(to), &json!(waited))
        );
        assert_eq!(delivered.sent[0].request.url, "https://crm.example.com/api/call-list/entries/E-7/escalations");
        assert_eq!(delivered.counted("calls-escalated"), 1);
    }
    assert!(desk.bench.timers().is_empty());
}

#[test]
fn the_escalation_clock_pauses_outside_business_hours() {
    let mut desk = Desk::new();
    desk.set("2026-04-04T17:55:00-05:00"); // Saturday, five minutes before closing; Sunday is closed.
    assert_eq!(desk.lead(1).timers_set[0].at, at("2026-04-06T09:10:00-05:00"));
    let mut desk = Desk::with(json!({"only-business-hours": false}));
    desk.set("2026-04-04T17:55:00-05:00");
    assert_eq!(desk.lead(1).timers_set[0].at, at("2026-04-04T18:10:00-05:00"));
}

#[test]
fn a_timer_is_recomputed_after_a_daylight_saving_change() {
    let mut desk = Desk::new();
    desk.bench = desk.bench.rooftop("main-street", "America/Chicago", -5 * 3600);
    desk.set("2026-10-31T17:55:00-05:00"); // The clocks go back in the night to Sunday.
    assert_eq!(desk.lead(1).timers_set[0].at, at("2026-11-02T09:10:00-05:00"));
    desk.bench = desk.bench.rooftop("main-street", "America/Chicago", -6 * 3600);
    let fired = desk.fire_timers(at("2026-11-02T08:30:00-06:00"));
    assert!(
        fired.iter().all(|delivered| delivered.emitted.is_empty()),
        "the timer is an hour early after the change and must wait"
    );
    assert_eq!(desk.bench.timers()[0].at, at("2026-11-02T09:10:00-06:00"));
    assert_eq!(desk.fire_timers(at("2026-11-02T09:30:00-06:00")).len(), 1);
    let event = event_data(&desk.contact(json!({"leadId": "L1"})), "closed");
    assert_eq!(event["responseBusinessSeconds"], 35 * 60, "five minutes on Saturday and thirty on Monday");
}

#[test]
fn the_first_contact_by_a_person_closes_the_call() {
    let mut desk = Desk::listed();
    desk.set("2026-03-30T10:08:00-05:00");
    let closed = desk.contact(json!({"entryId": "E-7", "at": "2026-03-30T10:07:30-05:00"}));
    let event = event_data(&closed, "closed");
    assert_eq!(
        (&event["reason"], &event["responseSeconds"], &event["responseBusinessSeconds"], &event["by"]),
        (&json!("first-contact"), &json!(450), &json!(450), &json!("kim"))
    );
    assert_eq!(closed.timers_cancelled.len(), 1);
    let metrics: Vec<_> = closed
        .metrics
        .iter()
        .filter(|metric| metric.name == "lead-response-seconds")
        .map(|metric| (metric.labels[0].1.as_str(), metric.value))
        .collect();
    assert_eq!(metrics, [("clock", MetricValue::Histogram(450.0)), ("business", MetricValue::Histogram(450.0))]);
    assert!(desk.fire_timers(at("2026-04-30T10:00:00-05:00")).is_empty());
}

#[test]
fn the_response_time_is_reported_in_clock_and_business_hours() {
    let mut desk = Desk::listed();
    desk.set("2026-03-31T09:30:00-05:00");
    let event = event_data(&desk.contact(json!({"leadId": "L1"})), "closed");
    assert_eq!(
        (&event["responseSeconds"], &event["responseBusinessSeconds"]),
        (&json!(84_600), &json!(37_800)),
        "ten hours on Monday, half an hour on Tuesday"
    );
}

#[test]
fn an_automatic_acknowledgement_does_not_stop_the_clock() {
    let mut desk = Desk::listed();
    let ack = desk.contact(json!({"entryId": "E-7", "human": false}));
    assert!(ack.expect_ok().emitted.is_empty() && ack.timers_cancelled.is_empty());
    assert_eq!(ack.counted("auto-acknowledgements"), 1);
    assert_eq!(desk.fire_timers(at("2026-03-30T10:20:00-05:00")).len(), 1);
}

#[test]
fn a_contact_before_the_crms_answer_closes_the_call() {
    let mut desk = Desk::new();
    desk.lead(1).expect_ok();
    assert_eq!(events(&desk.contact(json!({"leadId": "L1"}))), ["closed"]);
    assert!(desk.answer("list/L1/1", 201, &json!({"entryId": "E-7"})).expect_ok().emitted.is_empty());
    let resend = desk.lead(2);
    assert_eq!(
        (resend.sent[0].key.as_str(), resend.timers_set.len()),
        ("update/L1/2", 0),
        "the entry id must be stored while the clock stays stopped"
    );
}

#[test]
fn a_webhook_for_a_listing_in_flight_is_retried() {
    let mut desk = Desk::new();
    assert_eq!(desk.contact(json!({"entryId": "E-7"})).expect_failure().code(), "entry-unknown");
    desk.lead(1).expect_ok();
    assert_eq!(desk.contact(json!({"entryId": "E-7"})).expect_failure().code(), "entry-not-known-yet");
    desk.answer("list/L1/1", 201, &json!({"entryId": "E-7"})).expect_ok();
    assert_eq!(events(&desk.contact(json!({"entryId": "E-7"}))), ["closed"]);
    assert_eq!(desk.contact(json!({"leadId": "L2"})).expect_failure().code(), "lead-unknown");
    assert_eq!(desk.contact(json!({})).expect_failure().code(), "hook-names-no-call");
}

#[test]
fn duplicate_and_late_events_change_nothing() {
    let mut desk = Desk::listed();
    assert!(
        desk.answer("list/L1/1", 201, &json!({"entryId": "E-7"})).expect_ok().emitted.is_empty(),
        "a duplicate answer must change nothing"
    );
    let late_timer = desk.bench.timers()[0].event.clone();
    desk.contact(json!({"entryId": "E-7"})).expect_ok();
    let again = desk.contact(json!({"entryId": "E-7"}));
    assert!(
        again.expect_ok().emitted.is_empty() && again.metrics.is_empty(),
        "a duplicate contact must change nothing"
    );
    let late = desk.send("com.handoff.call.due.v1", &serde_json::from_slice(&late_timer.data).unwrap());
    assert!(
        late.expect_ok().emitted.is_empty() && late.timers_set.is_empty(),
        "a timer after the close must change nothing"
    );
}

#[test]
fn an_impossible_contact_time_is_clamped() {
    for (time, seconds) in [("2026-03-29T00:00:00Z", 0), ("2027-01-01T00:00:00Z", 120)] {
        let mut desk = Desk::listed();
        desk.set("2026-03-30T10:02:00-05:00");
        assert_eq!(
            event_data(&desk.contact(json!({"entryId": "E-7", "at": time})), "closed")["responseSeconds"],
            seconds
        );
    }
}

#[test]
fn a_webhook_of_another_type_is_counted_and_ignored() {
    let ignored = Desk::listed().contact(json!({"type": "deal.won"}));
    assert_eq!(ignored.expect_ok().counted("hooks-ignored"), 1);
}

#[test]
fn the_clock_starts_with_the_lead_not_with_its_delivery() {
    let mut desk = Desk::new();
    let event = handoff_sdk::testkit::event("com.handoff.lead.identified.v1")
        .json(&crate::desk::lead(1, json!({})))
        .time(at("2026-03-30T09:50:00-05:00"))
        .build();
    assert_eq!(desk.deliver(&event).timers_set[0].at, at(OPENING).plus_minutes(5));
}
