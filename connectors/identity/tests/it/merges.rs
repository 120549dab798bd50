//! Merges: explained and reversible, in any order; and automatic merges.

use serde_json::{Value, json};

use crate::book::{Book, explains, id, merge_id, person};

#[test]
fn unmerge_restores_both_records_exactly() {
    let mut book = Book::new();
    let keep = id(&book.lead("L1", person("John", "Smith", "312-867-2368", "")));
    let goes = id(&book.lead("L2", person("John", "Smith", "", "js@yahoo.com")));
    let before = [book.profile(&keep), book.profile(&goes), book.customer(&keep), book.customer(&goes)];
    let merged = book.merge(&keep, &goes);
    assert_eq!(merged.counted("duplicates-created"), 1);
    let log: Value = book.bench.state_json(&format!("merge/{}", merge_id(&merged))).unwrap();
    assert_eq!(
        log["survivorship"],
        json!([{"field": "name", "from": goes}, {"field": "phone", "from": keep}, {"field": "email", "from": goes}])
    );
    let by_email = book.lead("L3", person("John", "Smith", "", "js@yahoo.com"));
    assert_eq!(id(&by_email), keep, "either key must find the merged customer");
    let mut book_without_l3 = before.to_vec();
    book.unmerge(&merge_id(&merged)).expect_ok();
    let mut after = [book.profile(&keep), book.profile(&goes), book.customer(&keep), book.customer(&goes)];
    for profile in book_without_l3.iter_mut().chain(after.iter_mut()) {
        if let Some(object) = profile.as_object_mut() {
            object.remove("leads");
            object.remove("seenAt");
        }
    }
    assert_eq!(after.to_vec(), book_without_l3, "the book must be restored except for the lead received in between");
}

#[test]
fn a_lead_received_in_between_goes_to_the_best_match() {
    let mut book = Book::new();
    let keep = id(&book.lead("L1", person("John", "Smith", "312-867-2368", "")));
    let goes = id(&book.lead("L2", person("John", "Smith", "", "js@yahoo.com")));
    let merged = book.merge(&keep, &goes);
    book.lead("L3", person("John", "Smith", "773-248-9911", "js@yahoo.com"));
    let undone = book.unmerge(&merge_id(&merged));
    let events: Vec<Value> = undone.emitted_json("com.handoff.customer.unmerged.v1");
    assert!(explains(&events[0], &format!("lead L3 was received in between and belongs to {goes}")));
    assert_eq!(undone.counted("duplicates-retracted"), 1);
    assert_eq!(id(&book.lead("L4", person("John", "Smith", "773-248-9911", ""))), goes);
    let resend = book.full_lead(&json!({"leadId": "L3", "revision": 2, "customer": person("John", "Smith", "", "")}));
    assert_eq!(id(&resend), goes);
}

#[test]
fn merges_can_be_undone_in_any_order() {
    for first_undone in [0, 1] {
        let mut book = Book::new();
        let ids: Vec<String> =
            ["L1", "L2", "L3"].iter().map(|lead| id(&book.lead(lead, person("John", "Smith", "", "")))).collect();
        let merges = [merge_id(&book.merge(&ids[1], &ids[2])), merge_id(&book.merge(&ids[0], &ids[1]))];
        assert_eq!(book.customer(&ids[0])["members"], json!(ids));
        book.unmerge(&merges[first_undone]).expect_ok();
        book.unmerge(&merges[1 - first_undone]).expect_ok();
        for id in &ids {
            assert_eq!(book.customer(id)["members"], json!([id]));
            assert!(book.customer(id).get("into").is_none());
        }
    }
}

#[test]
fn a_lead_with_keys_of_two_customers_merges_them() {
    let mut book = Book::new();
    let by_phone = id(&book.lead("L1", person("John", "Smith", "312-867-2368", "")));
    let by_email = id(&book.lead("L2", person("Jon", "Smith", "", "js@yahoo.com")));
    assert_ne!(by_phone, by_email);
    let both = book.lead("L3", person("John", "Smith", "312-867-2368", "js@yahoo.com"));
    assert_eq!(id(&both), by_phone, "the older customer must stay");
    assert!(explains(&both, "are the same person: merged"));
    let merged = book.last.clone().unwrap();
    assert_eq!(merged.counted("duplicates-created"), 1);
    book.unmerge(&merge_id(&merged)).expect_ok();
    let again = book.lead("L4", person("John", "Smith", "312-867-2368", "js@yahoo.com"));
    assert!(again["candidates"].is_array() || id(&again) == by_phone);
    assert!(
        book.last.clone().unwrap().emitted_json::<Value>("com.handoff.customer.merged.v1").is_empty(),
        "customers separated by a person must not be merged again"
    );
}

#[test]
fn automatic_merges_can_be_disabled_and_are_then_reported() {
    let mut book = Book::with(json!({"auto-merge": false}));
    book.lead("L1", person("John", "Smith", "312-867-2368", ""));
    let other = id(&book.lead("L2", person("Jon", "Smith", "", "js@yahoo.com")));
    let both = book.lead("L3", person("John", "Smith", "312-867-2368", "js@yahoo.com"));
    assert_eq!(
        (both["decision"].as_str(), both["candidates"][0]["customerId"].as_str()),
        (Some("matched"), Some(other.as_str()))
    );
}

#[test]
fn invalid_orders_are_rejected_with_a_code() {
    let mut book = Book::new();
    let keep = id(&book.lead("L1", person("John", "Smith", "", "")));
    let goes = id(&book.lead("L2", person("John", "Smith", "", "")));
    assert_eq!(book.merge(&keep, &keep).expect_failure().code(), "merge-same-customer");
    assert_eq!(book.merge(&keep, "c-unknown").expect_failure().code(), "customer-unknown");
    assert_eq!(book.unmerge("m-unknown").expect_failure().code(), "merge-unknown");
    let merged = book.merge(&keep, &goes);
    assert_eq!(book.merge(&goes, &keep).expect_failure().code(), "already-merged");
    book.unmerge(&merge_id(&merged)).expect_ok();
    assert_eq!(book.unmerge(&merge_id(&merged)).expect_failure().code(), "already-unmerged");
}
