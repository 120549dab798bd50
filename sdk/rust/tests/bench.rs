//! The test kit as connector authors use it: what it commits and discards, and which limits it enforces.

use handoff_sdk::testkit::{Bench, event};
use handoff_sdk::{
    Connector, Context, Event, Failure, HttpError, NewEvent, OutboxError, OutboxRequest, Request, Response, Timestamp,
    limits,
};
use serde::Deserialize;
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    crm_url: String,
    #[serde(default)]
    hours: Hours,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hours {
    open: u8,
}

/// Does what the event's type says.
struct Puppet;

impl Connector for Puppet {
    type Config = Config;

    fn handle(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
        match event.type_name.as_str() {
            "all" => all(cx),
            "all-then-fail" => all(cx).and(Err(Failure::retry("crm-down", "no answer").after_ms(500))),
            "big-value" => Ok(cx.state().set_bytes("k", &vec![0; limits::STATE_VALUE_BYTES_MAX + 1])?),
            "many-keys" => (0..=limits::STATE_WRITES_MAX).try_for_each(|n| Ok(cx.state().set(&format!("k{n}"), &n)?)),
            "long-key" => Ok(cx.state().delete(&"k".repeat(257))?),
            "many-events" => (0..=limits::EMITS_MAX).try_for_each(|n| Ok(cx.emit(NewEvent::json("a.b", &n)?)?)),
            "many-look-ups" => (0..=limits::LOOK_UPS_MAX)
                .try_for_each(|_| cx.fetch(Request::get("https://crm.example/a")).map(drop).map_err(Failure::from)),
            "far-timer" => Ok(cx.schedule("t", cx.now().plus_days(367), NewEvent::json("a.b", &1)?)?),
            "own-header" => {
                Ok(cx.send(OutboxRequest::new("k", Request::get("https://a.example").header("Authorization", "x")))?)
            }
            "lookup" => {
                let lead: u32 = cx.fetch(Request::get(format!("{}/lead", cx.config().crm_url)))?.json()?;
                Ok(cx.state().set("lead", &lead)?)
            }
            "scan" => {
                (0..450).try_for_each(|n| cx.state().set(&format!("s/{n:03}"), &n))?;
                cx.state().delete("s/007")?;
                let found: Vec<(String, u32)> = cx.state().scan_json("s/").collect::<Result<_, _>>()?;
                assert!(found.is_sorted() && found.len() == 449 && cx.state().scan("t/").next().is_none());
                Ok(())
            }
            "random" => Ok(cx.state().set("random", &u64::from_le_bytes(cx.random()))?),
            "bad-metric" => {
                cx.counter("Not Kebab", 1, &[]);
                Ok(())
            }
            "impure" => {
                static CALLS: AtomicU32 = AtomicU32::new(0);
                Ok(cx.state().set("calls", &CALLS.fetch_add(1, Ordering::Relaxed))?)
            }
            "bad-code" => Err(Failure::reject("Not A Code", "")),
            "parse" => event.json::<Config>().map(drop),
            other => Err(cx.unexpected_type(other)),
        }
    }

    fn validate(cx: &Context<'_, Config>) -> Result<(), Failure> {
        if cx.config().hours.open > 23 {
            return Err(Failure::misconfigured("`hours.open` must be 0 to 23"));
        }
        let refused = cx.emit(NewEvent::json("a.b", &1)?);
        assert!(refused.is_err(), "validate must have no effects");
        Ok(())
    }
}

handoff_sdk::export!(Puppet);

fn all(cx: &Context<'_, Config>) -> Result<(), Failure> {
    cx.info("working", &[("rooftop", &cx.delivery().rooftop)]);
    cx.state().set("seen", &cx.now())?;
    cx.emit(NewEvent::json("com.example.out.v1", &json!({"n": 1}))?.partition_key("p"))?;
    cx.schedule("again", cx.now().plus_minutes(10), NewEvent::json("random", &())?)?;
    cx.send(OutboxRequest::new("once", Request::post(&cx.config().crm_url).json(&json!([1]))?).answer(true))?;
    cx.counter("worked", 2, &[("kind", "all")]);
    Ok(())
}

fn bench() -> Bench<Puppet> {
    Bench::new(json!({ "crm-url": "https://crm.example" }))
}

