//! The lead router in three languages: the same events have the same effects, byte for byte.
//!
//! Failures have the same kinds and codes. Their messages differ where a language's own words are part of them.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use handoff_build::Options;
use handoff_model::call::{Call, Called, LookUps};
use handoff_model::effects::Effects;
use handoff_model::event::Event;
use handoff_model::failure::FailureKind;
use handoff_model::grants::Grants;
use handoff_model::http::{HttpError, Request, Response};
use handoff_model::limits::CallLimits;
use handoff_runtime::{Prepared, Runtime};

use super::build::prepared;
use crate::bench::{FakeState, call, event, options, seen};
use crate::guest::{Guest, scratch};
use crate::language::{JAVASCRIPT, PYTHON, root};

const RECEIVED: &str = "com.example.lead.received.v1";
const OVERDUE: &str = "com.example.lead.overdue.v1";
const ANSWERED: &str = "com.handoff.outbox.answered.v1";
const CONFIG: &str = r#"{"list":"bdc","crm-url":"https://crm.example/leads","escalate-after-minutes":30}"#;
const LEAD: &str = r#"{"id":"L-1","name":"Zoë \"Z\" Ünal 😀","reference":12345678901234567890,"more":[1.5]}"#;
const STORED: &str =
    r#"{"id":"L-1","name":"Zoë","reference":12345678901234567890,"owner":"ann","at":1774884600000,"answered":false}"#;

/// A CRM that knows one lead.
struct Crm;

impl LookUps for Crm {
    fn fetch<'a>(&'a self, _: &'a Grants, request: &'a Request) -> BoxFuture<'a, Result<Response, HttpError>> {
        let (status, body) = match request.url.as_str() {
            "https://crm.example/leads/L-1" => (200, r#"{"owner":"ann","since":2019}"#),
            "https://crm.example/leads/busy" => (503, "<html>busy</html>"),
            "https://crm.example/leads/proxy" => (200, "<html>log in</html>"),
            "https://crm.example/leads/L-2" => (200, r#"{"owner":null}"#),
            _ => (404, ""),
        };
        Box::pin(async move { Ok(Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() }) })
    }
}

/// What happens, type, subject and data of the event, state before, number of effects.
type Case<'a> = (&'a str, &'a str, Option<&'a str>, &'a str, &'a [(&'a str, &'a str)], usize);

async fn routers() -> Vec<(&'static str, Prepared)> {
    let target = scratch().join("guests");
    let options_of_build =
        Options { output: Some(scratch().join("lead-router")), target: Some(target), ..Options::default() };
    let folder = root().join("tests/guests/lead-router-rust");
    let built = handoff_build::build(&folder, &options_of_build, &mut |line| println!("{line}"));
    let guest = Guest::of(built.unwrap_or_else(|error| panic!("{error}")).bytes);
    let runtime = Runtime::new(options(CallLimits::default())).expect("the runtime starts");
    let rust = runtime.prepare(&guest.digest, &guest.component).await.expect("a connector");
    let mut routers = vec![("rust", rust)];
    for language in [&JAVASCRIPT, &PYTHON] {
        let guest = prepared(language, &format!("lead-router-{}", language.name)).await;
        routers.extend(guest.map(|guest| (language.name, guest)));
    }
    routers
}

fn call_of(config: &str, state: &[(&str, &str)]) -> Call {
    let mut call = call();
    let mut grants = Grants::clone(&call.grants);
    for name in ["com.example.lead.routed.v1", "com.example.lead.escalated.v1"] {
        grants.emits.insert(name.to_owned());
    }
    call.grants = Arc::new(grants);
    call.config_json = config.into();
    call.state = Arc::new(FakeState::of(state));
    call.look_ups = Arc::new(Crm);
    call
}

fn event_of(type_name: &str, subject: Option<&str>, data: &str) -> Event {
    let content_type = Some("application/json".to_owned());
    let (type_name, subject) = (type_name.to_owned(), subject.map(str::to_owned));
    Event { type_name, subject, data_content_type: content_type, ..event(data) }
}

