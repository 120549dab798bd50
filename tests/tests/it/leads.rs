//! The path of a web lead to the CRM's call list.

use handoff_tests::harness::{TestHost, eventually};
use handoff_tests::leads::{self, Lead, people, wrap};
use handoff_tests::simulators::crm::{API_KEY, Crm};

use crate::lead_path::{deliveries, listed, listed_once, requests};

/// The rooftop is in Chicago, whose clocks change on 8 March and 1 November 2026.
#[tokio::test]
async fn a_date_without_offset_has_the_offset_of_that_day() {
    let host = TestHost::new().start().await;
    std::fs::create_dir_all(host.inbox()).expect("an inbox");
    let settings = handoff_tests::harness::web_leads(&host.inbox());
    host.install("web-leads", &handoff_tests::harness::component("adf-leads"), &settings).await.ok();
    let dates = [
        ("2026-07-04T09:00:00", "-05:00"),
        ("2026-01-04T09:00:00", "-06:00"),
        ("2026-03-08T01:59:00", "-06:00"),
        ("2026-03-08T03:00:00", "-05:00"),
        ("2026-11-01T00:30:00", "-05:00"),
        ("2026-11-01T02:00:00", "-06:00"),
    ];
    for (number, (date, offset)) in (900..).zip(dates) {
        let lead = Lead { requested_at: date.to_owned(), ..Lead::new(number) };
        host.post_lead(&lead.adf()).await.expect(202);
        let is_it = |data: &serde_json::Value| data["requestedAtText"] == date;
        let (_, data) = host.wait_event("com.handoff.lead.received.v1", is_it).await;
        assert_eq!(data["requestedAt"], format!("{date}{offset}"));
    }
}

#[tokio::test]
async fn a_posted_lead_is_listed_once_and_every_command_shows_it() {
    let crm = Crm::start().await;
    let host = TestHost::new().with_lead_handoff(&crm).start().await;
    let lead = Lead { trade_in: Some(people::trade_in(7)), ..Lead::new(7) };

    let taken = host.post_lead(&lead.adf()).await.expect(202);
    let position = taken.position();
    let entry = listed(&crm, &lead).await;
    host.quiet().await;

    // The CRM has everything that a caller needs.
    crm.ledger().assert_clean();
    assert_eq!(entry.body["customer"]["name"]["last"], lead.last.as_str());
    assert_eq!(entry.body["vehicles"][0]["model"], lead.vehicle.model);
    assert_eq!(entry.body["tradeIns"][0]["model"], "Accord");
    assert_eq!(entry.body["contactBy"], serde_json::json!(["text"]), "no address was given, and calls are refused");

    // The trace shows every step, for programs …
    let trace = host.trace(position).await;
    let legs: Vec<&str> = deliveries(&trace).iter().filter_map(|one| one["installation"].as_str()).collect();
    assert_eq!(legs, ["web-leads", "identity", "bdc-list", "bdc-list"], "{trace:#}");
    assert!(deliveries(&trace).iter().all(|one| one["state"] == "committed"), "{trace:#}");
    assert!(deliveries(&trace).iter().all(|one| one["attempts"][0]["generation"] == 1), "{trace:#}");
    let sent = requests(&trace);
    assert_eq!((sent.len(), &sent[0]["state"]), (1, &"answered".into()), "{trace:#}");
    assert_eq!(sent[0]["status"], 201);
    let timers = deliveries(&trace).iter().filter_map(|one| one["effects"]["timers"].as_array()).flatten().count();
    assert!(timers >= 1, "the escalation's timer must be set: {trace:#}");

    // … and for people.
    let number = position.to_string();
    let shown = host.cli(&["trace", &number, "--verbose"]).await.ok();
    shown.says(&["web-leads", "identity", "bdc-list", "/call-list/entries", "201", "com.handoff.lead.identified.v1"]);
    host.cli(&["list"]).await.ok().says(&["web-leads", "identity", "bdc-list", "handoff/adf-leads", "1.0.0"]);
    let list = host.cli_json(&["list"]).await;
    assert_eq!(list["installations"].as_array().map(Vec::len), Some(3));
    host.cli(&["show", "bdc-list"]).await.ok().says(&[
        "handoff/bdc-list",
        "127.0.0.1",
        "calls-listed",
        "/hooks/bdc-list",
    ]);
    let shown = host.cli_json(&["show", "bdc-list"]).await;
    assert_eq!((&shown["generation"], &shown["deliveries"]["committed"]), (&1.into(), &2.into()), "{shown:#}");
    host.cli(&["events"]).await.ok().says(&["hook received", "lead received", "call listed"]);
    let event = host.cli_json(&["events", &number]).await;
    assert_eq!((&event["source"], &event["data"]), (&"/hooks/web-leads".into(), &lead.adf().into()));
    let data = host.cli(&["events", &number, "--data"]).await.ok();
    assert_eq!(data.stdout, lead.adf(), "the data must be unchanged");
    host.cli(&["logs", "--limit", "100"]).await.ok();
    host.cli(&["outbox"]).await.ok();
    let answered = host.cli_json(&["outbox", "--state", "answered"]).await;
    assert!(answered["requests"].is_array(), "{answered}");
    host.cli(&["dead-letters"]).await.ok();
    assert!(host.dead_letters().await.is_empty());
    host.cli(&["status"]).await.ok().says(&["ready"]);

    // The output never contains the API key.
    for text in [host.log(), trace.to_string(), shown.to_string(), host.cli(&["outbox", "--json"]).await.stdout] {
        assert!(!text.contains(API_KEY), "the output contains the CRM's key");
    }
}

