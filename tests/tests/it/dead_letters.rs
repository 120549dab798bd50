//! Dead letters: kept, explained, and redriven or discarded.

use handoff_tests::harness::{SOON, TestHost, component, web_leads};
use handoff_tests::leads::Lead;
use handoff_tests::simulators::crm::Crm;

use crate::lead_path::{deliveries, listed_once};

#[tokio::test]
async fn a_refused_lead_is_a_dead_letter_until_a_person_decides() {
    let crm = Crm::start().await;
    let host = TestHost::new().with_lead_handoff(&crm).start().await;
    let mut settings = web_leads(&host.inbox());
    settings["config"]["accepted-vendor-ids"] = vec!["OTHER-9"].into();
    host.install("web-leads", &component("adf-leads"), &settings).await.ok();

    let (truncated, foreign) = (Lead::new(400).adf(), Lead::new(401));
    let truncated = truncated.split_at(truncated.len() / 2).0;
    let broken = host.post_lead(truncated).await.expect(202).position();
    let refused = host.post_lead(&foreign.adf()).await.expect(202).position();
    let letters = host.wait_dead_letters(2).await;
    let codes: Vec<&str> = letters.iter().filter_map(|letter| letter["failure"]["code"].as_str()).collect();
    assert_eq!(codes, ["adf-truncated", "lead-for-other-vendor"]);
    assert_eq!(letters[0]["attempts"], 1, "a rejected event must not be retried");
    host.cli(&["dead-letters"]).await.ok().says(&["adf-truncated", "lead-for-other-vendor"]);
    let only = host.cli_json(&["dead-letters", "--code", "adf-truncated"]).await;
    assert_eq!(only["deadLetters"].as_array().map(Vec::len), Some(1));
    host.cli(&["trace", &broken.to_string()]).await.ok().says(&["adf-truncated"]);

    // Redriving without a fix fails in the same way, and nothing is lost.
    host.cli(&["redrive", &format!("web-leads/{refused}")]).await.ok();
    let again = host.wait_dead_letters(2).await;
    assert_eq!(again[1]["failure"]["code"], "lead-for-other-vendor", "{again:#?}");

    // After the fix it succeeds, once.
    host.install("web-leads", &component("adf-leads"), &web_leads(&host.inbox())).await.ok();
    let report = host.cli_json(&["redrive", "--code", "lead-for-other-vendor"]).await;
    assert_eq!(report["done"], 1, "{report}");
    listed_once(&crm, &[foreign], SOON).await;
    let trace = host.last_trace(refused).await;
    let attempts = &deliveries(&trace)[0]["attempts"];
    assert_eq!((&attempts[0]["outcome"], &attempts[0]["generation"]), (&"committed".into(), &3.into()), "{trace:#}");

    // Discarding requires a reason.
    let broken = format!("web-leads/{broken}");
    host.cli(&["discard", &broken]).await.exits(2);
    host.cli(&["discard", &broken, "--reason", "cut off; the vendor sent it again"]).await.ok();
    assert!(host.dead_letters().await.is_empty());
    host.cli(&["redrive", &broken]).await.exits(3);
    let trace = host.cli_json(&["trace", broken.trim_start_matches("web-leads/")]).await;
    assert_eq!(trace["deliveries"][0]["state"], "discarded", "{trace:#}");
}
