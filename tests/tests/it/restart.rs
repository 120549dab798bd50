//! The promises about stopping: nothing is lost or doubled, whatever the time.

use std::time::Duration;

use handoff_tests::harness::{SOON, TestHost, component, eventually, web_leads};
use handoff_tests::leads::Lead;
use handoff_tests::simulators::crm::{Crm, Mode};
use serde_json::json;

use crate::lead_path::{listed, listed_once};

/// Creates work in every stage: listed with a timer, in the outbox of a CRM that is down, waiting for a paused
/// installation, between two attempts, and dead letters. Returns the leads that are still to be listed.
async fn fill(host: &TestHost, crm: &Crm, first: u64) -> (Vec<Lead>, Vec<Lead>) {
    let done: Vec<Lead> = (first..first + 3).map(Lead::new).collect();
    for lead in &done {
        host.post_lead(&lead.adf()).await.expect(202);
        listed(crm, lead).await;
    }
    host.quiet().await;
    host.post_lead("no lead at all").await.expect(202);
    host.wait_dead_letters(1).await;
    // Between two attempts: a contact for an entry without an answer yet is retried later.
    crm.set(Mode::Down);
    let pending: Vec<Lead> = (first + 10..first + 15).map(Lead::new).collect();
    for lead in &pending {
        host.post_lead(&lead.adf()).await.expect(202);
    }
    eventually("requests in the outbox", async || {
        let counts = host.counts().await;
        (counts["outboxPending"] == 5).then_some(())
    })
    .await;
    let contact = json!({ "type": "call.first-contact", "entryId": "E-9999", "human": true });
    host.report_contact("msg_early", &contact).await.expect(202);
    // Waiting in a queue.
    host.cli(&["pause", "identity", "--reason", "a test"]).await.ok();
    let waiting: Vec<Lead> = (first + 20..first + 25).map(Lead::new).collect();
    for lead in &waiting {
        host.post_lead(&lead.adf()).await.expect(202);
    }
    eventually("events that wait for identity", async || {
        let counts = host.cli_json(&["show", "identity"]).await["counts"].clone();
        (counts["waiting"] == 5).then_some(())
    })
    .await;
    (done, [pending, waiting].concat())
}

async fn goes_on(host: &TestHost, crm: &Crm, all: &[Lead], before: &serde_json::Value) {
    let counts = host.counts().await;
    assert_eq!(counts["deadLetters"], before["deadLetters"], "{counts}");
    assert_eq!(counts["timers"], before["timers"], "{counts}");
    assert_eq!(counts["outboxPending"], 5, "{counts}");
    let identity = host.cli_json(&["show", "identity"]).await;
    assert_eq!(identity["counts"]["waiting"], 5, "a paused installation must stay paused: {identity:#}");
    assert!(identity["paused"].is_object(), "{identity:#}");
    crm.set(Mode::Healthy);
    host.cli(&["resume", "identity"]).await.ok();
    listed_once(crm, all, SOON).await;
    let letters = host.wait_dead_letters(2).await;
    let mut codes: Vec<&str> = letters.iter().filter_map(|letter| letter["failure"]["code"].as_str()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["adf-not-found", "entry-unknown"]);
    host.quiet().await;
    listed_once(crm, all, SOON).await;
    assert_eq!(host.counts().await["timers"], all.len() + 1, "one timer per call and one for the sweep");
}

#[tokio::test]
async fn work_in_every_stage_continues_after_a_graceful_stop() {
    let crm = Crm::start().await;
    let mut host = TestHost::new().with_lead_handoff(&crm).start().await;
    let (done, open) = fill(&host, &crm, 700).await;
    let before = host.counts().await;
    host.stop().await;
    let stopped = host.cli(&["status"]).await;
    // A target that kept failing when the host stopped is an open incident.
    assert!(matches!(stopped.code, 0 | 1), "{stopped}");
    stopped.says(&["stopped"]);
    host.start_again().await;
    goes_on(&host, &crm, &[done, open].concat(), &before).await;
}

#[tokio::test]
async fn work_in_every_stage_continues_after_kill_9() {
    let crm = Crm::start().await;
    let mut host = TestHost::new().with_lead_handoff(&crm).start().await;
    let (done, open) = fill(&host, &crm, 740).await;
    let before = host.counts().await;
    for _ in 0..3 {
        host.kill();
        host.start_again().await;
    }
    goes_on(&host, &crm, &[done, open].concat(), &before).await;
}

#[tokio::test]
async fn repeated_kills_under_load_lose_and_double_nothing() {
    let crm = Crm::start().await;
    let mut host = TestHost::new().with_lead_handoff(&crm).start().await;
    let mut promised = Vec::new();
    for round in 0..4_u64 {
        crm.set(if round % 2 == 0 { Mode::AnswerLost } else { Mode::FlakyEvery(2) });
        // The kill happens while leads arrive: after the tenth response, with twenty more in flight.
        let posts = (0..30).map(|number| Lead::new(1_000 + round * 100 + number)).map(|lead| {
            let host = &host;
            async move { (host.try_post_lead(&lead.adf()).await, lead) }
        });
        let (first, rest): (Vec<_>, Vec<_>) = posts.enumerate().partition(|(number, _)| *number < 10);
        for (_, post) in first {
            let (answer, lead) = post.await;
            assert_eq!(answer.expect("the host lives").status, 202);
            promised.push(lead);
        }
        let answered = std::cell::RefCell::new(Vec::new());
        let sending = async {
            for (_, post) in rest {
                if let (Ok(answer), lead) = post.await
                    && answer.status == 202
                {
                    answered.borrow_mut().push(lead);
                }
            }
        };
        // How many are accepted before the kill varies; each one with a 202 counts.
        let _ = tokio::time::timeout(Duration::from_millis(20 + 15 * round), sending).await;
        promised.append(&mut answered.into_inner());
        host.kill();
        host.start_again().await;
    }
    crm.set(Mode::Healthy);
    let all_there = |ledger: &handoff_tests::simulators::crm::Ledger| {
        promised.iter().all(|lead| !ledger.with_comments(&lead.mark()).is_empty())
    };
    let ledger = crm.wait("every lead with a 202", SOON, all_there).await;
    ledger.assert_clean();
    assert!(promised.len() >= 40);
    host.quiet().await;
    crm.ledger().assert_clean();
    // A sender without a response sends again: still one entry.
    for lead in promised.iter().take(5) {
        assert_eq!(host.post_lead(&lead.adf()).await.expect(202).json()["duplicates"], 1);
    }
}

#[tokio::test]
async fn a_second_host_on_the_same_data_is_refused() {
    let host = TestHost::new().start().await;
    host.install("web-leads", &component("adf-leads"), &web_leads(&host.inbox())).await.ok();
    let second = host.cli(&["serve"]).await;
    assert_ne!(second.code, 0, "{second}");
    host.cli(&["status"]).await.ok().says(&["ready"]);
}
