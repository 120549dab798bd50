//! Leads: who is matched, created, or left for review.

use handoff_sdk::testkit::event;
use serde_json::json;

use crate::book::{Book, CAR, explains, id, living_at, person};

#[test]
fn an_unknown_person_becomes_a_customer_once() {
    let mut book = Book::new();
    let first = book.lead("L1", person("John", "Smith", "312-867-2368", ""));
    assert_eq!((first["decision"].as_str(), book.counted("customers-created")), (Some("created"), 1));
    assert_eq!(id(&first), id(&Book::new().lead("L1", person("John", "Smith", "312-867-2368", ""))));
}

#[test]
fn a_spelling_variant_with_the_same_phone_is_the_same_customer() {
    let mut book = Book::new();
    let first = book.lead("L1", person("John", "Smith", "(312) 867-2368", "john@yahoo.com"));
    let second = book.lead("L2", person("Jon", "Smyth", "+1 312 867 2368", ""));
    assert_eq!(id(&first), id(&second));
    assert_eq!((second["decision"].as_str(), second["rule"].as_str()), (Some("matched"), Some("phone")));
    assert_eq!((book.counted("customers-matched"), book.counted("duplicates-avoided")), (1, 1));
    assert!(explains(&second, "phone number is the same"));
}

#[test]
fn the_same_email_matches_and_provider_rules_are_a_second_key() {
    let mut book = Book::new();
    let first = book.lead("L1", person("Ana", "Ortiz", "", "ana.ortiz@gmail.com"));
    let second = book.lead("L2", person("Ana", "Ortiz", "", "AnaOrtiz+cars@GMAIL.com"));
    assert_eq!((id(&first), second["rule"].as_str()), (id(&second), Some("email")));
}

#[test]
fn the_vin_of_the_persons_own_car_has_priority() {
    let mut book = Book::new();
    let lead = |id: &str, customer| json!({"leadId": id, "revision": 1, "customer": customer, "tradeIns": [{"vin": CAR, "vinCheck": "valid"}]});
    let first = book.full_lead(&lead("L1", person("William", "Brown", "312-867-2368", "")));
    let second = book.full_lead(&lead("L2", person("Bill", "Browne", "773-248-9911", "")));
    assert_eq!((id(&first), second["rule"].as_str()), (id(&second), Some("vin")));
    assert_eq!(second["vehicles"], json!([{"vin": CAR, "role": "trade-in", "ownershipPeriod": {"number": 1}}]));
}

#[test]
fn a_wanted_car_from_stock_identifies_nobody() {
    let mut book = Book::new();
    let lead =
        |id: &str, customer| json!({"leadId": id, "customer": customer, "vehicles": [{"interest": "buy", "vin": CAR}]});
    let first = book.full_lead(&lead("L1", person("William", "Brown", "312-867-2368", "")));
    let second = book.full_lead(&lead("L2", person("Bill", "Brown", "773-248-9911", "")));
    assert_ne!(id(&first), id(&second));
    assert_eq!(second["vehicles"], json!([{"vin": CAR, "role": "interest"}]));
}

#[test]
fn a_shared_placeholder_never_merges_strangers() {
    for (phone, email) in [
        ("", "none@none.com"),
        ("", "noemail@gmail.com"),
        ("800-234-9876", ""),
        ("312-555-0142", ""),
        ("999-999-9999", ""),
        ("", "sales@mainstreetmotors.com"),
    ] {
        let mut book = Book::new();
        let first = book.lead("L1", person("John", "Smith", phone, email));
        let second = book.lead("L2", person("John", "Smith", phone, email));
        assert_ne!(id(&first), id(&second), "{phone}{email}");
        assert!(explains(&second, "ignored"), "{phone}{email}");
    }
}

#[test]
fn a_resend_updates_its_customer() {
    let mut book = Book::new();
    let first = book.lead("L1", person("John", "Smith", "312-867-2368", ""));
    let again = book.full_lead(&json!({"leadId": "L1", "revision": 2, "status": "resend", "customer": person("Johnny", "Smith", "773-248-9911", "")}));
    assert_eq!((id(&first), again["rule"].as_str()), (id(&again), Some("resend")));
    assert_eq!(book.counted("customers-created"), 0);
    let later = book.lead("L9", person("John", "Smith", "773-248-9911", ""));
    assert_eq!(id(&later), id(&first), "the number of the resend must be known");
    let stale = book.lead("L1", person("Someone", "Else", "", ""));
    assert!(id(&stale) == id(&first) && explains(&stale, "nothing changes"));
}

#[test]
fn relatives_at_one_address_are_a_household_and_two_customers() {
    let mut book = Book::new();
    let john = book.lead("L1", living_at(person("John", "Smith", "312-867-2368", ""), "12 N Main St", "60601"));
    let mary =
        book.lead("L2", living_at(person("Mary", "Smith", "312-867-2368", ""), "12 North Main Street", "60601-1234"));
    assert_ne!(id(&john), id(&mary));
    assert_eq!(book.counted("households-linked"), 1);
    assert!(explains(&mary, "treated as a relative"));
    let again = book.lead("L3", living_at(person("John", "Smith", "312-867-2368", ""), "12 N Main St", "60601"));
    assert_eq!(id(&again), id(&john));
    assert_eq!(again["householdId"], mary["householdId"]);
    assert!(mary["householdId"].is_string());
}

