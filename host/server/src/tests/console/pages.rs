//! What a person does on pages: each is the use case of the API, with its preview and its result.

use handoff_model::failure::Failure;
use handoff_model::installation::GenerationReason;
use handoff_model::names::{Generation, Position};
use serde_json::json;

use super::super::bench::{Bench, generation, get, post_json};
use super::super::control::add_events;
use super::{Browser, CONFIG};
use crate::control;

/// A bench with a token, and events of which the first ones are dead letters.
async fn with_dead_letters(failures: &[(&str, &str)]) -> Bench {
    let bench = bench_of(failures.len()).await;
    for (position, (code, message)) in (1..).zip(failures) {
        bench.dead_letter_of(Position(position), Failure::reject(code, *message)).await;
    }
    bench
}

async fn bench_of(events: usize) -> Bench {
    let bench = Bench::new(CONFIG).await;
    add_events(&bench, u64::try_from(events).expect("a number")).await;
    bench
}

#[tokio::test]
async fn the_overview_says_what_needs_a_person_or_what_was_checked() {
    let bench = bench_of(1).await;
    let browser = Browser::signed_in(&bench).await;
    let good = browser.page("/?rooftop=main-street").await;
    assert!(good.contains("Nothing needs you") && good.contains("1 event waits its turn"), "{good}");
    assert!(good.contains("times in America/Chicago") && good.contains("Monday 30 Mar, 10:30 CDT"), "{good}");
    bench.dead_letter(Position(1)).await;
    let bad = browser.page("/").await;
    assert!(bad.contains("1 event failed for good") && !bad.contains("Nothing needs you"), "{bad}");
    assert_eq!(browser.get("/?rooftop=No").await.status, 422, "another rooftop is not shown instead");
}

#[tokio::test]
async fn dead_letters_are_grouped_by_what_they_failed_of() {
    let failures =
        [("bad-vin", "VIN 1 has 16 characters"), ("no-name", "no name"), ("bad-vin", "VIN 22 has 3 characters")];
    let bench = with_dead_letters(&failures).await;
    let causes = get(&control::router(bench.shard.clone()), "/v1/dead-letters/causes").await.json();
    let found: Vec<_> = causes["causes"].as_array().expect("causes").iter().collect();
    assert_eq!(found.len(), 2);
    assert_eq!(
        (&found[0]["code"], &found[0]["count"], &found[0]["example"]),
        (&json!("bad-vin"), &json!(2), &json!(3))
    );
    assert_eq!(found[0]["messages"], json!([{"pattern": "VIN # has # characters", "count": 2}]));
    assert_eq!(causes["atLeast"], false);
    let none = get(&control::router(bench.shard.clone()), "/v1/dead-letters/causes?rooftop=group:west").await.json();
    assert_eq!(none["causes"], json!([]));
}

#[tokio::test]
async fn all_dead_letters_of_a_cause_are_redriven_after_a_preview() {
    let bench = with_dead_letters(&[("bad-vin", "a"), ("no-name", "b"), ("bad-vin", "c")]).await;
    let browser = Browser::signed_in(&bench).await;
    let preview = browser.page("/dead-letters/redrive?installation=web-leads&code=bad-vin").await;
    assert!(preview.contains("Deliver 2 dead letters again") && !preview.contains("no-name"), "{preview}");
    let done = browser.post("/dead-letters/redrive", "installation=web-leads&code=bad-vin").await;
    assert_eq!((done.status.as_u16(), done.header("location")), (303, "/dead-letters?redriven=2&missing=0"));
    let page = browser.page("/dead-letters?redriven=2&missing=0").await;
    assert!(page.contains("2 dead letters are delivered again") && page.contains("no-name"), "{page}");
    let event = browser.page("/events/1").await;
    assert!(event.contains("Redriven") && event.contains("Delivered again as event"), "{event}");
    let gone = browser.get("/dead-letters/redrive?installation=web-leads&code=bad-vin").await;
    assert_eq!(gone.status, 404, "somebody decided already");
}

