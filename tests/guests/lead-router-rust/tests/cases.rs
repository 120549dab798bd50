//! The cases that all three lead routers pass, natively.

use handoff_sdk::testkit::TestCase;
use lead_router_rust::LeadRouter;

/// The kit runs no migration: `handoff test` does.
const MIGRATES: &str = "older-state-migrates";

#[test]
fn the_router_does_what_its_cases_expect() {
    for (name, case) in TestCase::load_all("cases").into_iter().filter(|(name, _)| name != MIGRATES) {
        assert_eq!(case.run::<LeadRouter>().differences, Vec::<String>::new(), "{name}");
    }
}
