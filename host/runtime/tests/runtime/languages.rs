//! Connectors in JavaScript and Python: what their languages' clocks, random numbers, output and exceptions become.

#[path = "languages/build.rs"]
mod build;
#[path = "languages/events.rs"]
mod events;
#[path = "languages/router.rs"]
mod router;
#[path = "languages/sdk.rs"]
mod sdk;

use handoff_model::call::Called;
use handoff_model::effects::LogLevel as Level;
use handoff_model::failure::FailureKind;
use handoff_runtime::Prepared;

use crate::bench::{NOW, call, event, failed, seen};
use crate::language::{JAVASCRIPT, Language, PYTHON};
use build::prepared;

async fn steps(language: &Language) -> Option<Prepared> {
    prepared(language, &format!("steps-{}", language.name)).await
}

/// A step with the seed of another delivery.
async fn run(guest: &Prepared, step: &str, seed: u8) -> Called {
    let mut call = call();
    call.seed = [seed; 32];
    guest.handle(call, &event(step)).await
}

#[tokio::test]
async fn random_numbers_come_from_the_seed() {
    for language in [&JAVASCRIPT, &PYTHON] {
        let Some(guest) = steps(language).await else { continue };
        let drawn = [run(&guest, "random", 1).await, run(&guest, "random", 2).await, run(&guest, "random", 1).await];
        let [first, other, replayed] = drawn.each_ref().map(seen);
        assert_eq!(first.split_whitespace().count(), 3, "{}: {first}", language.name);
        for (one, other) in first.split_whitespace().zip(other.split_whitespace()) {
            assert_ne!(one, other, "{}: two fresh instances share a sequence", language.name);
        }
        assert_eq!(first, replayed, "{}: a replay repeats the sequence", language.name);
    }
}

#[tokio::test]
async fn the_clock_is_the_deliverys() {
    let expected = [
        (&JAVASCRIPT, format!("{NOW} 2026-03-30T15:30:00.000Z {NOW} true 0\n")),
        (&PYTHON, format!("{NOW} 2026-03-30T15:30:00+00:00 2026-03-30 True\n")),
    ];
    for (language, expected) in expected {
        let Some(guest) = steps(language).await else { continue };
        assert_eq!(seen(&run(&guest, "clock", 1).await), expected);
    }
}

#[tokio::test]
async fn output_goes_to_the_log() {
    let expected = [
        (&JAVASCRIPT, vec![(Level::Info, "printed {\"n\":\"1\"}"), (Level::Warn, "warned")]),
        (
            &PYTHON,
            vec![
                (Level::Info, "printed"),
                (Level::Warn, "warned"),
                (Level::Error, "logged 1"),
                (Level::Info, "no end of line"),
            ],
        ),
    ];
    for (language, expected) in expected {
        let Some(guest) = steps(language).await else { continue };
        let called = run(&guest, "output", 1).await;
        let logs: Vec<(Level, &str)> =
            called.trace.logs.iter().map(|line| (line.level, line.message.as_str())).collect();
        assert_eq!(logs, expected, "{called:?}");
    }
}

#[tokio::test]
async fn integers_beyond_a_double_are_exact() {
    for language in [&JAVASCRIPT, &PYTHON] {
        let Some(guest) = steps(language).await else { continue };
        let called = run(&guest, "integers", 1).await;
        assert_eq!(seen(&called), "12345678901234567891 number\n");
        let effects = called.outcome.expect("it commits");
        let stored = effects.state_writes.values().next().and_then(Option::as_ref).expect("one value");
        let expected = r#"{"n":12345678901234567890,"small":7,"next":12345678901234567891}"#;
        assert_eq!(String::from_utf8_lossy(stored), expected, "{}", language.name);
    }
}

