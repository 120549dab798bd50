//! A failing upgrade is rolled back automatically: once, with an incident, and never against a person's decision.

use handoff_tests::harness::{SOON, TestHost, component, eventually, restamped, web_leads};
use handoff_tests::leads::Lead;
use handoff_tests::simulators::crm::Crm;
use serde_json::Value;

use crate::lead_path::listed_once;
use crate::upgrade::migration::{keeper, tell};

/// Leads of a sister store: the bad version refuses them.
const SISTER: &str = "MS-02";

async fn post(host: &TestHost, number: u64) -> Lead {
    let lead = Lead::new(number);
    let document = if number.is_multiple_of(2) { lead.adf() } else { lead.adf().replace("MS-01", SISTER) };
    host.post_lead(&document).await.expect(202);
    lead
}

async fn show(host: &TestHost) -> Value {
    host.cli_json(&["show", "web-leads"]).await
}

#[tokio::test]
async fn a_version_that_fails_every_other_event_is_rolled_back_once() {
    let crm = Crm::start().await;
    let mut host = TestHost::new().config("[probation]\nenabled = true\n").with_lead_handoff(&crm).start().await;
    // Both stores' leads are accepted so far.
    let mut good = web_leads(&host.inbox());
    good["config"]["accepted-vendor-ids"] = vec!["MS-01", SISTER].into();
    host.install("web-leads", &component("adf-leads"), &good).await.ok();
    let mut leads = Vec::new();
    for number in 1_000..1_060 {
        leads.push(post(&host, number).await);
    }
    host.quiet().await;
    let newer = restamped("adf-leads", "1.1.0", host.folder());
    let mut bad = good.clone();
    bad["config"]["accepted-vendor-ids"] = vec!["MS-01"].into();
    host.install("web-leads", &newer, &bad).await.ok();
    eventually("a probation", async || (show(&host).await["probation"]["state"] == "watching").then_some(())).await;
    assert_eq!(show(&host).await["probation"]["baselineDeliveries"], 60);
    // Too few to be significant; and the baseline survives a restart.
    for number in 1_060..1_066 {
        leads.push(post(&host, number).await);
    }
    host.wait_dead_letters(3).await;
    host.kill();
    host.start_again().await;
    assert_eq!(show(&host).await["probation"]["baselineDeliveries"], 60);
    assert_eq!(show(&host).await["generation"], 3);

    for number in 1_066..1_126 {
        leads.push(post(&host, number).await);
    }
    eventually("generation 4", async || (show(&host).await["generation"] == 4).then_some(())).await;
    let shown = show(&host).await;
    assert_eq!(shown["version"], "1.0.0", "{shown:#}");
    let made = &shown["generations"][0];
    assert_eq!((&made["kind"], &made["by"]), (&"rollback".into(), &"handoff".into()), "{shown:#}");
    listed_once(&crm, &leads, SOON).await;
    host.quiet().await;
    assert!(host.dead_letters().await.is_empty(), "the refused events must be redriven");

    let list = host.cli_json(&["incidents"]).await;
    let incidents = list["incidents"].as_array().expect("a list");
    assert_eq!(incidents.len(), 1, "{list:#}");
    let incident = &incidents[0];
    assert_eq!((&incident["kind"], &incident["installation"]), (&"automatic-rollback".into(), &"web-leads".into()));
    assert_eq!(incident["evidence"]["evidence"]["rule"], "failures", "{list:#}");
    host.cli(&["incidents"]).await.ok().says(&["the host rolled 1.1.0 back to 1.0.0", "deliveries failed"]);
    let id = incident["id"].as_str().expect("an id");
    host.cli(&["incidents", "close", id, "--reason", "fixed in 1.1.1"]).await.ok();
    host.cli(&["incidents", "close", id]).await.exits(3);
    assert_eq!(host.cli_json(&["incidents"]).await["incidents"], Value::Array(Vec::new()));
    // It stays there: there is no probation after a rollback.
    assert_eq!(show(&host).await["generation"], 4);
    assert_eq!(show(&host).await["probation"], Value::Null);
}

