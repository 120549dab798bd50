//! A failing CRM: nothing is lost or doubled, and no other target is affected.

use std::time::Duration;

use handoff_tests::harness::{SOON, TestHost, bdc_list, component, eventually, restamped};
use handoff_tests::leads::Lead;
use handoff_tests::simulators::crm::{Crm, Mode, Outcome};

use crate::lead_path::{listed, listed_once};

#[tokio::test]
async fn each_lead_is_listed_once_after_any_failure_of_the_crm() {
    let crm = Crm::start().await;
    let host = TestHost::new().with_lead_handoff(&crm).start().await;
    let mut leads = Vec::new();
    let troubles = [
        ("down", Mode::Down),
        ("breaking connections", Mode::Reset),
        ("losing answers", Mode::AnswerLost),
        ("failing", Mode::Failing),
    ];
    for (number, (what, mode)) in (100..).step_by(10).zip(troubles) {
        crm.set(mode);
        for lead in (number..number + 4).map(Lead::new) {
            host.post_lead(&lead.adf()).await.expect(202);
            leads.push(lead);
        }
        // From the host's view: attempts fail, and the requests wait.
        eventually(what, async || {
            let pending = host.cli_json(&["outbox", "--installation", "bdc-list"]).await;
            let tried = |one: &serde_json::Value| one["attempts"].as_u64().is_some_and(|count| count > 0);
            let waiting = pending["requests"].as_array()?.iter().filter(|one| tried(one)).count();
            (waiting > 0).then_some(())
        })
        .await;
        crm.set(Mode::Healthy);
        listed_once(&crm, &leads, SOON).await;
    }
    host.quiet().await;
    let ledger = crm.ledger();
    assert!(ledger.repeated() >= 1, "a lost response must be retried with the same key:\n{}", ledger.summary());
    assert_eq!(ledger.applied(), leads.len());

    crm.set(Mode::FlakyEvery(3));
    for lead in (200..212).map(Lead::new) {
        host.post_lead(&lead.adf()).await.expect(202);
        leads.push(lead);
    }
    listed_once(&crm, &leads, SOON).await;
    crm.set(Mode::Slow(Duration::from_millis(300)));
    for lead in (212..216).map(Lead::new) {
        host.post_lead(&lead.adf()).await.expect(202);
        leads.push(lead);
    }
    listed_once(&crm, &leads, SOON).await;
    crm.set(Mode::WrongContentType);
    leads.push(Lead::new(220));
    host.post_lead(&Lead::new(220).adf()).await.expect(202);
    listed_once(&crm, &leads, SOON).await;
    assert!(host.dead_letters().await.is_empty());
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let crm = Crm::start().await;
    let host = TestHost::new().with_lead_handoff(&crm).start().await;
    crm.set(Mode::RateLimited(2));
    let lead = Lead::new(300);
    host.post_lead(&lead.adf()).await.expect(202);
    crm.wait("the first request", SOON, |ledger| !ledger.requests.is_empty()).await;
    crm.set(Mode::Healthy);
    listed(&crm, &lead).await;

    let ledger = crm.ledger();
    ledger.assert_clean();
    let outcomes: Vec<&Outcome> = ledger.requests.iter().map(|request| &request.outcome).collect();
    assert_eq!(outcomes, [&Outcome::Refused(429), &Outcome::Applied], "no request may arrive during the pause");
    let pause = ledger.requests[1].at.duration_since(ledger.requests[0].at).expect("in order");
    assert!(pause >= Duration::from_millis(1_900), "`Retry-After: 2` was not honoured: {pause:?}");
    assert_eq!(ledger.requests[0].key, ledger.requests[1].key);
}