fn of_type(name: &str) -> Event {
    event(name).build()
}

#[test]
fn success_commits_everything_and_a_used_key_sends_nothing() {
    let mut bench = bench();
    let now = bench.now();
    let done = bench.deliver(&of_type("all"));
    done.expect_ok();
    assert_eq!(done.emitted_json::<serde_json::Value>("com.example.out.v1"), [json!({"n": 1})]);
    assert_eq!((done.sent.len(), done.timers_set.len(), done.counted("worked")), (1, 1, 2));
    assert_eq!(done.logs.first().map(|log| log.fields.clone()), Some(vec![("rooftop".into(), "main-street".into())]));
    assert_eq!((bench.state_json("seen"), bench.state_keys("")), (Some(now), vec!["seen".to_owned()]));
    let again = bench.deliver(&of_type("all"));
    assert_eq!((again.sent.len(), again.sends_dropped), (0, vec!["once".to_owned()]));
}

#[test]
fn failure_discards_everything_except_the_log() {
    let mut bench = bench();
    let failed = bench.deliver(&of_type("all-then-fail"));
    assert_eq!(failed.expect_failure(), &Failure::retry("crm-down", "no answer").after_ms(500));
    assert!(
        failed.emitted.is_empty()
            && failed.sent.is_empty()
            && failed.metrics.is_empty()
            && failed.state_writes.is_empty()
    );
    assert_eq!((failed.logs.len(), bench.state_keys("").len(), bench.timers().len()), (1, 0, 0));
    assert_eq!(bench.deliver(&of_type("all")).sent.len(), 1, "the failed delivery must not use the key");
}

#[test]
fn timers_fire_in_order_and_randomness_differs_per_attempt() {
    let mut bench = bench();
    bench.deliver(&of_type("all")).expect_ok();
    let due = bench.now().plus_minutes(10);
    assert!(bench.fire_timers(Timestamp::from_millis(due.as_millis() - 1)).is_empty());
    let fired = bench.fire_timers(due.plus_hours(1));
    assert_eq!((fired.len(), bench.timers().len(), bench.now()), (1, 0, due.plus_hours(1)));
    let first: Option<u64> = bench.state_json("random");
    bench.deliver(&of_type("random")).expect_ok();
    assert!(first.is_some() && first != bench.state_json("random"));
}

#[test]
fn limits_of_the_contract_are_failures_that_name_them() {
    for (name, code, part) in [
        ("big-value", "state-value-too-large", "65537 bytes"),
        ("many-keys", "state-limit-exceeded", "1001 keys"),
        ("long-key", "state-invalid-key", "257 bytes"),
        ("many-events", "outbox-limit-exceeded", "more than 1000 events"),
        ("many-look-ups", "http-limit-exceeded", "more than 50 look-ups"),
        ("far-timer", "outbox-invalid", "more than a year"),
        ("own-header", "outbox-invalid", "`Authorization` is set by the host"),
        ("nonsense", "unexpected-type", "`nonsense`"),
    ] {
        let mut bench = bench();
        bench.answer("GET", "https://crm.example/a", Response::default());
        let delivered = bench.deliver(&of_type(name));
        let failure = delivered.expect_failure();
        assert!(failure.code() == code && failure.message().contains(part), "{name}: {failure}");
    }
    bench().deliver(&of_type("scan")).expect_ok();
    assert_eq!(bench().deliver(&of_type("bad-metric")).violations.len(), 1);
}

#[test]
fn look_ups_get_the_configured_responses() {
    let mut bench = bench();
    let missing = bench.deliver(&of_type("lookup"));
    assert_eq!(missing.expect_failure().code(), "http-unreachable");
    assert!(missing.expect_failure().message().contains("Bench::answer"));
    let url = "https://crm.example/lead";
    bench.answer_error("GET", url, HttpError::Unavailable(2_000));
    let closed = bench.deliver(&of_type("lookup"));
    assert!(matches!(closed.expect_failure(), Failure::Retry { after_ms: Some(2_000), .. }));
    bench.answer("GET", url, Response { status: 200, body: b"\"x\"".to_vec(), ..Response::default() });
    assert_eq!(bench.deliver(&of_type("lookup")).expect_failure().code(), "invalid-answer");
    bench.answer("GET", url, Response { status: 200, body: b"42".to_vec(), ..Response::default() });
    bench.deliver(&of_type("lookup")).expect_ok();
    assert_eq!(bench.state_json("lead"), Some(42));
}

