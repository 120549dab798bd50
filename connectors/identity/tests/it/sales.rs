//! Sales: ownership periods, and no merge of old and new owner.

use serde_json::json;

use crate::book::{Book, CAR, OTHER_CAR, id, person};

fn buyer(name: &str, phone: &str) -> serde_json::Value {
    json!({"name": name, "phones": [phone]})
}

#[test]
fn a_sale_does_not_merge_old_and_new_owner() {
    let mut book = Book::new();
    book.sale(CAR, "2020-05-01T12:00:00Z", &buyer("John Smith", "312-867-2368")).expect_ok();
    book.sale(CAR, "2024-05-01T12:00:00Z", &buyer("Petra Kowalski", "773-248-9911")).expect_ok();
    let lead = |lead_id: &str, customer| json!({"leadId": lead_id, "customer": customer, "tradeIns": [{"vin": CAR}]});
    let old = book.full_lead(&lead("L1", person("John", "Smith", "312-867-2368", "")));
    let new = book.full_lead(&lead("L2", person("Petra", "Kowalski", "", "")));
    assert_ne!(id(&old), id(&new));
    assert_eq!(new["rule"], "vin");
    assert_eq!(new["vehicles"][0]["ownershipPeriod"], json!({"number": 2, "since": "2024-05-01T12:00:00Z"}));
    assert_eq!(new["vehicles"][0]["role"], "owner");
    assert_eq!(old["vehicles"][0]["role"], "former-owner");
    assert_eq!(old["vehicles"][0]["ownershipPeriod"]["until"], "2024-05-01T12:00:00Z");
}

#[test]
fn a_relative_with_the_same_car_is_not_the_owner() {
    let mut book = Book::new();
    book.sale(CAR, "2024-05-01T12:00:00Z", &buyer("John Smith", "312-867-2368")).expect_ok();
    let mary = book
        .full_lead(&json!({"leadId": "L1", "customer": person("Mary", "Smith", "", ""), "tradeIns": [{"vin": CAR}]}));
    assert_eq!(mary["decision"], "created");
}

#[test]
fn sales_in_any_order_give_the_same_periods() {
    let sales = [
        ("2018-01-01T00:00:00Z", "Ana Ortiz", "312-867-2361"),
        ("2020-01-01T00:00:00Z", "John Smith", "312-867-2362"),
        ("2024-01-01T00:00:00Z", "Petra Kowalski", "312-867-2363"),
    ];
    let mut shapes = Vec::new();
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut book = Book::new();
        for index in order {
            let (sold_at, name, phone) = sales[index];
            book.sale(CAR, sold_at, &buyer(name, phone)).expect_ok();
            let again = book.sale(CAR, sold_at, &buyer(name, phone));
            assert_eq!((again.counted("ownership-periods-started"), again.counted("customers-created")), (0, 0));
        }
        shapes.push(book.bench.state_json::<serde_json::Value>(&format!("vin/{CAR}")).unwrap());
    }
    assert!(shapes.iter().all(|shape| *shape == shapes[0]), "{shapes:#?}");
    assert_eq!(shapes[0]["periods"][0]["until"], "2020-01-01T00:00:00Z");
}

#[test]
fn a_sale_finds_the_customer_and_rejects_a_wrong_vin() {
    let mut book = Book::new();
    let lead = book.lead("L1", person("John", "Smith", "312-867-2368", ""));
    let sale = book.sale(OTHER_CAR, "2026-03-30T12:00:00Z", &json!({"name": {"first": "Jon", "last": "Smith"}, "phones": [{"number": "3128672368"}], "emails": [{"address": "jon@yahoo.com"}]}));
    assert_eq!(sale.expect_ok().counted("customers-created"), 0);
    let next = book.lead("L2", person("John", "Smith", "", "jon@yahoo.com"));
    assert_eq!((id(&lead), next["vehicles"][0]["role"].as_str()), (id(&next), Some("owner")));
    assert_eq!(
        book.sale("1HGCM82633A004353", "2026-03-30T12:00:00Z", &buyer("A B", "")).expect_failure().code(),
        "vin-invalid"
    );
}
