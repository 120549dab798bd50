//! Rolling back a release that stores wrong state and sends wrong requests with one command: its state is restored, its
//! requests are held, and the previous version handles the events again.

use std::time::Duration;

use bad_release::{Fault, MARK};
use handoff_model::actor::Actor;
use handoff_model::installation::GenerationReason;
use handoff_model::names::{Generation, InstallationName};
use handoff_model::time::{Clock as _, SystemClock};
use handoff_store::{Leave, NewGeneration, Store, StoreOptions};
use handoff_tests::harness::{SOON, TestHost, bad_release, bdc_list, eventually};
use handoff_tests::leads::Lead;
use handoff_tests::simulators::crm::{Crm, Ledger, Mode};
use serde_json::Value;

use crate::lead_path::{listed, listed_once};

/// Leads that the bad release handles.
const HIT: u64 = 4;

/// One lead is listed; the others are with the bad release, whose requests a slow CRM has not answered.
async fn active_bad_release(crm: &Crm, fault: Fault) -> (TestHost, Vec<Lead>) {
    let host = TestHost::new().with_lead_handoff(crm).start().await;
    let leads: Vec<Lead> = (900..=900 + HIT).map(Lead::new).collect();
    host.post_lead(&leads[0].adf()).await.expect(202);
    listed(crm, &leads[0]).await;
    host.quiet().await;
    crm.set(Mode::Slow(Duration::from_secs(120)));
    host.install("bdc-list", &bad_release(fault, host.folder()), &bdc_list(crm)).await.ok();
    for lead in &leads[1..] {
        host.post_lead(&lead.adf()).await.expect(202);
    }
    eventually("requests of the bad release", async || {
        let counts = host.counts().await;
        (counts["outboxPending"] == HIT && counts["waiting"] == 0).then_some(())
    })
    .await;
    (host, leads)
}

fn numbers<const N: usize>(report: &Value, names: [&str; N]) -> [u64; N] {
    names
        .map(|name| report.pointer(&format!("/{name}")).and_then(Value::as_u64).unwrap_or_else(|| panic!("{report:#}")))
}

/// Every lead is listed once by 1.0.0, nothing of 1.1.0 is left, and no work remains for a person.
async fn as_if_never_installed(mut host: TestHost, crm: &Crm, leads: &[Lead]) {
    crm.set(Mode::Healthy);
    listed_once(crm, leads, SOON).await;
    let wrong = crm.ledger().requests.iter().filter(|request| request.body.to_string().contains(MARK)).count();
    assert_eq!(wrong, 0, "the CRM must not receive requests of the bad release");
    host.quiet().await;
    let held = host.cli_json(&["outbox", "--state", "held"]).await;
    assert_eq!(
        held["requests"].as_array().map(Vec::len),
        Some(0),
        "requests of 1.0.0 must have replaced them: {held:#}"
    );
    assert!(host.dead_letters().await.is_empty());
    host.stop().await;
    let store = Store::open(StoreOptions::new(host.folder().join("data"))).expect("the host's store");
    let id = store.installation(&name()).expect("installed").id;
    let rows = store.state_scan(id, "", None, 1_000).expect("its state");
    store.close();
    let calls = rows.iter().filter(|(key, _)| key.starts_with("call/")).count();
    assert_eq!(calls, leads.len());
    for (key, value) in rows {
        let row = String::from_utf8_lossy(&value);
        let is_known = key.starts_with("call/") || key.starts_with("entry/");
        assert!(
            is_known && !row.contains(MARK) && !row.contains("nobody"),
            "{key} was written by the bad release: {row}"
        );
    }
}

fn name() -> InstallationName {
    "bdc-list".parse().expect("a name")
}

#[tokio::test]
async fn a_running_host_undoes_state_and_requests_of_a_bad_release() {
    let crm = Crm::start().await;
    let (host, leads) = active_bad_release(&crm, Fault::WrongRequests).await;
    let dry = host.cli_json(&["rollback", "bdc-list", "--restore-state", "--replay", "--dry-run"]).await;
    assert_eq!((&dry["applied"], &dry["state"]["does"]), (&false.into(), &"restore".into()), "{dry:#}");
    let counted = numbers(&dry, ["requestsHeld", "eventsReplayed", "unsent/requestsAnswered"]);
    assert_eq!(counted, [HIT, HIT, 0], "{dry:#}");
    assert_eq!(host.cli_json(&["show", "bdc-list"]).await["generation"], 2, "a dry run must change nothing");

    let report = host.cli_json(&["rollback", "bdc-list", "--restore-state", "--replay", "--reason", "wrong"]).await;
    let [held, cut, replayed] = numbers(&report, ["requestsHeld", "unsent/requestsMayHaveBeenSent", "eventsReplayed"]);
    assert_eq!((held, replayed, &report["newGeneration"]), (HIT, HIT, &3.into()), "{report:#}");
    assert!((1..=HIT).contains(&cut), "requests to the CRM must have been in flight: {report:#}");
    let [keys, took, deliverable] = numbers(&report, ["keysRestored", "tookUs", "deliverableUs"]);
    assert!(keys >= HIT && took <= deliverable, "{report:#}");
    assert!(report["unfinished"].is_null(), "{report:#}");
    let again = host.cli(&["rollback", "bdc-list"]).await.exits(5);
    again.says(&["already", "no other good one"]);
    as_if_never_installed(host, &crm, &leads).await;
}