/// Step, expected failure, expected text in the log.
type Case = (&'static str, &'static str, &'static str);

const SHARED: [Case; 10] = [
    ("unshown", "exception: the connector ", ""),
    ("retries", "crm-down: the CRM is down", ""),
    ("rejects", "no-use: this lead is of no use", ""),
    ("misconfigured", "misconfigured: config field `list` is wrong", ""),
    ("json", "invalid-data: data of the event `com.example.any.v1`", ""),
    ("ungranted", "misconfigured: not granted: `com.example.other.v1` may not be emitted", ""),
    ("key", "state-invalid-key: invalid key: the key has 0 bytes; expected 1 to 256", ""),
    ("dots", "invalid-path: segment 1 of the path is empty, `.` or `..`: no URL can name it", ""),
    ("causes", "exception: ", "caused by "),
    ("waits", "exception: ", "cx.schedule(key, at, event)"),
];

const OF_JAVASCRIPT: [Case; 5] = [
    (
        "recurses",
        "stack-overflow: the connector's stack overflowed (`limits.call.stack-bytes`): endless recursion?",
        "",
    ),
    (
        "throws",
        "exception: the connector threw TypeError at src/main.js:50 in deep; its log has the message and the stack",
        "TypeError: cannot read property 'email' of undefined\n    at src/main.js:50 in deep\n    at src/main.js:19 in throws",
    ),
    ("quotes jane.roe@example.com", "exception: the connector threw TypeError", "TypeError: no '…' in 'leads'\n"),
    ("fetches", "exception: ", "`fetch` does not exist in a connector: use `cx.fetch(request)` for look-ups"),
    ("promise", "exception: ", "the connector returned a promise, which nobody waits for"),
];

const OF_PYTHON: [Case; 9] = [
    ("recurses", "exception: ", "RecursionError: maximum recursion depth exceeded"),
    (
        "throws",
        "exception: the connector raised AttributeError at steps.py:124 in deep; its log has the message and the stack",
        "AttributeError: 'NoneType' object has no attribute 'customer'\n    at steps.py:124 in deep: return lead.customer\n",
    ),
    (
        "quotes jane.roe@example.com",
        "exception: the connector raised ValueError",
        "invalid literal for int() with base 10: '…'\n",
    ),
    ("typed", "invalid-data: data of the event `com.example.any.v1`, field `customer.email`: expected a string", ""),
    ("opens", "exception: ", "a connector has no files"),
    ("lists", "exception: ", "a connector has no files"),
    ("imports", "exception: ", "the module `csv` is not in the component: import it at the top of a module"),
    ("exits", "exception: the connector raised SystemExit", "SystemExit: 3"),
    ("promise", "exception: ", "the connector returned a value, which nobody reads"),
];

#[tokio::test]
async fn exceptions_become_failures_that_teach() {
    for (language, own) in [(&JAVASCRIPT, &OF_JAVASCRIPT[..]), (&PYTHON, &OF_PYTHON[..])] {
        let Some(guest) = steps(language).await else { continue };
        for (step, failure, log) in SHARED.iter().chain(own) {
            let called = run(&guest, step, 1).await;
            let (told, logged) = (failed(&called), seen(&called));
            assert!(told.starts_with(failure), "{}, {step}: {told}\nexpected {failure}", language.name);
            assert!(logged.contains(log), "{}, {step}: {logged}\nlacks {log}", language.name);
            assert!(!format!("{told}{logged}").contains("jane.roe"), "{}, {step}: {logged}", language.name);
        }
        let called = run(&guest, "retries", 1).await;
        let failure = called.outcome.expect_err("it fails");
        assert_eq!(failure.kind, FailureKind::Retry { after_ms: Some(5000) });
    }
}

#[tokio::test]
async fn path_segments_are_encoded() {
    for language in [&JAVASCRIPT, &PYTHON] {
        let Some(guest) = steps(language).await else { continue };
        let answer = "answer to https://crm.example/leads/C%201%20%C3%A4%21?a=b%26c\n";
        assert_eq!(seen(&run(&guest, "path", 1).await), answer, "{}", language.name);
    }
}

#[tokio::test]
async fn text_that_is_not_utf_8_is_replaced() {
    let Some(guest) = steps(&JAVASCRIPT).await else { return };
    assert_eq!(seen(&run(&guest, "text", 1).await), "\u{fffd}A\u{fffd}\n");
}
