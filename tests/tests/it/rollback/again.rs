//! Replayed events after a rollback: effects on others are not repeated, differences are reported, and replaying again
//! shows no difference.

use bad_release::{Fault, MARK};
use handoff_tests::harness::{SOON, TestHost, bad_release, bdc_list, eventually, restamped, web_leads};
use handoff_tests::leads::Lead;
use handoff_tests::simulators::crm::{Crm, Mode};
use serde_json::Value;

use crate::lead_path::{listed, listed_once};

/// Leads that the bad version handles.
const HIT: usize = 3;

/// Leads with an address without a country; all versions but the first add a wrong one.
async fn wrong_countries(crm: &Crm) -> (TestHost, Vec<u64>) {
    let host = TestHost::new().with_lead_handoff(crm).start().await;
    let leads = [900, 902, 904, 906].map(Lead::new);
    host.post_lead(&leads[0].adf()).await.expect(202);
    listed(crm, &leads[0]).await;
    let mut settings = web_leads(&host.inbox());
    settings["config"].as_table_mut().expect("config").insert("default-country".to_owned(), "CA".into());
    host.install("web-leads", &restamped("adf-leads", "1.1.0", host.folder()), &settings).await.ok();
    let mut positions = Vec::new();
    for lead in &leads[1..] {
        positions.push(host.post_lead(&lead.adf()).await.expect(202).position());
    }
    listed_once(crm, &leads, SOON).await;
    host.quiet().await;
    (host, positions)
}

fn counts(view: &Value, names: [&str; 3]) -> [u64; 3] {
    names.map(|name| view["deliveries"][name].as_u64().unwrap_or_else(|| panic!("{name}: {view:#}")))
}

/// A replay of every delivery, alone and in sequence, shows no difference.
async fn a_control_finds_nothing(host: &TestHost, positions: &[u64]) {
    for position in positions {
        for attempt in ["1", "2"] {
            let args = ["replay", &position.to_string(), "--attempt", attempt, "--export", "cases", "--unmasked"];
            let view = host.cli_json(&args).await;
            assert_eq!((&view["same"], &view["exact"]), (&true.into(), &true.into()), "attempt {attempt}: {view:#}");
        }
    }
    for last in [HIT, 2, 1_000] {
        let view = host.cli_json(&["shadow", "web-leads", "--last", &last.to_string()]).await;
        assert_eq!(counts(&view, ["different", "stateAssumed", "gone"]), [0; 3], "the last {last}: {view:#}");
        let place = |which: &str| view[which]["position"].as_u64().expect("a position");
        assert!(place("first") <= place("last") && counts(&view, ["same"; 3])[0] >= 2, "{view:#}");
    }
}

#[tokio::test]
async fn a_replay_repeats_no_effects_and_shows_no_difference() {
    for state in ["--restore-state", "--keep-state"] {
        let crm = Crm::start().await;
        let (host, positions) = wrong_countries(&crm).await;
        let before = host.events("com.handoff.lead.received.v1").await;
        assert_eq!(before.len(), HIT + 1);
        let rollback = host.cli(&["rollback", "web-leads", state, "--replay"]).await.ok();
        rollback.says(&["3 events that 1.1.0 handled are delivered again", "are not emitted again"]);
        host.quiet().await;
        assert_eq!(host.events("com.handoff.lead.received.v1").await, before, "no lead may be emitted twice");
        a_control_finds_nothing(&host, &positions).await;
        if state == "--keep-state" {
            continue;
        }

        let trace = host.trace(positions[0]).await;
        let delivery = &trace["deliveries"][0];
        assert_eq!(delivery["effects"]["emitted"], Value::Array(Vec::new()), "{trace:#}");
        let again = &delivery["effects"]["emittedBefore"][0];
        let made_by = (&again["generation"], &again["version"], &again["differs"]);
        assert_eq!(made_by, (&2.into(), &"1.1.0".into(), &true.into()), "{trace:#}");
        let field = &again["fields"][0];
        assert_eq!((&field["inLog"], &field["emitted"]), (&"CA".into(), &"US".into()), "{again:#}");
        let earlier = &delivery["attempts"][0]["effects"]["emitted"][0]["event"];
        assert_eq!((&earlier["position"], &delivery["attempts"][0]["generation"]), (&again["position"], &2.into()));
        let shown = host.cli(&["trace", &positions[0].to_string()]).await.ok();
        shown.says(&[
            "done, and delivered again after a rollback",
            "was there already as",
            "others have CA, this one had US",
        ]);
        let view = host.cli_json(&["show", "web-leads"]).await;
        assert_eq!(view["warnings"][0]["kind"], "events-differ", "{view:#}");
        host.cli(&["show", "web-leads"]).await.ok().says(&["3 events", "do: handoff trace "]);
    }
}