#[tokio::test]
async fn a_repeated_lead_is_one_entry_and_a_resend_updates_it() {
    let crm = Crm::start().await;
    let host = TestHost::new().with_lead_handoff(&crm).start().await;
    let (lead, other) = (Lead::new(20), Lead::new(21));

    let first = host.post_lead(&lead.adf()).await.expect(202);
    let again = host.post_lead(&lead.adf()).await.expect(202);
    assert_eq!(again.json()["duplicates"], 1, "equal bytes must be the same webhook");
    assert_eq!(again.position(), first.position());
    listed(&crm, &lead).await;
    // The same content in other bytes: another event, but the same lead.
    host.post_lead(&wrap::html(&lead.adf())).await.expect(202);
    host.drop_file("again.eml", wrap::mail_with_attachment("Lead", &lead.adf()));
    // Two leads in one document, one of them known.
    host.post_lead(&leads::adf(&[lead.clone(), other.clone()])).await.expect(202);
    listed(&crm, &other).await;

    // The last copy must arrive before the customer changes anything: a late one would count as a change back.
    eventually("three duplicates", async || {
        let metrics = host.cli_json(&["show", "web-leads"]).await["metrics"].clone();
        metrics.as_array()?.iter().any(|one| one["name"] == "leads-duplicate" && one["value"] == 3.0).then_some(())
    })
    .await;

    let resent = lead.resent("Please call after 5.");
    host.post_lead(&resent.adf()).await.expect(202);
    let marked = |ledger: &handoff_tests::simulators::crm::Ledger| {
        ledger.with_comments("Please call after 5.").iter().any(|entry| entry.revisions == [1, 2])
    };
    crm.wait("the update", handoff_tests::harness::SOON, marked).await;
    host.quiet().await;

    let ledger = crm.ledger();
    let methods: Vec<&str> = ledger.requests.iter().map(|request| request.method.as_str()).collect();
    assert_eq!(methods, ["POST", "POST", "PUT"], "{}", ledger.summary());
    listed_once(&crm, &[resent, other], handoff_tests::harness::SOON).await;
    host.quiet().await;
    assert_eq!(crm.ledger().requests.len(), 3, "{}", crm.ledger().summary());

    let types = host.check_published().await;
    let published =
        ["call.listed", "file.dropped", "hook.received", "lead.identified", "lead.received", "outbox.answered"];
    assert_eq!(types.into_iter().collect::<Vec<_>>(), published.map(|name| format!("com.handoff.{name}.v1")));
}
