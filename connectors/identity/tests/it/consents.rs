//! Opt-outs: stored with the person and with the number, across every merge and unmerge.

use handoff_sdk::testkit::Delivered;
use serde_json::{Value, json};

use crate::book::{Book, id, merge_id, person};

fn change(book: &mut Book, who: Value, channel: &str, opted_out: bool, at: Option<&str>) -> Delivered {
    let mut data = who;
    data["channel"] = json!(channel);
    data["optedOut"] = json!(opted_out);
    data["source"] = json!("crm");
    if let Some(at) = at {
        data["at"] = json!(at);
    }
    book.send("com.handoff.consent.changed.v1", &data)
}

#[test]
fn an_opt_out_of_a_number_applies_to_future_customers() {
    let mut book = Book::new();
    change(&mut book, json!({"phone": "(312) 867-2368"}), "text", true, None).expect_ok();
    let lead = book.lead("L1", person("John", "Smith", "312-867-2368", ""));
    assert_eq!(lead["optOut"], json!({"call": false, "text": true, "email": false}));
}

#[test]
fn the_later_statement_counts_in_any_order_of_arrival() {
    let mut book = Book::new();
    let lead = book.lead("L1", person("John", "Smith", "312-867-2368", ""));
    let who = json!({"customerId": id(&lead)});
    change(&mut book, who.clone(), "call", true, Some("2026-03-02T00:00:00Z")).expect_ok();
    change(&mut book, who.clone(), "call", false, Some("2026-03-01T00:00:00Z")).expect_ok();
    assert_eq!(book.lead("L2", person("John", "Smith", "312-867-2368", ""))["optOut"]["call"], true);
    change(&mut book, who, "all", false, Some("2026-03-03T00:00:00Z")).expect_ok();
    assert_eq!(book.lead("L3", person("John", "Smith", "312-867-2368", ""))["optOut"]["call"], false);
}

#[test]
fn an_opt_out_on_either_side_survives_merge_and_unmerge() {
    for opted_out_first in [true, false] {
        let mut book = Book::new();
        let keep = id(&book.lead("L1", person("John", "Smith", "312-867-2368", "")));
        let goes = id(&book.lead("L2", person("John", "Smith", "", "js@yahoo.com")));
        let out = if opted_out_first { &keep } else { &goes };
        change(&mut book, json!({"customerId": out}), "call", true, None).expect_ok();
        let merged = book.merge(&keep, &goes);
        let event: Vec<Value> = merged.emitted_json("com.handoff.customer.merged.v1");
        assert_eq!(event[0]["optOut"]["call"], true);
        change(&mut book, json!({"customerId": keep}), "email", true, None).expect_ok();
        let undone = book.unmerge(&merge_id(&merged));
        let event: Vec<Value> = undone.emitted_json("com.handoff.customer.unmerged.v1");
        let (kept, restored) = (&event[0]["optOut"]["keep"], &event[0]["optOut"]["restored"]);
        assert_eq!((&kept["call"], &restored["call"]), (&json!(opted_out_first), &json!(!opted_out_first)));
        assert_eq!(
            (&kept["email"], &restored["email"]),
            (&json!(true), &json!(true)),
            "an opt-out received in between must apply to both"
        );
    }
}

#[test]
fn an_opt_in_of_one_profile_does_not_override_another() {
    let mut book = Book::new();
    let keep = id(&book.lead("L1", person("John", "Smith", "312-867-2368", "")));
    let goes = id(&book.lead("L2", person("John", "Smith", "", "js@yahoo.com")));
    change(&mut book, json!({"customerId": goes}), "call", true, None).expect_ok();
    book.merge(&keep, &goes).expect_ok();
    change(&mut book, json!({"customerId": keep}), "call", false, None).expect_ok();
    assert_eq!(book.lead("L3", person("John", "Smith", "312-867-2368", ""))["optOut"]["call"], true);
    change(&mut book, json!({"customerId": goes}), "call", false, None).expect_ok();
    assert_eq!(book.lead("L4", person("John", "Smith", "312-867-2368", ""))["optOut"]["call"], false);
}

#[test]
fn a_consent_without_a_subject_is_rejected() {
    let mut book = Book::new();
    for (who, code) in [
        (json!({}), "consent-names-nobody"),
        (json!({"customerId": "c-unknown"}), "customer-unknown"),
        (json!({"phone": "12"}), "phone-invalid"),
        (json!({"email": "none"}), "email-invalid"),
    ] {
        assert_eq!(change(&mut book, who, "all", true, None).expect_failure().code(), code);
    }
}