#[tokio::test]
async fn three_languages_have_the_same_effects() {
    let stored = [("lead/L-1", STORED)];
    let answered = STORED.replace("false", "true");
    let done = [("lead/L-1", answered.as_str())];
    let cases: [Case<'_>; 8] = [
        ("a lead with an owner", RECEIVED, None, LEAD, &[], 6),
        ("a lead without one", RECEIVED, None, &LEAD.replace("L-1", "L-9"), &[], 6),
        ("a lead whose owner left", RECEIVED, None, &LEAD.replace("L-1", "L-2"), &[], 6),
        ("a lead that is there", RECEIVED, None, LEAD, &stored, 1),
        ("nobody took it", OVERDUE, None, r#"{"id":"L-1"}"#, &stored, 2),
        ("somebody took it", OVERDUE, None, r#"{"id":"L-1"}"#, &done, 0),
        ("the CRM answers", ANSWERED, Some("assign-L-1"), "{}", &stored, 2),
        ("the CRM answers for an unknown lead", ANSWERED, Some("assign-L-7"), "{}", &stored, 0),
    ];
    let routers = routers().await;
    for (what, type_name, subject, data, state, count) in cases {
        let mut first: Option<(Effects, String)> = None;
        for (language, guest) in &routers {
            let called = guest.handle(call_of(CONFIG, state), &event_of(type_name, subject, data)).await;
            let logs = seen(&called);
            let effects = called.outcome.unwrap_or_else(|failure| panic!("{what}, {language}: {failure:?}\n{logs}"));
            assert_eq!(number(&effects), count, "{what}, {language}: {effects:?}");
            match &first {
                None => first = Some((effects, logs)),
                Some(first) => {
                    assert_eq!(texts(&first.0), texts(&effects), "{what}: rust, then {language}");
                    assert_eq!(first, &(effects, logs), "{what}: rust, then {language}");
                }
            }
        }
    }
}

fn number(effects: &Effects) -> usize {
    effects.state_writes.len()
        + effects.emitted.len()
        + effects.timers_set.len()
        + effects.timers_cancelled.len()
        + effects.outbox.len()
        + effects.metrics.len()
}

/// The payloads as text: a difference of bytes is hard to read.
fn texts(effects: &Effects) -> Vec<String> {
    let state = effects.state_writes.values().flatten();
    let timers = effects.timers_set.values().map(|timer| &timer.event.data);
    let events = effects.emitted.iter().map(|event| &event.data);
    let requests = effects.outbox.iter().filter_map(|request| request.request.body.as_ref());
    state.chain(timers).chain(events).chain(requests).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
}

#[tokio::test]
async fn three_languages_fail_in_the_same_way() {
    let retry = FailureKind::Retry { after_ms: None };
    let lead = |id: &str| LEAD.replace("L-1", id);
    let cases = [
        ("the CRM is busy", RECEIVED, lead("busy"), retry, "crm-unavailable"),
        ("a page instead of an answer", RECEIVED, lead("proxy"), retry, "invalid-answer"),
        ("no JSON", RECEIVED, "jane.roe".to_owned(), FailureKind::Reject, "invalid-data"),
        ("another type", RECEIVED, LEAD.replace("12345678901234567890", "{}"), FailureKind::Reject, "invalid-data"),
        ("an unknown event", "com.example.any.v1", "{}".to_owned(), FailureKind::Reject, "unexpected-type"),
        ("an answer to nothing", ANSWERED, "{}".to_owned(), FailureKind::Reject, "unknown-answer"),
    ];
    for (language, guest) in routers().await {
        for (what, type_name, data, kind, code) in &cases {
            let called = guest.handle(call_of(CONFIG, &[]), &event_of(type_name, None, data)).await;
            let logs = seen(&called);
            let failure = called.outcome.expect_err(what);
            assert_eq!(
                (&failure.kind, failure.code.as_str()),
                (kind, *code),
                "{what}, {language}: {failure:?}\n{logs}"
            );
            assert!(!format!("{failure:?}{logs}").contains("jane.roe"), "{what}, {language}: {failure:?}\n{logs}");
        }
    }
}

#[tokio::test]
async fn three_languages_validate_and_migrate() {
    let old = [("lead/L-1", r#"{"id":"L-1","reference":12345678901234567890}"#), ("other", "x")];
    let mut migrated: Option<Effects> = None;
    for (language, guest) in routers().await {
        assert!(guest.validate(call_of(CONFIG, &[])).await.outcome.is_ok(), "{language}");
        let refused = guest.validate(call_of(&CONFIG.replace("bdc", ""), &[])).await;
        assert_eq!(misconfigured(&refused), "config field `list` is empty; expected the name of a list", "{language}");

        let effects = guest.migrate(call_of(CONFIG, &old), 1).await.outcome.expect("it commits");
        assert_eq!(effects.state_writes.len(), 1, "{language}: {effects:?}");
        match &migrated {
            None => migrated = Some(effects),
            Some(first) => assert_eq!(texts(first), texts(&effects), "rust, then {language}"),
        }
    }
}

fn misconfigured(called: &Called) -> &str {
    let failure = called.outcome.as_ref().expect_err("it fails");
    assert_eq!(failure.kind, FailureKind::Misconfigured);
    &failure.message
}
