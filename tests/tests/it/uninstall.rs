//! The end of an installation: what waits is shown first, nothing of it runs or is sent afterwards even if the host dies
//! at once, and its history stays.

use handoff_tests::harness::{TestHost, bdc_list, component, eventually};
use handoff_tests::leads::Lead;
use handoff_tests::simulators::crm::{Crm, Mode};
use serde_json::Value;

use crate::lead_path::listed;

/// `bdc-list` with a listed lead, its timer, three requests that the CRM did not answer, and two waiting events.
async fn busy(crm: &Crm) -> (TestHost, u64) {
    let host = TestHost::new().with_lead_handoff(crm).start().await;
    let first = Lead::new(900);
    let position = host.post_lead(&first.adf()).await.expect(202).position();
    listed(crm, &first).await;
    host.quiet().await;
    crm.set(Mode::Down);
    for lead in [902, 904, 906].map(Lead::new) {
        host.post_lead(&lead.adf()).await.expect(202);
    }
    let has = async |name: &str, number: u64| {
        eventually(name, async || (host.counts().await[name] == number).then_some(())).await;
    };
    has("outboxPending", 3).await;
    host.cli(&["pause", "bdc-list"]).await.ok();
    for lead in [908, 910].map(Lead::new) {
        host.post_lead(&lead.adf()).await.expect(202);
    }
    has("waiting", 2).await;
    (host, position)
}

fn lines(host: &TestHost, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(host.folder().join("kept").join(name)).expect(name);
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test]
async fn an_uninstalled_connector_stays_gone_after_a_kill() {
    let crm = Crm::start().await;
    let (mut host, position) = busy(&crm).await;
    let shown = host.cli(&["uninstall", "bdc-list"]).await.exits(5);
    shown.says(&["waiting events", "unsent requests", "timers", "state keys", "may have reached", "--yes"]);
    host.cli(&["show", "bdc-list"]).await.ok();

    let reason = "replaced by another list";
    let args = ["uninstall", "bdc-list", "--export", "kept", "--reason", reason, "--yes"];
    let report = host.cli_json(&args).await;
    host.kill();
    let removed = &report["removed"];
    assert_eq!((&removed["events"], &removed["requests"]), (&2.into(), &3.into()), "{report:#}");
    assert_eq!(
        report["perhapsSent"].as_array().map(Vec::len),
        removed["requestsPerhapsSent"].as_u64().map(|n| n as usize)
    );
    assert!(removed["timers"].as_u64() >= Some(1) && removed["stateKeys"].as_u64() >= Some(1), "{report:#}");
    assert_eq!((lines(&host, "events.jsonl").len(), lines(&host, "requests.jsonl").len()), (2, 3));
    assert_eq!(lines(&host, "state.jsonl").len() as u64, removed["stateKeys"].as_u64().unwrap_or_default());

    // The history is readable, also while the host is stopped.
    host.cli(&["history", "bdc-list"]).await.ok().says(&["uninstalled", reason]);
    host.start_again().await;
    let before = crm.ledger().entries.len();
    crm.set(Mode::Healthy);
    host.cli(&["show", "bdc-list"]).await.exits(3);
    assert_eq!(host.counts().await["outboxPending"], 0);
    let audit = host.cli_json(&["audit", "--installation", "bdc-list", "--limit", "1"]).await;
    assert_eq!(
        (&audit["entries"][0]["action"], &audit["entries"][0]["detail"]["reason"]),
        (&"uninstall".into(), &reason.into())
    );
    let trace = host.cli(&["trace", &position.to_string()]).await.ok();
    trace.says(&["bdc-list: done"]);
    let position = host.post_lead(&Lead::new(912).adf()).await.expect(202).position();
    host.quiet().await;
    assert!(!host.trace(position).await.to_string().contains("bdc-list"), "it receives nothing");
    assert_eq!(crm.ledger().entries.len(), before, "nothing of it was sent");

    // A new one of the name starts without state.
    host.install("bdc-list", &component("bdc-list"), &bdc_list(&crm)).await.ok();
    let new = host.cli_json(&["show", "bdc-list"]).await;
    assert_eq!((&new["generation"], &new["counts"]["waiting"]), (&1.into(), &0.into()), "{new:#}");
    let lead = Lead::new(914);
    host.post_lead(&lead.adf()).await.expect(202);
    listed(&crm, &lead).await;
    let history = host.cli_json(&["history", "bdc-list"]).await;
    assert_eq!(history["earlier"][0]["uninstalled"]["reason"], reason, "{history:#}");
    host.cli(&["audit", "verify"]).await.ok();
}

#[tokio::test]
async fn a_stopped_host_uninstalls_too_and_its_list_says_that_it_is_stopped() {
    let crm = Crm::start().await;
    let (mut host, _) = busy(&crm).await;
    assert_eq!(host.cli_json(&["list"]).await["host"], "ready");
    host.stop().await;
    let (list, status) = (host.cli(&["list"]).await, host.cli(&["status"]).await);
    assert_eq!(list.code, status.code, "{list}");
    list.says(&["the host is stopped"]);
    assert_eq!(host.cli(&["list", "--json"]).await.json()["host"], "stopped");
    host.cli(&["uninstall", "bdc-list", "--yes"]).await.ok().says(&["is uninstalled", "handoff history bdc-list"]);
    host.cli(&["uninstall", "bdc-list", "--yes"]).await.exits(3);
    host.start_again().await;
    host.cli(&["show", "bdc-list"]).await.exits(3);
}
