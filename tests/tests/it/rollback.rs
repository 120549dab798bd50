//! Rolling back to the previous version: at once, running or stopped, without losses.

mod again;
mod many;
mod undo;

use std::cell::{Cell, RefCell};

use handoff_tests::harness::{SOON, TestHost, component, restamped, web_leads};
use handoff_tests::leads::Lead;
use handoff_tests::simulators::crm::Crm;
use serde_json::Value;
use toml::Table;

use crate::lead_path::{deliveries, listed, listed_once};

/// Settings with which the connector refuses every lead: a simulated bad release.
fn bad(host: &TestHost) -> Table {
    let mut settings = web_leads(&host.inbox());
    settings["config"]["accepted-vendor-ids"] = vec!["NOBODY"].into();
    settings
}

async fn upgraded_to_a_bad_version(crm: &Crm) -> (TestHost, Lead, Lead, u64) {
    let host = TestHost::new().with_lead_handoff(crm).start().await;
    let (before, hit) = (Lead::new(800), Lead::new(801));
    host.post_lead(&before.adf()).await.expect(202);
    listed(crm, &before).await;
    let newer = restamped("adf-leads", "1.1.0", host.folder());
    let report = host.install("web-leads", &newer, &bad(&host)).await.ok();
    report.says(&["1.1.0"]);
    let shown = host.cli_json(&["show", "web-leads"]).await;
    assert_eq!((&shown["generation"], &shown["version"]), (&2.into(), &"1.1.0".into()));
    assert_eq!(shown["generations"].as_array().map(Vec::len), Some(2));
    let position = host.post_lead(&hit.adf()).await.expect(202).position();
    host.wait_dead_letters(1).await;
    (host, before, hit, position)
}

fn generations_of_attempts(trace: &Value) -> Vec<(u64, String)> {
    let attempts = deliveries(trace)[0]["attempts"].as_array().cloned().unwrap_or_default();
    let read =
        |one: &Value| (one["generation"].as_u64().unwrap_or(0), one["outcome"].as_str().unwrap_or("").to_owned());
    attempts.iter().map(read).collect()
}

#[tokio::test]
async fn a_rollback_redrives_what_the_bad_version_refused() {
    let crm = Crm::start().await;
    let (host, before, hit, position) = upgraded_to_a_bad_version(&crm).await;
    let report = host.cli_json(&["rollback", "web-leads", "--reason", "leads are refused"]).await;
    assert_eq!((&report["newGeneration"], &report["to"]["version"]), (&3.into(), &"1.0.0".into()), "{report:#}");
    assert_eq!((&report["deadLettersRedriven"], &report["hostRunning"]), (&1.into(), &true.into()), "{report:#}");
    assert!(report["tookMs"].as_u64().is_some_and(|ms| ms < 1_000), "{report:#}");

    listed_once(&crm, &[before, hit], SOON).await;
    let trace = host.trace(position).await;
    assert_eq!(generations_of_attempts(&trace), [(2, "failed".to_owned())], "{trace:#}");
    let trace = host.last_trace(position).await;
    assert_eq!(generations_of_attempts(&trace), [(3, "committed".to_owned())], "{trace:#}");
    let shown = host.cli_json(&["show", "web-leads"]).await;
    assert_eq!((&shown["generation"], &shown["version"]), (&3.into(), &"1.0.0".into()));
    let left = shown["generations"].as_array().into_iter().flatten().find(|one| one["generation"] == 2).cloned();
    assert_eq!(left.expect("generation 2")["quarantined"], true, "{shown:#}");

    // The version that the rollback left does not come back by itself.
    let newer = host.folder().join("adf-leads-1.1.0.wasm");
    let again = host.install("web-leads", &newer, &bad(&host)).await.exits(5);
    again.says(&["--force"]);
    host.cli(&["rollback", "nobody"]).await.exits(3);
}

#[tokio::test]
async fn a_rollback_of_a_stopped_host_is_active_after_the_start() {
    let crm = Crm::start().await;
    let (mut host, before, hit, position) = upgraded_to_a_bad_version(&crm).await;
    host.kill();
    let report = host.cli_json(&["rollback", "web-leads", "--reason", "leads are refused"]).await;
    assert_eq!((&report["newGeneration"], &report["hostRunning"]), (&3.into(), &false.into()), "{report:#}");
    host.start_again().await;
    listed_once(&crm, &[before, hit], SOON).await;
    assert_eq!(generations_of_attempts(&host.last_trace(position).await), [(3, "committed".to_owned())]);
}

#[tokio::test]
async fn every_lead_is_listed_once_across_upgrade_and_rollback() {
    let crm = Crm::start().await;
    // Leads arrive as fast as they are accepted.
    let wide = "client-per-second = 1000000\nclient-burst = 1000000\nhook-per-second = 1000000\nhook-burst = 1000000\n";
    let host = TestHost::new().ingress(&format!("[ingress.rate]\n{wide}")).with_lead_handoff(&crm).start().await;
    let newer = restamped("adf-leads", "1.1.0", host.folder());
    let (good, package) = (web_leads(&host.inbox()), component("adf-leads"));
    let (changed, listing) = (Cell::new(false), RefCell::new(Vec::new()));
    let posting = async {
        for lead in (820..).map(Lead::new) {
            host.post_lead(&lead.adf()).await.expect(202);
            listing.borrow_mut().push(lead);
            if changed.get() {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    let changing = async {
        host.install("web-leads", &newer, &bad(&host)).await.ok();
        host.wait_dead_letters(1).await;
        host.cli(&["rollback", "web-leads"]).await.ok();
        host.install("web-leads", &package, &good).await.ok();
        changed.set(true);
    };
    tokio::join!(posting, changing);
    let leads = listing.into_inner();
    listed_once(&crm, &leads, SOON).await;
    host.quiet().await;
    assert!(host.dead_letters().await.is_empty(), "the refused events must be redriven");
    let mut refused = 0;
    for event in host.events("com.handoff.hook.received.v1").await {
        let position = event["position"].as_u64().expect("a position");
        let last = generations_of_attempts(&host.last_trace(position).await);
        let committed: Vec<u64> = last.iter().filter(|one| one.1 == "committed").map(|one| one.0).collect();
        assert!(
            matches!(committed[..], [1 | 3 | 4]),
            "each event needs one commit, and none by the bad version: {last:?}"
        );
        refused += u64::from(event["routes"][0]["state"] == "redriven");
    }
    assert!(refused >= 1, "the bad version must have been active");
}
