//! Cases as native tests: inputs are those of the case, and every difference is reported.

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

const CASE: &str = r#"{
  "$schema": "case-1.schema.json",
  "about": {"package": "example/surveys", "version": "1.0.0"},
  "installation": "surveys", "generation": 3, "attempt": 2,
  "config": {"survey-url": "https://surveys.example/invite"},
  "stateSchema": 1,
  "state": {"seen": 4, "old": {"$hex": "00ff"}},
  "usedKeys": ["once"],
  "events": [{"type": "com.example.repair.closed.v1", "extensions": {"handoffhops": "1"}, "data": "R-7"}],
  "http": [{"request": {"method": "GET", "url": "https://surveys.example/invite/R-7"}, "response": {"status": 404}}]
}"#;

const EXPECTED: &str = r#"{
  "$schema": "expected-1.schema.json",
  "deliveries": [{"commit": {
    "emitted": [{"type": "com.example.survey.asked.v1", "datacontenttype": "application/json", "partitionkey": "R-7",
                 "data": [404, "76b8e0ada0f1"]}],
    "state": {"seen": 5, "old": null},
    "timersSet": {"again": {"at": "2026-03-31T15:00:00Z", "event": {"type": "com.example.survey.due.v1",
                  "datacontenttype": "application/json", "data": "R-7"}}},
    "requests": [{"key": "R-7", "request": {"method": "POST", "url": "https://surveys.example/invite",
                  "headers": {"x-attempt": "2"}}}]
  }}]
}"#;

/// The differences after texts of the case or of the expectation were replaced.
fn differences(changes: &[(&str, &str)]) -> Vec<String> {
    let (mut case, mut expected) = (CASE.to_owned(), EXPECTED.to_owned());
    for (from, to) in changes {
        assert!(case.contains(from) || expected.contains(from), "{from}");
        case = case.replacen(from, to, 1);
        expected = expected.replacen(from, to, 1);
    }
    let case = TestCase::parse(&case, &expected, ".").unwrap_or_else(|problem| panic!("{problem}"));
    case.run::<Surveys>().differences
}

#[test]
fn a_case_passes_if_the_connector_does_what_it_expects() {
    TestCase::parse(CASE, EXPECTED, ".").unwrap_or_else(|problem| panic!("{problem}")).check::<Surveys>();
}

#[test]
fn every_difference_is_reported() {
    for (from, to, named) in [
        ("\"seen\": 5", "\"seen\": 6", "state `seen`: expected 6, now 5"),
        ("\"old\": null", "\"old\": null, \"more\": \"x\"", "state `more`: expected \"x\", now no write"),
        ("76b8e0ada0f1", "76b8e0ada0f2", "emitted[0]"),
        ("2026-03-31T15:00:00Z", "2026-03-31T15:00:01Z", "timers set[0]"),
        ("\"headers\": {\"x-attempt\": \"2\"}", "\"headers\": {}", "requests[0]"),
        ("\"usedKeys\": [\"once\"]", "\"usedKeys\": []", "requests[0]"),
        ("\"state\": {\"seen\": 5", "\"timersCancelled\": [\"t\"], \"state\": {\"seen\": 5", "timer `t`"),
        ("invite/R-7", "invite/R-8", "outcome: expected a commit, now retry (http-unreachable)"),
    ] {
        let found = differences(&[(from, to)]);
        assert!(found.iter().any(|one| one.contains(named)), "{from} → {to}: {found:?}");
    }
}

#[test]
fn failures_are_compared_and_a_panic_is_a_trap() {
    let trap = "{\"$schema\": \"expected-1.schema.json\", \"deliveries\": [{\"failure\": {\"kind\": \"retry\", \"code\": \"trap\"}}]}";
    let run = |case: &str| {
        let case = TestCase::parse(case, trap, ".").unwrap_or_else(|problem| panic!("{problem}"));
        case.run::<Surveys>().differences
    };
    assert_eq!(run(&CASE.replace("\"data\": \"R-7\"", "\"data\": \"R-0\"")), Vec::<String>::new());
    let found = run(CASE);
    assert!(matches!(found.as_slice(), [one] if one.contains("trap") && one.ends_with("now a commit")), "{found:?}");
}

#[test]
fn deliveries_of_a_case_follow_each_other() {
    let two = CASE.replace(
        "\"data\": \"R-7\"}]",
        "\"data\": \"R-7\"}, {\"timer\": \"again\"}, {\"type\": \"x\", \"data\": \"R-7\", \"at\": \"2026-04-01T00:00:00Z\"}]",
    );
    let case = TestCase::parse(&two, EXPECTED, ".").unwrap_or_else(|problem| panic!("{problem}"));
    let run = case.run::<Surveys>();
    assert_eq!(run.differences, ["deliveries: expected 1, now 3"]);
    let seen = |index: usize| run.delivered[index].state_writes["seen"].clone();
    assert_eq!([seen(0), seen(1), seen(2)], [5, 6, 7].map(|count: u8| Some(count.to_string().into_bytes())));
    assert_ne!(run.delivered[0].emitted, run.delivered[1].emitted, "two deliveries never share random bytes");
    assert_eq!(run.delivered[2].sent, [], "the key of the request was used before");
}

#[test]
fn an_invalid_case_names_the_field() {
    for (from, to, named) in [
        ("case-1", "case-2", "$schema"),
        ("\"attempt\": 2", "\"attempt\": \"2\"", "attempt"),
        ("\"attempt\": 2", "\"attempt\": 2, \"seed\": \"xx\"", "seed"),
        ("\"usedKeys\"", "\"usedKey\"", "usedKey"),
        ("{\"$hex\": \"00ff\"}", "{\"$hex\": \"0\"}", "state.old"),
        ("{\"$hex\": \"00ff\"}", "{\"$file\": \"../secret\"}", "state.old"),
        ("\"commit\": {", "\"commit\": {\"sent\": [], ", "sent"),
        ("\"response\": {\"status\": 404}", "\"error\": {\"kind\": \"broken\"}", "http[0].error.kind"),
    ] {
        let (case, expected) = (CASE.replacen(from, to, 1), EXPECTED.replacen(from, to, 1));
        let problem = TestCase::parse(&case, &expected, ".").err().unwrap_or_default();
        assert!(problem.contains(named), "{from} → {to}: {problem}");
    }
}
