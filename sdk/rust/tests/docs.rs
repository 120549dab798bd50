//! The example of the documentation does what its pages say.

#[path = "../../docs/examples/order_desk.rs"]
#[expect(unreachable_pub, reason = "it is a library of its own elsewhere")]
mod order_desk;

use handoff_sdk::events::{HOOK_RECEIVED, OUTBOX_ANSWERED};
use handoff_sdk::testkit::{Bench, event};
use handoff_sdk::{Event, Response};
use order_desk::OrderDesk;
use serde_json::{Value, json};

const CUSTOMER: &str = "https://crm.example/customers/C-1";

/// A desk whose CRM answers the look-up of the customer with this status.
fn desk(status: u16) -> Bench<OrderDesk> {
    let mut bench = Bench::new(json!({ "crm-url": "https://crm.example" }));
    bench.answer("GET", CUSTOMER, Response { status, ..Response::default() });
    bench
}

fn order(id: &str) -> Event {
    event(HOOK_RECEIVED).id(id).json(&json!({ "number": "R-7", "customer": "C-1" })).build()
}

fn answer(status: u16) -> Event {
    let data = json!({ "key": "order-R-7", "outcome": "answered", "status": status, "body": null, "attempts": 1 });
    event(OUTBOX_ANSWERED).json(&data).build()
}

// region bench
#[test]
fn an_order_is_entered_once() {
    let mut bench = Bench::<OrderDesk>::new(json!({ "crm-url": "https://crm.example" }));
    bench.answer("GET", "https://crm.example/customers/C-1", Response { status: 200, ..Response::default() });
    let order = |id: &str| event(HOOK_RECEIVED).id(id).json(&json!({ "number": "R-7", "customer": "C-1" })).build();

    let first = bench.deliver(&order("1"));
    assert_eq!(first.expect_ok().sent[0].key, "order-R-7");
    assert!(bench.deliver(&order("2")).expect_ok().sent.is_empty());
}
// endregion

#[test]
fn an_order_without_an_answer_is_reported_after_a_day() {
    let mut desk = desk(200);
    desk.deliver(&order("1")).expect_ok();
    assert!(desk.fire_timers(desk.now().plus_hours(23)).is_empty());
    let fired = desk.fire_timers(desk.now().plus_hours(1));
    assert_eq!(fired.iter().map(|delivered| delivered.counted("orders-overdue")).sum::<u64>(), 1);
}

#[test]
fn an_accepted_order_is_not_reported_a_refused_one_is() {
    for (status, timers) in [(201, 0), (422, 1)] {
        let mut desk = desk(200);
        desk.deliver(&order("1")).expect_ok();
        desk.deliver(&answer(status)).expect_ok();
        assert_eq!(desk.timers().len(), timers, "{status}");
    }
}

#[test]
fn failures_of_the_example_have_the_kinds_that_the_page_names() {
    assert_eq!(desk(404).deliver(&order("1")).expect_failure().code(), "customer-unknown");
    assert_eq!(desk(500).deliver(&order("1")).expect_failure().code(), "crm-unavailable");
    assert_eq!(desk(200).deliver(&event("com.acme.other").build()).expect_failure().code(), "unexpected-type");
    let mut desk = Bench::<OrderDesk>::new(json!({ "crm-url": "https://crm.example", "overdue-hours": 0 }));
    assert!(desk.validate().expect_err("refused").message().contains("overdue-hours"));
}

#[test]
fn state_of_the_first_schema_is_migrated() {
    let mut desk = desk(200);
    desk.set_state_json("order/R-1", "C-1");
    desk.migrate(1).expect_ok();
    let stored: Value = desk.state_json("order/R-1").expect("the order");
    assert_eq!(stored["customer"], "C-1");
    assert_eq!(desk.migrate(7).expect_failure().message(), "no migration from schema 7");
}
