//! Tests the format of registries, trust, plans and recalls.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::views::style;
use crate::show;
use crate::style::Style;

/// Renders a view from its wire form. Checks that the text contains no control characters.
fn text<V: DeserializeOwned>(json: Value, render: impl FnOnce(&V, &Style) -> String) -> String {
    let text = render(&serde_json::from_value(json).unwrap(), &style());
    assert!(!text.contains('\u{1b}'), "{text:?}");
    text
}

fn says(text: &str, expected: &[&str]) {
    for words in expected {
        assert!(text.contains(words), "`{words}` is missing:\n{text}");
    }
}

#[test]
fn a_recalled_version_is_shown_with_its_remediation() {
    let warning = json!({
        "kind": "recalled", "message": "acme/leads 1.1.0 was recalled by its publisher: merges \u{1b}[31mstrangers",
        "command": "handoff rollback web-leads",
    });
    let counts = json!({"waiting": 0, "inFlight": 0, "deadLetters": 0, "outboxPending": 0, "timers": 0});
    let list = json!({"installations": [
        {"name": "web-leads", "scope": "main-street", "package": "acme/leads", "version": "1.1.0", "generation": 2,
         "counts": counts, "warnings": [warning]},
    ]});
    let shown = text(list, show::installation::list);
    says(&shown, &["active, recalled", "web-leads: ! acme/leads 1.1.0 was recalled", "do: handoff rollback web-leads"]);
}

#[test]
fn a_plan_says_what_is_done_and_what_is_not() {
    let step = |name: &str, does: &str| json!({"name": name, "package": "acme/leads", "version": "1.1.0", "does": does, "scope": "main"});
    let mut install = step("east", "install");
    install["grants"] = json!(["handle com.acme.lead.v1"]);
    let mut upgrade = step("north", "upgrade");
    upgrade["fromVersion"] = "1.0.0".into();
    upgrade["grants"] = json!(["reach crm: POST on crm.example /leads"]);
    let mut back = step("up", "upgrade");
    back["fromVersion"] = "1.2.0".into();
    let mut other = step("up-too", "reconfigure");
    other["changes"] = json!([{"field": "config.after-minutes", "before": "15", "after": "20"}]);
    other["grantsDropped"] = json!(["make com.acme.lead.v1"]);
    let mut refused = step("south", "reconfigure");
    refused["problem"] = "the settings are not usable: 1 problem".into();
    let plan = json!({
        "steps": [install, upgrade, refused, back, other, step("west", "nothing")],
        "notInLock": ["by-hand"], "code": "0f1e2d3c4b5a", "applied": false,
    });
    let shown = text(plan.clone(), show::lock::plan);
    says(
        &shown,
        &[
            "east  acme/leads 1.1.0: install, at main\n    + may handle com.acme.lead.v1\n",
            "north  acme/leads 1.1.0: upgrade from 1.0.0\n",
            "up  acme/leads 1.1.0: DOWNGRADE from 1.2.0",
            "- may no longer make com.acme.lead.v1",
            "~ config.after-minutes: 15 → 20",
            "+ may reach crm: POST on crm.example /leads",
            "south  acme/leads 1.1.0: cannot be done",
            "✘ the settings are not usable",
            "west  acme/leads 1.1.0: nothing to do",
            "left as they are: by-hand",
            "--approve 0f1e2d3c4b5a",
        ],
    );
    let done = text(plan, show::lock::done);
    says(&done, &["up  acme/leads 1.1.0: put back to an earlier version"]);
    says(&done, &["east  acme/leads 1.1.0: installed", "south  acme/leads 1.1.0: not done"]);
    assert!(!done.contains("west"), "{done}");
}

#[test]
fn keys_are_listed_with_their_status() {
    let id = |digit: &str| format!("sha256:{}", digit.repeat(64));
    let trust = json!({"publishers": [{"publisher": "acme", "keys": [
        {"keyId": id("1"), "publicKey": "x", "addedAt": "2026-01-02T12:00:00Z", "notAfter": "2026-03-01T12:00:00Z"},
        {"keyId": id("2"), "publicKey": "x", "addedAt": "2026-02-02T12:00:00Z", "revokedAt": "2026-03-02T12:00:00Z",
         "reason": "stolen"},
        {"keyId": id("3"), "publicKey": "x", "addedAt": "2026-03-02T12:00:00Z", "introducedBy": id("1")},
    ]}]});
    let shown = text(trust, show::trust::list);
    says(&shown, &["sha256:1111111111111111", "retired", "revoked", ": stolen", "trusted, introduced by"]);
}

#[test]
fn a_package_of_a_registry_shows_its_versions_and_why_not_to_take_one() {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let release = |version: &str, status: &str, note: Option<&str>| {
        json!({"version": version, "digest": digest, "status": status, "note": note, "interface": "1.0.0",
               "publishedAt": "2026-03-30T12:00:00Z"})
    };
    let info = json!({
        "package": "acme/leads", "registry": "https://registry.example", "claimedKeys": ["sha256:1111"], "sequence": 4,
        "releases": [release("1.1.0", "yanked", Some("loses phones")), release("1.0.0", "active", None)],
        "chosen": "1.0.0", "readme": "# Leads\n\n\u{1b}]0;takes leads",
        "offer": {
            "title": "Leads", "summary": "Takes leads.", "stateSchema": 1,
            "asks": [{"kind": "http", "what": "crm: POST on a host that you name /leads", "why": "Posts \u{1b}[1mleads."}],
            "config": [{"field": "crm-url", "kind": "text", "required": true, "about": "Base of the CRM."}],
        },
    });
    let mut withdrawn = info.clone();
    withdrawn["chosen"] = "1.1.0".into();
    let shown = text(withdrawn, show::registry::info);
    says(&shown, &["1.1.0 can no longer be installed"]);
    assert!(!shown.contains("handoff install"), "{shown}");
    let shown = text(info, show::registry::info);
    says(
        &shown,
        &[
            "What 1.0.0 asks for, by its own word",
            "reach   crm: POST on a host that you name /leads",
            "crm-url  text  required",
        ],
    );
    says(
        &shown,
        &["sha256:1111", "yanked: loses phones", "handoff install acme/leads@=1.0.0", "# Leads", "takes leads"],
    );
}

#[test]
fn what_was_published_comes_with_the_command_that_installs_just_that() {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let report = json!({
        "package": "acme/leads", "version": "1.0.1-rc.1", "digest": digest, "registry": "main", "status": "active",
        "keyId": "sha256:1111", "sequence": 3,
    });
    let mut again = report.clone();
    (again["already"], again["signatureAdded"]) = (true.into(), true.into());
    says(
        &text(again, show::registry::published),
        &["added a signature to acme/leads 1.0.1-rc.1", "signed with sha256:1111"],
    );
    says(
        &text(report, show::registry::published),
        &["published acme/leads 1.0.1-rc.1 in main", "handoff install acme/leads@=1.0.1-rc.1 --settings FILE"],
    );
}