#[test]
fn a_shared_address_alone_never_merges_strangers() {
    let mut book = Book::new();
    let first = book.lead("L1", living_at(person("John", "Smith", "", ""), "12 N Main St", "60601"));
    let second = book.lead("L2", living_at(person("Petra", "Kowalski", "", ""), "12 N Main St", "60601"));
    assert_ne!(id(&first), id(&second));
    assert!(second.get("householdId").is_none());
}

#[test]
fn an_email_shared_by_three_surnames_is_no_longer_a_key() {
    let mut book = Book::new();
    let shared = "family.desk@aol.com";
    let first = book.lead("L1", person("John", "Smith", "", shared));
    book.lead("L2", person("Petra", "Kowalski", "", shared));
    let before = book.lead("L3", person("John", "Smith", "", shared));
    assert_eq!(id(&first), id(&before), "two strangers must not be enough");
    book.lead("L4", person("Ana", "Ortiz", "", shared));
    let after = book.lead("L5", person("John", "Smith", "", shared));
    assert_ne!(id(&first), id(&after));
    assert!(explains(&after, "no longer identifies anybody") && book.counted("shared-keys-ignored") > 0);
}

#[test]
fn name_and_address_match_but_name_and_zip_need_a_review() {
    let mut book = Book::new();
    let known = book.lead("L1", living_at(person("Katherine", "Nguyen", "", ""), "77 Oak Ave", "60614"));
    let same = book.lead("L2", living_at(person("Kathy", "Nguyen", "", ""), "77 Oak Avenue", "60614"));
    assert_eq!((id(&known), same["rule"].as_str()), (id(&same), Some("name")));
    let unsure = book.lead("L3", json!({"name": {"full": "NGUYEN, KATHERINE"}, "address": {"postalCode": "60614"}}));
    assert_eq!(unsure["decision"], "review");
    assert_ne!(id(&unsure), id(&known));
    assert_eq!(unsure["candidates"][0]["customerId"], id(&known));
    assert_eq!((book.counted("reviews"), book.counted("customers-created")), (1, 1));
}

#[test]
fn a_changed_surname_with_the_same_keys_needs_a_review() {
    let mut book = Book::new();
    let before = book.lead("L1", person("Mary", "Smith", "312-867-2368", "mary@yahoo.com"));
    let after = book.lead("L2", person("Mary", "Kowalski", "312-867-2368", "mary@yahoo.com"));
    assert_eq!(after["decision"], "review");
    assert_eq!(after["candidates"][0]["customerId"], id(&before));
}

#[test]
fn an_ambiguous_initial_needs_a_review() {
    let mut book = Book::new();
    book.lead("L1", person("John", "Smith", "312-867-2368", ""));
    book.lead("L2", person("Jane", "Smith", "312-867-2368", ""));
    let unsure = book.lead("L3", person("J", "Smith", "312-867-2368", ""));
    assert_eq!((unsure["decision"].as_str(), unsure["candidates"].as_array().map(Vec::len)), (Some("review"), Some(2)));
}

#[test]
fn a_person_and_their_business_are_two_customers() {
    let mut book = Book::new();
    let person = book.lead("L1", person("John", "Smith", "312-867-2368", ""));
    let business = book.lead(
        "L2",
        json!({"name": {"full": "Smith Plumbing LLC", "kind": "business"}, "phones": [{"number": "312-867-2368"}]}),
    );
    assert_ne!(id(&person), id(&business));
}

#[test]
fn invalid_leads_are_rejected_with_a_code() {
    let mut book = Book::new();
    for (data, code) in [
        (json!({"customer": {}}), "invalid-data"),
        (json!({"leadId": ""}), "lead-id-invalid"),
        (json!([1]), "invalid-data"),
    ] {
        assert_eq!(book.send("com.handoff.lead.received.v1", &data).expect_failure().code(), code);
    }
    assert_eq!(book.bench.deliver(&event("com.example.other").build()).expect_failure().code(), "unexpected-type");
}

#[test]
fn an_invalid_config_names_the_field() {
    for (config, field) in [
        (json!({"region": "usa"}), "region"),
        (json!({"dealer-domains": ["@x.com"]}), "dealer-domains"),
        (json!({"match-score": 5.0}), "match-score"),
        (json!({"shared-key-customers": 1}), "shared-key-customers"),
        (json!({"blocked-emails": ["x"]}), "blocked-emails"),
        (json!({"dealer-phones": ["1"]}), "dealer-phones"),
        (json!({"no-such": 1}), "no-such"),
    ] {
        assert!(Book::with(config).bench.validate().unwrap_err().message().contains(field), "{field}");
    }
    assert_eq!(Book::with(json!({})).bench.validate(), Ok(()));
}
