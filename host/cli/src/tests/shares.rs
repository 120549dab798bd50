//! What crosses between rooftops is visible: in reports, in `show`, and in traces.

use expect_test::expect;
use handoff_control::events::trace::TraceView;
use handoff_control::installations::install::InstallReport;
use serde_json::json;

use super::views::style;
use crate::show;

#[test]
fn a_report_names_both_sides_of_a_share() {
    let report: InstallReport = serde_json::from_value(json!({
        "name": "west-list", "scope": "group:west", "package": "handoff/bdc-list", "title": "BDC call list",
        "version": "1.0.0", "digest": format!("sha256:{}", "9f".repeat(32)), "kind": "install", "generation": 1,
        "asks": [], "shares": [
            {"direction": "with", "type": "com.handoff.call.listed.v1", "scope": "east", "installations": []},
            {"direction": "from", "type": "com.handoff.lead.identified.v1", "scope": "north",
             "installations": ["identity", "north-desk"]}],
        "state": {"does": "fresh"}, "validation": {"passed": true}, "applied": false, "tookMs": 40
    }))
    .unwrap();
    expect![[r#"
        BDC call list (handoff/bdc-list 1.0.0, 9f9f9f9f9f9f) for the group west
        as west-list, new on this host

        It asks for
          nothing

        Event types shared with other rooftops and groups
          shares with east: com.handoff.call.listed.v1  no installation there accepts it
          accepts from north: com.handoff.lead.identified.v1  identity, north-desk

        ✔ the package accepts its config
    "#]]
    .assert_eq(&show::install::report(&report, &style()));
}

#[test]
fn a_trace_marks_deliveries_of_other_scopes() {
    let delivery = |name: &str, scope: &str, shared: bool| json!({"installation": name, "scope": scope, "shared": shared, "state": "waiting"});
    let trace: TraceView = serde_json::from_value(json!({
        "event": {"position": 7, "at": "2026-03-30T17:03:05Z", "id": "a", "source": "/rooftops/north/installations/identity",
                  "type": "com.handoff.lead.identified.v1", "dataBytes": 80, "scope": "north"},
        "deliveries": [
            delivery("north-list", "north", false),
            delivery("west-list", "group:west", false),
            delivery("south-list", "south", true),
            delivery("east-desk", "group:east", true)]
    }))
    .unwrap();
    expect![[r#"
        lead identified #7 from /rooftops/north/installations/identity, 12:03:05 (1 min ago)
        ├─ … north-list: waits
        ├─ … west-list (group:west): waits
        ├─ … south-list (shared with south): waits
        └─ … east-desk (shared with group:east): waits
    "#]]
    .assert_eq(&show::trace::trace(&trace, false, &style()));
}