/// No delivery ends: none reaches its deadline within the test.
#[tokio::test]
async fn a_hanging_version_is_rolled_back_while_deliveries_run() {
    let config = "[limits.call]\ndeadline-ms = 600000\n[probation]\nenabled = true\n";
    let host = TestHost::new().config(config).engine("concurrency-per-installation = 12\n").start().await;
    let settings: toml::Table = "rooftop = \"main-street\"".parse().expect("settings");
    host.install("keeper", keeper(host.folder(), "1.0.0", 1).as_ref(), &settings).await.ok();
    for number in 0..12 {
        tell(&host, &format!("good-{number}"), "set a b").await;
    }
    host.quiet().await;
    host.install("keeper", keeper(host.folder(), "1.1.0", 1).as_ref(), &settings).await.ok();
    let show = async || host.cli_json(&["show", "keeper"]).await;
    eventually("a probation", async || (show().await["probation"]["state"] == "watching").then_some(())).await;
    for number in 0..12 {
        tell(&host, &format!("bad-{number}"), "loop").await;
    }
    eventually("generation 3", async || (show().await["generation"] == 3).then_some(())).await;
    assert_eq!(show().await["version"], "1.0.0");
    let incident = eventually("an incident", async || {
        host.cli_json(&["incidents"]).await["incidents"].as_array().and_then(|list| list.first().cloned())
    })
    .await;
    let evidence = &incident["evidence"]["evidence"];
    assert_eq!((&evidence["rule"], &evidence["now"]["deliveries"]), (&"latency".into(), &0.into()), "{incident:#}");
    assert!(evidence["running"].as_u64().is_some_and(|running| running >= 5), "{incident:#}");
    host.cli(&["incidents"]).await.ok().says(&["had not ended by then"]);
}

/// Three events an hour, as at a small store, with a restart in between: hours pass by the clock that the test moves.
#[tokio::test]
async fn at_three_events_an_hour_a_crash_is_found_within_ten_events() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = folder.path().join("clock");
    std::fs::write(&clock, "2026-03-31T14:00:00Z").expect("the clock's file");
    let builder = TestHost::new().environment("HANDOFF_TEST_CLOCK", &clock.display().to_string());
    let mut host = builder.config("[probation]\nenabled = true\n").start().await;
    let settings: toml::Table = "rooftop = \"main-street\"".parse().expect("settings");
    host.install("keeper", keeper(host.folder(), "1.0.0", 1).as_ref(), &settings).await.ok();
    for number in 0..20 {
        tell(&host, &format!("good-{number}"), "set a b").await;
    }
    host.quiet().await;
    host.install("keeper", keeper(host.folder(), "1.1.0", 1).as_ref(), &settings).await.ok();
    let generation = async |host: &TestHost| host.cli_json(&["show", "keeper"]).await["generation"].clone();
    let failures = async |host: &TestHost| host.cli_json(&["show", "keeper"]).await["probation"]["deliveries"].clone();
    let mut bad = 0;
    while generation(&host).await == 2 {
        bad += 1;
        assert!(bad <= 10, "not found within ten events");
        tell(&host, &format!("bad-{bad}"), "panic").await;
        eventually("an attempt", async || (failures(&host).await == bad || generation(&host).await != 2).then_some(()))
            .await;
        if bad == 3 {
            host.kill();
            host.start_again().await;
            assert_eq!(failures(&host).await, 3, "a restart forgets nothing");
        }
        host.cli(&["clock", "+20m"]).await.ok();
    }
    let shown = host.cli_json(&["show", "keeper"]).await;
    assert_eq!((&shown["version"], &shown["generations"][0]["by"]), (&"1.0.0".into(), &"handoff".into()), "{shown:#}");
    host.cli(&["incidents"]).await.ok().says(&["deliveries crashed, 0 of 20 before"]);
}