#[test]
fn invalid_config_and_data_errors_name_the_field() {
    let validate = |config| Bench::<Puppet>::new(config).validate().expect_err("the config is wrong").to_string();
    for (config, part) in [
        (json!({}), "config: missing field `crm-url`"),
        (json!({"crm-url": 7}), "config, field `crm-url`: found an integer, expected a string"),
        (json!({"crm-url": "x", "hours": {"open": 300}}), "field `hours.open`: found an integer, expected u8"),
        (json!({"crm-url": "x", "hours": {"opens": 3}}), "field `hours.opens`: unknown field `opens`"),
        (json!({"crm-url": "x", "hours": {"open": 24}}), "`hours.open` must be 0 to 23"),
    ] {
        let text = validate(config);
        assert!(text.starts_with("misconfigured: ") && text.contains(part), "{text}");
    }
    assert_eq!(bench().validate(), Ok(()));
    assert!(bench().migrate(1).expect_failure().message().contains("schema 1"));
    let delivered = bench().deliver(&event("parse").json(&json!({"crm-url": "x", "hours": {"open": "9"}})).build());
    assert_eq!(delivered.expect_failure().code(), "invalid-data");
    assert!(delivered.expect_failure().message().contains("field `hours.open`"));
}

#[test]
#[should_panic(expected = "ran twice with different results")]
fn a_nondeterministic_call_fails_the_test() {
    bench().deliver(&of_type("impure"));
}

#[test]
#[should_panic(expected = "kebab-case word of at most 64 bytes")]
fn an_invalid_failure_code_fails_the_test() {
    bench().deliver(&of_type("bad-code"));
}

#[test]
fn segments_of_a_path_are_encoded() {
    for (base, segments, url) in [
        ("https://crm.example", ["customers", "C/1"], "https://crm.example/customers/C%2F1"),
        ("https://crm.example/api/", ["a b", "ü?x#y"], "https://crm.example/api/a%20b/%C3%BC%3Fx%23y"),
        ("https://crm.example/api?key=1", ["A-1._~", "%"], "https://crm.example/api/A-1._~/%25?key=1"),
    ] {
        assert_eq!(Request::get(base).path(segments).url, url);
    }
}

#[test]
fn errors_of_json_name_field_and_type_but_no_value() {
    #[derive(Debug, Deserialize)]
    struct Person {
        #[expect(dead_code, reason = "only parsed")]
        age: u8,
        #[expect(dead_code, reason = "only parsed")]
        since: Timestamp,
        #[expect(dead_code, reason = "only parsed")]
        kind: Kind,
    }
    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Kind {
        Private,
        Business,
    }
    for (data, told) in [
        (json!({ "age": "jane.roe@mail.example, expected u8" }), "field `age`: found a string, expected u8"),
        (json!({ "age": 2048 }), "field `age`: found an integer, expected u8"),
        (
            json!({ "age": 1, "since": "jane 2048" }),
            "field `since`: found a string, expected an RFC 3339 date and time",
        ),
        (json!({ "age": 1, "kind": "jane 2048" }), "found an unknown variant, expected `private` or `business`"),
        (json!({ "age": 1 }), "missing field `since`"),
    ] {
        let failure = event("t").json(&data).build().json::<Person>().expect_err("invalid data");
        assert!(failure.message().contains(told), "{failure}");
        assert!(!failure.message().contains("jane") && !failure.message().contains("2048"), "{failure}");
    }
}

#[test]
fn a_path_that_is_not_granted_rejects_the_event_and_no_more() {
    let denied = |text: &str| Failure::from(OutboxError::Denied(text.to_owned()));
    let refused = denied("path: `/customers/C/1` is not granted as a path; grant `crm` allows /customers/*");
    assert!(matches!(&refused, Failure::Reject { code, .. } if code == "path-not-granted"), "{refused}");
    assert!(matches!(denied("url: https://other.example is not granted"), Failure::Misconfigured { .. }));
    let looked_up = Failure::from(HttpError::Denied("path: `/a` is not granted as a path".to_owned()));
    assert!(matches!(looked_up, Failure::Reject { .. }), "{looked_up}");
}
