//! Shadow runs of recorded deliveries: the same result with the same version, differences with another one, and no
//! effects in any case.

mod candidates;

use std::os::unix::fs::PermissionsExt as _;

use handoff_sdk::testkit::TestCase;
use handoff_tests::harness::{SOON, TestHost, bdc_list, component, restamped, web_leads};
use handoff_tests::leads::Lead;
use handoff_tests::simulators::crm::{API_KEY, Crm};
use serde_json::{Value, json};
use tally::{Act, ENTRY, Entry, Tally};
use toml::toml;

use crate::lead_path::listed_once;

const NAMES: [&str; 3] = ["web-leads", "identity", "bdc-list"];

/// A host that has handled some leads, one of them twice.
async fn with_leads(crm: &Crm) -> TestHost {
    let host = TestHost::new().with_lead_handoff(crm).start().await;
    let leads: Vec<Lead> = (900..906).map(Lead::new).collect();
    for lead in &leads {
        host.post_lead(&lead.adf()).await.expect(202);
    }
    listed_once(crm, &leads, SOON).await;
    host.post_lead(&leads[0].resent("Hello?").adf()).await.expect(202);
    host.quiet().await;
    host
}

async fn shadow(host: &TestHost, args: &[&str]) -> Value {
    host.cli_json(&[&["shadow"], args].concat()).await
}

/// What must not change.
async fn outside(host: &TestHost, crm: &Crm) -> (Value, Value, usize) {
    let status = host.status().await;
    (status["lastPosition"].clone(), status["counts"].clone(), crm.ledger().requests.len())
}

#[tokio::test]
async fn a_shadow_run_shows_exactly_the_differences() {
    let crm = Crm::start().await;
    let host = with_leads(&crm).await;
    let before = outside(&host, &crm).await;
    for name in NAMES {
        for last in ["1000", "3"] {
            let view = shadow(&host, &[name, "--last", last]).await;
            let counts = &view["deliveries"];
            assert!(counts["ran"].as_u64().is_some_and(|ran| ran >= 3), "{view:#}");
            assert_eq!(counts["ran"], counts["same"], "{view:#}");
            assert_eq!((&counts["stateAssumed"], &counts["notRecorded"]), (&0.into(), &0.into()), "{view:#}");
        }
    }
    // The same code as another package, and with another CRM.
    let newer = restamped("bdc-list", "1.1.0", host.folder()).display().to_string();
    let same = shadow(&host, &["bdc-list", &newer, "--since", "1h"]).await;
    assert_eq!(
        (&same["candidate"]["version"], &same["deliveries"]["different"]),
        (&"1.1.0".into(), &0.into()),
        "{same:#}"
    );
    let other = Crm::start().await;
    let settings = host.write_settings("other", &bdc_list(&other));
    let view = shadow(&host, &["bdc-list", &newer, "-s", &settings, "--last", "1000"]).await;
    let groups = view["differences"].as_array().expect("groups");
    for group in groups {
        assert_eq!((&group["kind"], &group["change"]), (&"request".into(), &"changed".into()), "{view:#}");
        assert_eq!(group["examples"][0]["fields"][0]["path"], "url", "{view:#}");
        assert_eq!(group["examples"][0]["fields"].as_array().map(Vec::len), Some(1), "{view:#}");
    }
    assert_eq!(groups[0]["examples"].as_array().map(Vec::len), Some(3), "{view:#}");
    let changed: u64 = groups.iter().filter_map(|group| group["count"].as_u64()).sum();
    assert_eq!(changed, 7, "one request per lead, and one for the resend: {view:#}");

    // A version that refuses everything: each delivery has another outcome.
    let mut bad = web_leads(&host.inbox());
    bad["config"]["accepted-vendor-ids"] = vec!["NOBODY"].into();
    let settings = host.write_settings("bad", &bad);
    let view = shadow(&host, &["web-leads", "-s", &settings]).await;
    assert_eq!(view["differences"][0]["kind"], "outcome", "{view:#}");
    assert_eq!(view["deliveries"]["different"], view["deliveries"]["ran"], "{view:#}");
    host.cli(&["shadow", "web-leads", "-s", &settings]).await.ok().says(&["lead-for-other-vendor", "7 different"]);

    assert_eq!(outside(&host, &crm).await, before, "a shadow run must have no effects");
    assert_eq!(other.ledger().requests.len(), 0);
    host.cli(&["shadow", "nobody"]).await.exits(3);
    host.cli(&["shadow", "web-leads", "9.9.9"]).await.exits(3);
    let identity = component("identity").display().to_string();
    host.cli(&["shadow", "web-leads", &identity]).await.exits(5);
}