/// State is restored, and the events are not delivered again: the connector knows nothing of the request.
#[tokio::test]
async fn a_released_request_without_state_ends_as_answered() {
    let crm = Crm::start().await;
    let host = TestHost::new().with_lead_handoff(&crm).start().await;
    crm.set(Mode::Down);
    host.install("bdc-list", &restamped("bdc-list", "1.1.0", host.folder()), &bdc_list(&crm)).await.ok();
    host.post_lead(&Lead::new(900).adf()).await.expect(202);
    eventually("a request of the new release", async || (host.counts().await["outboxPending"] == 1).then_some(()))
        .await;
    let rollback = ["rollback", "bdc-list", "--restore-state"];
    let said = ["the state of 1 event that version 1.1.0 handled is undone", "Consistent are --replay"];
    for more in [&["--dry-run"][..], &[]] {
        host.cli(&[&rollback[..], more].concat()).await.ok().says(&said);
    }
    host.cli(&["outbox"]).await.ok().says(&["their answers are recorded, and not delivered to the connector"]);
    crm.set(Mode::Healthy);
    host.cli(&["outbox", "release", "--installation", "bdc-list", "--yes"]).await.ok();
    let answered = async || {
        let list = host.cli_json(&["outbox", "--state", "answered"]).await;
        list["requests"].as_array().and_then(|all| all.first().cloned())
    };
    let answered = eventually("an answer", answered).await;
    assert_eq!((&answered["status"], &answered["stateUndone"]), (&201.into(), &true.into()), "{answered:#}");
    host.quiet().await;
    assert_eq!(host.dead_letters().await, Vec::<Value>::new(), "no answer without state");
    assert_eq!(host.cli_json(&["show", "bdc-list"]).await["counts"]["timers"], 0);
}

/// A paused connector has not handled what the bad version emitted to it; another event was handled before, and is listed.
#[tokio::test]
async fn emitted_events_that_were_not_handled_yet_are_withdrawn() {
    let crm = Crm::start().await;
    let host = TestHost::new().with_lead_handoff(&crm).start().await;
    host.install("web-leads", &restamped("adf-leads", "1.1.0", host.folder()), &web_leads(&host.inbox())).await.ok();
    let (handled, waits) = (Lead::new(900), Lead::new(902));
    host.post_lead(&handled.adf()).await.expect(202);
    listed(&crm, &handled).await;
    host.cli(&["pause", "identity"]).await.ok();
    host.post_lead(&waits.adf()).await.expect(202);
    eventually("the lead is emitted", async || (host.counts().await["waiting"] == 1).then_some(())).await;
    let report = host.cli_json(&["rollback", "web-leads"]).await;
    assert_eq!(report["eventsWithdrawn"], 1, "{report:#}");
    let did = &report["emittedHandled"][0];
    assert_eq!((&did["installation"], &did["type"]), (&"identity".into(), &"com.handoff.lead.received.v1".into()));
    assert_eq!(
        (&did["emitted"], report["emittedHandled"].as_array().map(Vec::len)),
        (&1.into(), Some(1)),
        "{report:#}"
    );
    let letters = host.dead_letters().await;
    assert_eq!((letters.len(), &letters[0]["failure"]["code"]), (1, &"withdrawn".into()), "{letters:#?}");
    host.cli(&["resume", "identity"]).await.ok();
    host.quiet().await;
    // The person who looked at it finds that it is right.
    host.cli(&["redrive", letters[0]["id"].as_str().expect("an id"), "--reason", "it is right"]).await.ok();
    listed_once(&crm, &[handled, waits], SOON).await;
}

#[tokio::test]
async fn a_held_request_can_be_shown_running_or_stopped() {
    let crm = Crm::start().await;
    let mut host = TestHost::new().with_lead_handoff(&crm).start().await;
    crm.set(Mode::Down);
    host.install("bdc-list", &bad_release(Fault::WrongRequests, host.folder()), &bdc_list(&crm)).await.ok();
    host.post_lead(&Lead::new(900).adf()).await.expect(202);
    eventually("a request of the bad release", async || (host.counts().await["outboxPending"] == 1).then_some(()))
        .await;
    host.cli(&["rollback", "bdc-list"]).await.ok();
    let list = host.cli_json(&["outbox", "--state", "held"]).await;
    let held = &list["requests"][0];
    let (id, event) = (held["id"].as_str().expect("an id"), held["causedBy"].as_u64().expect("an event"));

    let view = host.cli_json(&["outbox", "show", id]).await;
    assert!(view["body"].as_str().is_some_and(|body| body.contains(MARK)), "{view:#}");
    let wanted = (&view["state"], &view["method"], &view["generation"], &view["cause"]["position"]);
    assert_eq!(wanted, (&"held".into(), &"POST".into(), &2.into(), &event.into()), "{view:#}");
    assert!(view["error"].is_null() && view["idempotencyKey"].as_str().is_some_and(|key| key.len() == 32), "{view:#}");
    let secret = handoff_tests::simulators::crm::API_KEY;
    assert!(!view.to_string().contains(secret), "credentials are added only when the request is sent: {view:#}");
    host.cli(&["trace", &event.to_string()]).await.ok().says(&["held after a rollback"]);
    let (_, position) = id.split_once('/').expect("installation/position");
    host.cli(&["trace", position]).await.exits(3).says(&[&format!("handoff outbox show {id}")]);
    host.cli(&["outbox", "show", "bdc-list/999999"]).await.exits(3).says(&["bdc-list/999999"]);
    host.cli(&["outbox", "show", &format!("bdc-list/{event}")]).await.exits(3).says(&["is an event"]);

    host.kill();
    assert_eq!(host.cli_json(&["outbox", "show", id]).await, view, "the stopped host must show the same");
    host.cli(&["outbox", "show", id]).await.ok().says(&[MARK, &format!("handoff trace {event}")]);
}