#[tokio::test]
async fn a_stopped_host_restores_the_older_schema() {
    let crm = Crm::start().await;
    let (mut host, leads) = active_bad_release(&crm, Fault::WrongState).await;
    host.kill();
    let report = host.cli_json(&["rollback", "bdc-list", "--to", "1.0.0", "--replay"]).await;
    let state = &report["state"];
    assert_eq!((&state["does"], &state["schema"], &state["schemaKnown"]), (&"restore".into(), &2.into(), &1.into()));
    let [held, replayed] = numbers(&report, ["requestsHeld", "eventsReplayed"]);
    assert_eq!((held, replayed, &report["hostRunning"]), (HIT, HIT, &false.into()), "{report:#}");
    host.start_again().await;
    as_if_never_installed(host, &crm, &leads).await;
}

#[tokio::test]
async fn a_host_that_died_during_a_rollback_completes_it_at_the_start() {
    for steps in 0..3 {
        let crm = Crm::start().await;
        let (mut host, leads) = active_bad_release(&crm, Fault::WrongState).await;
        host.kill();
        let store = Store::open(StoreOptions::new(host.folder().join("data"))).expect("the host's store");
        let bad = store.installation(&name()).expect("installed");
        let good = bad.previous.clone().expect("the previous version");
        let made = store.put_generation(NewGeneration {
            name: name(),
            scope: bad.scope.clone(),
            content: good.content.clone(),
            by: Actor::user("maria"),
            reason: GenerationReason::Rollback { restores: good.generation },
            note: None,
            at: SystemClock.now(),
            expected: Some(Generation(2)),
            details: Default::default(),
            migration: None,
            changes_json: None,
            leave: Some(Leave { to_end_of: Generation(1), restore_state: true, replay: true, unless_paused: false }),
        });
        made.await.expect("the pin");
        for _ in 0..steps {
            store.continue_rollback(bad.id, SystemClock.now()).await.expect("a step");
        }
        let is_done = store.rollback_job(bad.id).expect("it follows").is_done();
        assert!(!is_done, "{steps} steps are not all of them");
        store.close();
        let offline = host.cli_json(&["show", "bdc-list"]).await;
        assert_eq!(offline["rollbackJob"]["leftTo"], 2, "{offline:#}");
        host.start_again().await;
        as_if_never_installed(host, &crm, &leads).await;
    }
}

#[tokio::test]
async fn held_requests_are_released_or_discarded() {
    let crm = Crm::start().await;
    let (mut host, _) = active_bad_release(&crm, Fault::WrongRequests).await;
    host.cli(&["rollback", "bdc-list"]).await.ok().says(&["held back", "handoff outbox --installation bdc-list"]);
    crm.set(Mode::Healthy);
    assert_eq!(host.counts().await["outboxHeld"], HIT);
    let list = host.cli_json(&["outbox", "-i", "bdc-list", "--state", "held"]).await;
    let held: Vec<&str> =
        list["requests"].as_array().into_iter().flatten().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(u64::try_from(held.len()), Ok(HIT), "{list:#}");

    host.cli(&["outbox", "release", held[0], "bdc-list/999999", "--reason", "checked"]).await.exits(3);
    let is_there = |ledger: &Ledger| ledger.entries.len() == 2;
    crm.wait("the released one", SOON, is_there).await.assert_clean();
    host.cli(&["outbox", "release", held[0]]).await.exits(3).says(&["not held"]);
    host.cli(&["outbox", "discard", held[1], "--reason", "wrong number"]).await.ok();
    host.kill();
    // Without a terminal nobody can approve all of them.
    host.cli(&["outbox", "discard", "-i", "bdc-list", "--reason", "wrong"]).await.exits(5);
    let report = host.cli_json(&["outbox", "discard", "-i", "bdc-list", "--reason", "wrong", "--yes"]).await;
    assert_eq!(report["done"], HIT - 2, "{report:#}");
    host.start_again().await;
    host.quiet().await;
    assert_eq!(host.counts().await["outboxHeld"], 0);
    assert!(is_there(&crm.ledger()), "no other request may be sent");
}