#[tokio::test]
async fn a_replay_equals_its_recording_and_exports_without_secrets() {
    let crm = Crm::start().await;
    let host = with_leads(&crm).await;
    let mut replayed = 0;
    let list = host.cli_json(&["events", "--limit", "1000"]).await;
    for event in list["events"].as_array().into_iter().flatten() {
        let position = event["position"].to_string();
        for route in event["routes"].as_array().into_iter().flatten() {
            let name = route["installation"].as_str().expect("a name");
            let args = ["replay", &position, "--installation", name, "--export", "cases", "--unmasked"];
            let view = host.cli_json(&args).await;
            assert_eq!((&view["same"], &view["exact"]), (&true.into(), &true.into()), "{view:#}");
            replayed += 1;
        }
    }
    assert!(replayed >= 20, "{replayed} deliveries");
    for case in std::fs::read_dir(host.folder().join("cases")).expect("cases").flatten() {
        for file in ["case.json", "expected.json"] {
            let path = case.path().join(file);
            let mode = path.metadata().expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "a case contains customer data and must be private");
            assert!(!std::fs::read_to_string(&path).expect("a case").contains(API_KEY), "{}", path.display());
        }
    }
    assert_eq!(TestCase::load_all(host.folder().join("cases")).len(), replayed);
}

#[tokio::test]
async fn an_exported_delivery_runs_in_the_test_kit() {
    let settings = toml! {
        rooftop = "main-street"

        [config]

        [grants]
        accepts = ["com.example.tally.entry.v1", "com.example.tally.rung.v1", "com.example.tally.report-wanted.v1"]
    };
    let host = TestHost::new().with_connector("tally", component("tally"), settings).start().await;
    let mut positions = Vec::new();
    let acts = [Act::Count, Act::Ring, Act::Reject, Act::Retry, Act::Trap, Act::Count];
    for (number, act) in (1..).zip(acts) {
        let entry = Entry { key: "k1".to_owned(), number, act, pad: String::new() };
        let data = serde_json::to_value(&entry).expect("JSON");
        positions.push((act, host.post_data(ENTRY, &format!("e{number}"), &data).await.position()));
        host.quiet().await;
    }
    host.post_data("com.example.tally.report-wanted.v1", "report", &json!({})).await;
    host.quiet().await;
    for (act, position) in &positions {
        for attempt in if matches!(act, Act::Retry | Act::Trap) { vec![1, 2] } else { vec![1] } {
            let (position, attempt) = (position.to_string(), attempt.to_string());
            let args = ["replay", &position, "--attempt", &attempt, "--export", "cases", "--unmasked"];
            let view = host.cli_json(&args).await;
            let was_there = (&view["same"], &view["exact"], &view["stateAssumed"]);
            assert_eq!(was_there, (&true.into(), &true.into(), &false.into()), "{act:?} {view:#}");
        }
    }
    let cases = TestCase::load_all(host.folder().join("cases"));
    assert_eq!(cases.len(), 8);
    for (name, case) in &cases {
        assert_eq!(case.run::<Tally>().differences, Vec::<String>::new(), "{name}");
    }
    // The same cases run on the built component.
    let tally = component("tally").display().to_string();
    let report = host.cli_json(&["test", "--component", &tally]).await;
    assert_eq!((&report["passed"], &report["failed"]), (&8.into(), &0.into()), "{report:#}");
    // A case can fail.
    let (name, _) = &cases[0];
    let path = host.folder().join("cases").join(name).join("expected.json");
    let text = std::fs::read_to_string(&path).expect("a case");
    let changed = text.replace("\"count\": 1", "\"count\": 2");
    assert_ne!(text, changed, "{text}");
    std::fs::write(&path, changed).expect("written");
    assert!(!TestCase::load(path.parent().expect("a folder")).run::<Tally>().differences.is_empty());
    let failed = host.cli(&["test", "--component", &tally, "--case", name]).await.exits(1);
    failed.says(&["deliveries[0].commit.", ".count", "expected 2", "actual   1"]);
}