#[tokio::test]
async fn discarding_asks_for_a_reason_beside_the_field() {
    let bench = with_dead_letters(&[("bad-vin", "a")]).await;
    let browser = Browser::signed_in(&bench).await;
    let refused = browser.post("/dead-letters/discard", "id=web-leads/1&reason=+").await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("id=\"reason-error\"") && refused.text.contains("aria-invalid"), "{}", refused.text);
    let done = browser.post("/dead-letters/discard", "id=web-leads/1&reason=a+test+lead").await;
    assert_eq!(done.header("location"), "/dead-letters?discarded=1&missing=0");
    let audit = browser.page("/audit").await;
    assert!(audit.contains("token:door") && audit.contains("a test lead"), "{audit}");
}

#[tokio::test]
async fn a_rollback_happens_as_forecast_or_not_at_all() {
    let bench = bench_of(1).await;
    let browser = Browser::signed_in(&bench).await;
    let upgrade = |minor, digest: &str| {
        let mut upgrade = generation("web-leads", "main-street", r#"{"hook":{"verify":"none","idHeader":"x-id"}}"#);
        (upgrade.reason, upgrade.content.version) = (GenerationReason::Upgrade, semver::Version::new(1, minor, 0));
        upgrade.content.digest = digest.to_owned();
        upgrade.expected = Some(Generation(minor));
        upgrade
    };
    bench.shard.store().put_generation(upgrade(1, "sha256:11")).await.expect("an upgrade");
    let forecast = browser.page("/installations/web-leads/rollback").await;
    assert!(forecast.contains("What will happen") && forecast.contains("Roll back to 1.0.0"), "{forecast}");
    assert!(forecast.contains("State and timers stay as they are"), "{forecast}");

    bench.shard.store().put_generation(upgrade(2, "sha256:12")).await.expect("another upgrade meanwhile");
    let stale = browser.post("/installations/web-leads/rollback", "to=1&from=2&state=auto&reason=bad").await;
    assert!(
        stale.text.contains("Look again") && stale.text.contains("Somebody changed this installation"),
        "{}",
        stale.text
    );
    assert_eq!(bench.shard.store().installations()[0].active.generation, Generation(3));

    let done =
        browser.post("/installations/web-leads/rollback", "to=1&from=3&state=auto&reason=leads+are+refused").await;
    assert!(done.text.contains("Version 1.0.0 has taken over from 1.2.0 as generation 4"), "{}", done.text);
    let shown = browser.page("/installations/web-leads").await;
    assert!(shown.contains("“leads are refused”") && shown.contains("Rolled back"), "{shown}");
}

#[tokio::test]
async fn an_installation_is_paused_and_resumed() {
    let bench = bench_of(2).await;
    let browser = Browser::signed_in(&bench).await;
    let done = browser.post("/installations/web-leads/pause", "reason=inventory").await;
    assert_eq!(done.header("location"), "/installations/web-leads");
    let page = browser.page("/installations/web-leads").await;
    assert!(
        page.contains("inventory") && page.contains("Its 2 waiting events are delivered in their order."),
        "{page}"
    );
    assert!(browser.page("/").await.contains("web-leads is paused"));
    browser.post("/installations/web-leads/resume", "").await;
    assert!(browser.page("/").await.contains("Nothing needs you"));
    assert_eq!(browser.get("/installations/none").await.status, 404);
}

#[tokio::test]
async fn a_search_streams_its_matches_and_says_how_far_it_got() {
    let bench = Bench::new(CONFIG).await;
    let data = json!({"phone": "(312) 555-0187"});
    let event = json!({"specversion": "1.0", "type": "com.example.lead", "id": "77", "source": "/shop", "data": data});
    let router = control::router(bench.shard.clone());
    let sent = post_json(&router, "/v1/events/send", json!({"event": event.to_string()})).await;
    let browser = Browser::signed_in(&bench).await;
    let found = browser.post("/find", "text=312-555-0187&days=0").await;
    assert!(sent.status.is_success(), "{}", sent.text);
    assert!(found.text.contains("/events/1\"") && found.text.contains("1 match"), "{}", found.text);
    assert!(found.text.contains("of the log were searched") && found.text.ends_with("</html>"), "{}", found.text);
    let none = browser.post("/find", "text=nobody&days=7").await;
    assert!(none.text.contains("Nothing found"), "{}", none.text);
    let empty = browser.post("/find", "text=&days=7").await;
    assert!(empty.text.contains("id=\"text-error\""), "{}", empty.text);
}
