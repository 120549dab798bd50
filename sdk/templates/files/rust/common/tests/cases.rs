//! The cases of `cases/` as native tests, for a debugger. `handoff test` runs them on the built component.

use {{crate}}::Connector;

#[test]
fn the_connector_does_what_its_cases_expect() {
    for (name, case) in handoff_sdk::testkit::TestCase::load_all("cases") {
        assert_eq!(case.run::<Connector>().differences, Vec::<String>::new(), "{name}");
    }
}
