//! Tests the format of upgrade reports, history and audit log, and which texts are versions.

use expect_test::{Expect, expect};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::args::Wanted;
use crate::show;
use crate::style::{Style, Zone};
use handoff_model::time::Timestamp;

/// Renders a view from its wire form, so that it tests parsing and rendering together.
fn check<V: DeserializeOwned>(json: Value, render: impl FnOnce(&V, &Style) -> String, expected: Expect) {
    let now = Timestamp::parse_rfc3339("2026-03-30T17:05:00Z").unwrap();
    let style = Style { colour: false, width: Some(140), now, zone: Zone::Named(chrono_tz::America::Chicago) };
    expected.assert_eq(&render(&serde_json::from_value(json).unwrap(), &style));
}

fn report() -> Value {
    json!({
        "name": "bdc-list", "scope": "main-street", "package": "handoff/bdc-list", "title": "BDC call list",
        "version": "2.0.0", "digest": format!("sha256:{}", "9f".repeat(32)), "kind": "upgrade", "generation": 4,
        "replaces": {"generation": 3, "version": "1.4.0"}, "asks": [],
        "state": {"does": "migrate", "from": 1, "to": 2}, "validation": {"passed": true},
        "warnings": ["it is deprecated: use 2.0.1"], "applied": false, "tookMs": 40,
        "origin": {"kind": "registry", "registry": "main", "reference": "registry.example/handoff/bdc-list@sha256:ab"},
        "signer": {"publisher": "handoff", "keyId": "sha256:0123456789abcdef"},
        "interface": {"builtFor": "handoff:connector@1.0.0", "offered": "handoff:connector@1.0.0", "newer": false},
        "grantsAdded": [{"kind": "emit", "what": "com.handoff.call.lost.v1"},
                        {"kind": "http", "what": "crm: DELETE https://crm.example/call-list/entries/*"}],
        "grantsDropped": [{"kind": "accept", "what": "com.handoff.call.due.v1"}],
        "config": {"hasSchema": true,
                   "problems": [{"field": "config.escalations[0].to", "detail": "is missing; this version requires it"}],
                   "changes": [{"field": "default-queue", "before": "bdc", "after": "sales\u{1b}[31m"}, {"field": "auth", "after": "crm"}]},
        "approvalCode": "4f1c92ab03de",
        "needsApproval": ["it may do 2 things that the active generation may not"],
    })
}

