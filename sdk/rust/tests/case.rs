//! Recorded deliveries as tests: inputs are as recorded, and every difference is reported.

use handoff_sdk::testkit::TestCase;
use handoff_sdk::{Connector, Context, Event, Failure, NewEvent, OutboxRequest, Request};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    survey_url: String,
}

/// Uses every input and has every effect.
struct Surveys;

impl Connector for Surveys {
    type Config = Config;

    fn handle(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
        let order: String = event.json()?;
        assert!(order != "R-0", "no such order");
        let seen: Option<u32> = cx.state().get("seen")?;
        cx.state().set("seen", &(seen.unwrap_or(0) + 1))?;
        cx.state().delete("old")?;
        let found = cx.fetch(Request::get(format!("{}/{order}", cx.config().survey_url)))?;
        let drawn: [u8; 6] = cx.random();
        let drawn: String = drawn.iter().map(|byte| format!("{byte:02x}")).collect();
        cx.emit(NewEvent::json("com.example.survey.asked.v1", &(found.status, &drawn))?.partition_key(order.as_str()))?;
        cx.schedule("again", cx.now().plus_days(1), NewEvent::json("com.example.survey.due.v1", &order)?)?;
        cx.cancel("never-set")?;
        cx.send(OutboxRequest::new("once", Request::post(&cx.config().survey_url).json(&order)?))?;
        cx.send(OutboxRequest::new(
            &order,
            Request::post(&cx.config().survey_url).header("X-Attempt", cx.delivery().attempt.to_string()),
        ))?;
        Ok(())
    }
}

handoff_sdk::export!(Surveys);

/// In the format of `handoff replay --export`.
const CASE: &str = r#"{
  "format": "handoff-test-case/1",
  "about": {"package": "example/surveys", "version": "1.0.0"},
  "delivery": {"installation": "surveys", "generation": 3, "attempt": 2, "time": 1774882800000, "rooftop": "main-street",
               "timeZone": "America/Chicago", "utcOffsetSeconds": -18000},
  "config": {"survey-url": "https://surveys.example/invite"},
  "event": {"id": "e-1", "source": "https://dms.example", "type": "com.example.repair.closed.v1", "subject": null, "time": null,
            "dataContentType": "application/json", "dataSchema": null, "extensions": {"handoffhops": "1"}, "data": {"text": "\"R-7\""}},
  "seed": "0000000000000000000000000000000000000000000000000000000000000000",
  "state": {"seen": {"text": "4"}, "old": {"hex": "00ff"}},
  "answers": [{"request": {"method": "GET", "url": "https://surveys.example/invite/R-7", "headers": [], "body": null,
                           "auth": null, "timeoutMs": null},
               "response": {"status": 404, "headers": [], "body": {"text": ""}}}],
  "usedKeys": ["once"],
  "expect": {
    "emitted": [{"type": "com.example.survey.asked.v1", "subject": null, "time": null, "dataContentType": "application/json",
                 "dataSchema": null, "partitionKey": "R-7", "extensions": {}, "data": {"text": "[404,\"76b8e0ada0f1\"]"}}],
    "state": {"seen": {"text": "5"}, "old": null},
    "timersSet": {"again": {"at": 1774969200000, "event": {"type": "com.example.survey.due.v1", "subject": null, "time": null,
                  "dataContentType": "application/json", "dataSchema": null, "partitionKey": null, "extensions": {},
                  "data": {"text": "\"R-7\""}}}},
    "timersCancelled": [],
    "sent": [{"key": "R-7", "request": {"method": "POST", "url": "https://surveys.example/invite",
              "headers": [["x-attempt", "2"]], "body": null, "auth": null, "timeoutMs": null}, "answer": false,
              "partitionKey": null}]
  }
}"#;

fn differences(changes: &[(&str, &str)]) -> Vec<String> {
    let case = changes.iter().fold(CASE.to_owned(), |case, (from, to)| {
        assert!(case.contains(from), "{from}");
        case.replacen(from, to, 1)
    });
    TestCase::parse(&case).unwrap_or_else(|problem| panic!("{problem}")).run::<Surveys>().differences
}

#[test]
fn an_unchanged_delivery_passes() {
    TestCase::parse(CASE).unwrap_or_else(|problem| panic!("{problem}")).check::<Surveys>();
}

#[test]
fn every_difference_is_reported() {
    for (from, to, named) in [
        ("{\"text\": \"5\"}", "{\"text\": \"6\"}", "state `seen`: recorded 6, now 5"),
        ("\"old\": null}", "\"old\": null, \"more\": {\"text\": \"x\"}}", "state `more`: recorded x, now no write"),
        ("76b8e0ada0f1", "76b8e0ada0f2", "emitted[0]"),
        ("1774969200000", "1774969200001", "timers set[0]"),
        ("[[\"x-attempt\", \"2\"]]", "[]", "sent[0]"),
        ("\"usedKeys\": [\"once\"]", "\"usedKeys\": []", "sent[0]"),
        ("\"timersCancelled\": []", "\"timersCancelled\": [\"t\"]", "timer `t`"),
        (
            "\"R-7\\\"\"}},\n  \"seed\"",
            "\"R-8\\\"\"}},\n  \"seed\"",
            "outcome: recorded a commit, now retry (http-unreachable)",
        ),
    ] {
        let found = differences(&[(from, to)]);
        assert!(found.iter().any(|one| one.contains(named)), "{from} → {to}: {found:?}");
    }
}

#[test]
fn failures_are_compared_and_a_panic_is_a_trap() {
    let failed = "\"expect\": {\"failure\": {\"kind\": \"retry\", \"code\": \"trap\", \"message\": \"at 0x12\", \"afterMs\": null},";
    let zero = ("\"R-7\\\"\"}},\n  \"seed\"", "\"R-0\\\"\"}},\n  \"seed\"");
    assert_eq!(differences(&[zero, ("\"expect\": {", failed)]), Vec::<String>::new());
    assert_eq!(differences(&[("\"expect\": {", failed)]), ["outcome: recorded retry (trap): at 0x12, now a commit"]);
}

#[test]
fn an_invalid_case_names_the_field() {
    for (from, to, named) in [
        ("case/1", "case/2", "format"),
        ("\"attempt\": 2", "\"attempt\": \"2\"", "delivery.attempt"),
        ("\"seed\": \"00", "\"seed\": \"xx", "seed"),
        ("\"usedKeys\"", "\"usedKey\"", "usedKey"),
        ("{\"hex\": \"00ff\"}", "{\"hex\": \"0\"}", "state.old.hex"),
    ] {
        let problem = TestCase::parse(&CASE.replacen(from, to, 1)).err().unwrap_or_default();
        assert!(problem.contains(named), "{from} → {to}: {problem}");
    }
}