#[tokio::test]
async fn an_invalid_answer_is_reported_and_a_resend_lists_the_lead() {
    let crm = Crm::start().await;
    let host = TestHost::new().with_lead_handoff(&crm).start().await;
    let (malformed, huge) = (Lead::new(310), Lead::new(311));
    crm.set(Mode::MalformedJson);
    host.post_lead(&malformed.adf()).await.expect(202);
    let code = |expected: &'static str| move |data: &serde_json::Value| data["code"] == expected;
    let (_, refused) = host.wait_event("com.handoff.call.refused.v1", code("answer-without-entry-id")).await;
    assert_eq!(refused["operation"], "list");
    crm.set(Mode::HugeBody(6 << 20));
    host.post_lead(&huge.adf()).await.expect(202);
    host.wait_event("com.handoff.call.refused.v1", code("crm-unreachable")).await;

    crm.set(Mode::Healthy);
    let again = [malformed.resent("Hello?"), huge.resent("Hello?")];
    for lead in &again {
        host.post_lead(&lead.adf()).await.expect(202);
    }
    listed_once(&crm, &again, SOON).await;
    host.cli(&["logs", "bdc-list", "--level", "error"]).await.ok().says(&["answer-without-entry-id"]);
}

#[tokio::test]
async fn a_broken_crm_opens_its_breaker_and_another_one_works() {
    let (broken, well) = (Crm::start().await, Crm::start().await);
    let mut other = bdc_list(&well);
    // Another webhook would need another secret; this one needs none.
    other.remove("hook");
    let host = TestHost::new()
        .with_lead_handoff(&broken)
        .with_connector("other-list", component("bdc-list"), other)
        .config("[hosts.\"127.0.0.1\"]\nfailures-to-open = 3\nopen-ms = 60000\n")
        .start()
        .await;
    broken.set(Mode::Failing);
    let leads: Vec<Lead> = (320..332).map(Lead::new).collect();
    for lead in &leads {
        host.post_lead(&lead.adf()).await.expect(202);
    }
    listed_once(&well, &leads, SOON).await;
    // The breaker opens: waiting requests are not sent.
    eventually("requests were attempted", async || (broken.ledger().requests.len() >= 3).then_some(())).await;
    for lead in (332..336).map(Lead::new) {
        host.post_lead(&lead.adf()).await.expect(202);
        listed(&well, &lead).await;
    }
    let limit = 3 + 16; // What opens it, and what was in flight by then.
    let asked = broken.ledger().requests.len();
    assert!(asked <= limit, "{asked} requests went to a CRM that fails");
    let pending = host.cli_json(&["outbox", "--installation", "bdc-list", "--limit", "100"]).await;
    assert_eq!(pending["requests"].as_array().map(Vec::len), Some(16), "no request may be abandoned");
    broken.ledger().assert_clean();
}

#[tokio::test]
async fn a_request_that_was_being_sent_when_the_host_died_may_have_been_sent() {
    let crm = Crm::start().await;
    let mut host = TestHost::new().with_lead_handoff(&crm).start().await;
    let newer = restamped("bdc-list", "1.1.0", host.folder());
    host.install("bdc-list", &newer, &bdc_list(&crm)).await.ok();
    crm.set(Mode::Hanging);
    let lead = Lead::new(400);
    host.post_lead(&lead.adf()).await.expect(202);
    crm.wait("the request is with the CRM", SOON, |ledger| !ledger.requests.is_empty()).await;
    host.kill();

    let report = host.cli_json(&["rollback", "bdc-list", "--reason", "wrong list"]).await;
    assert_eq!(report["unsent"]["requestsMayHaveBeenSent"], 1, "{report:#}");
    let held = host.cli_json(&["outbox", "--installation", "bdc-list", "--state", "held"]).await;
    let held = &held["requests"][0];
    assert_eq!((&held["attempts"], &held["mayHaveBeenSent"]), (&1.into(), &true.into()), "{held:#}");
    host.cli(&["outbox", "--state", "held"]).await.ok().says(&["may have been sent"]);

    // Released, it is the same request for the CRM.
    crm.set(Mode::Healthy);
    host.start_again().await;
    let id = held["id"].as_str().expect("an id");
    host.cli(&["outbox", "release", id, "--reason", "the CRM has no entry"]).await.ok();
    listed(&crm, &lead).await;
    host.quiet().await;
    let ledger = crm.ledger();
    ledger.assert_clean();
    assert!(ledger.requests.iter().all(|request| request.key == ledger.requests[0].key), "{}", ledger.summary());
}