#[test]
fn the_report_of_an_upgrade_has_everything_on_one_screen() {
    check(
        report(),
        show::upgrade::report,
        expect![[r#"
            BDC call list (handoff/bdc-list 2.0.0, 9f9f9f9f9f9f) at main-street
            as bdc-list, in place of 1.4.0 (generation 3 → 4)

              from       main (registry.example/handoff/bdc-list@sha256:ab), signed by handoff with sha256:0123456789abcdef
              built for  handoff:connector@1.0.0
              state      rewritten from schema 1 to 2 while events wait; a rollback puts it back
              config     1 field does not fit the version's schema

            It may do more
              + make    com.handoff.call.lost.v1
              + reach   crm: DELETE https://crm.example/call-list/entries/*

            It may no longer
              - handle  com.handoff.call.due.v1

            The config does not fit
              config.escalations[0].to: is missing; this version requires it

            Settings that change
              default-queue: bdc → sales\u{1b}[31m
              auth: crm (new)

            ✔ the package accepts its config
            ! it is deprecated: use 2.0.1
            ! it may do 2 things that the active generation may not: to agree to exactly this, --approve 4f1c92ab03de
        "#]],
    );
    let mut done = report();
    done["keysMigrated"] = 1_204.into();
    check(
        done,
        show::upgrade::done,
        expect![[r#"
            upgraded bdc-list: handoff/bdc-list 2.0.0, generation 4, in 40 ms
              back to 1.4.0: handoff rollback bdc-list
              1204 records rewritten from schema 1 to 2
        "#]],
    );
}

#[test]
fn history_marks_what_is_active_previous_and_quarantined() {
    let generation = |number: u64, version: &str, kind: &str| {
        json!({"generation": number, "version": version, "digest": "sha256:ab", "stateSchema": 1, "active": false,
               "at": "2026-03-30T16:00:00Z", "by": "maria", "kind": kind, "origin": {"kind": "file"}})
    };
    let mut generations = vec![
        generation(4, "1.0.0", "rollback"),
        generation(3, "1.1.0", "upgrade"),
        generation(2, "1.0.0", "reconfigure"),
        generation(1, "1.0.0", "install"),
    ];
    generations[0]["active"] = true.into();
    generations[0]["restores"] = 2.into();
    generations[0]["from"] = 3.into();
    generations[0]["reason"] = "leads are refused".into();
    generations[1]["quarantined"] = true.into();
    generations[1]["from"] = 2.into();
    generations[1]["origin"] = json!({"kind": "registry", "registry": "main", "reference": "x"});
    generations[1]["signer"] = json!({"publisher": "handoff", "keyId": "sha256:ab"});
    generations[2]["from"] = 1.into();
    generations[3]["previous"] = true.into();
    generations[3].as_object_mut().unwrap().remove("origin");
    check(
        json!({"name": "web-leads", "package": "handoff/adf-leads", "generations": generations}),
        show::history::history,
        expect![[r#"
            web-leads (handoff/adf-leads)
            gen  version              made      how                 by     from
              4  1.0.0 (active)       11:00:00  rollback of 3 to 2  maria  file, no signature
                 leads are refused
              3  1.1.0 (quarantined)  11:00:00  upgrade of 2        maria  main, signed by handoff
              2  1.0.0                11:00:00  settings of 1       maria  file, no signature
              1  1.0.0 (previous)     11:00:00  install             maria  not kept
        "#]],
    );
}

#[test]
fn the_audit_chain_says_what_changed() {
    let entry = |number: u64, action: &str, detail: Value| {
        json!({"number": number, "at": "2026-03-30T16:00:00Z", "by": "maria", "action": action, "subject": "web-leads",
               "detail": detail, "before": "00".repeat(32), "hash": "ab".repeat(32)})
    };
    let changes = |before: Value, after: &str| {
        json!({"version": {"before": before, "after": after}, "config": [{"field": "remember-days", "before": "180", "after": "90"}],
               "grantsAdded": ["com.example.a.v1"], "grantsDropped": [], "state": {"does": "migrate", "from": 1, "to": 2}})
    };
    let head = json!({"number": 9, "hash": "ab".repeat(32)});
    check(
        json!({"entries": [
            entry(7, "install", json!({"version": "1.0.0", "changes": changes(Value::Null, "1.0.0")})),
            entry(8, "upgrade", json!({"version": "1.1.0", "note": "new rules", "changes": changes("1.0.0".into(), "1.1.0")})),
            entry(9, "automatic-rollback", json!({"version": "1.0.0", "note": "too many failures"})),
        ], "more": true, "head": head}),
        show::history::audit,
        expect![[r#"
            no  at        by     did                 to         hash
             7  11:00:00  maria  install             web-leads  abababababab
                1.0.0; + com.example.a.v1; state 1 → 2
             8  11:00:00  maria  upgrade             web-leads  abababababab
                1.0.0 → 1.1.0; “new rules”; remember-days: 180 → 90; + com.example.a.v1; state 1 → 2
             9  11:00:00  maria  automatic rollback  web-leads  abababababab
                1.0.0; “too many failures”
            more: --after 9
            head 9 abababababababababababababababababababababababababababababababab
        "#]],
    );
    check(
        json!({"sound": true, "entries": 9, "head": head, "foundAt": 7}),
        show::history::verdict,
        expect![[r#"
            ✔ 9 entries, each follows from the one before; the hash is entry 7's
              head abababababababababababababababababababababababababababababababab
        "#]],
    );
    check(
        json!({"sound": false, "entries": 6, "head": head, "problem": "entry 7: its hash is not the one of its content"}),
        show::history::verdict,
        expect![[r#"
            ✘ the record does not hold: entry 7: its hash is not the one of its content
              6 before that hold, head abababababababababababababababababababababababababababababababab
        "#]],
    );
}

#[test]
fn a_version_is_told_from_a_file() {
    for version in ["1.2.0", "^1.2", "~1.2.3", ">=1, <2", "*", "1"] {
        assert_eq!(version.parse(), Ok(Wanted::Version(version.to_owned())));
    }
    for file in ["leads.wasm", "./1.2.0", "/tmp/1", "1.2.0.wasm"] {
        assert_eq!(file.parse(), Ok(Wanted::File(file.into())));
    }
    assert!("leads".parse::<Wanted>().unwrap_err().contains("neither a package's file nor a version"));
}
