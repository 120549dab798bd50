//! Every limit of a call and of the runtime has a guest that exceeds it: with a tight limit it is refused with its own
//! message, and with the default it is not. A limit without a guest fails here.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use handoff_model::call::Call;
use handoff_model::limits::{CallLimits, EngineLimits, RuntimeLimits};
use handoff_runtime::{Prepared, Runtime, RuntimeOptions};
use serde::Serialize;

use crate::bench::{Bench, FakeLookUps, FakeState, call, event, failed, options, seen};
use crate::bombs;
use crate::guest::{Guest, probe};
use crate::raw::GROWS_ITS_TABLE_A_LITTLE;
use crate::raw_guests::prepare;

/// The limit's config key, how to tighten it, a script that exceeds it, and the expected message.
type Case = (&'static str, fn(&mut CallLimits), &'static str, &'static str);

const LOOK_UP: &str = "https://crm.example/leads/1";

/// Limits that egress enforces: the end-to-end tests have guests for them.
const ENFORCED_BY_EGRESS: [&str; 2] = ["http-timeout-ms", "response-body-bytes"];
/// Limits with a test of their own below.
const TESTED_SEPARATELY: [&str; 2] = ["table-elements", "yield-after-ms"];

const CASES: [Case; 28] = [
    (
        "deadline-ms",
        |l| l.deadline_ms = 60,
        "work 400000000",
        "deadline-exceeded: the call did not return within 60 ms",
    ),
    ("memory-bytes", |l| l.memory_bytes = 4 << 20, "allocate 8000000", "memory-limit: "),
    ("stack-bytes", |l| l.stack_bytes = 64 << 10, "recurse-to 4000", "stack-overflow: "),
    ("host-call-bytes", |l| l.host_call_bytes = 1 << 20, "log-size 2000000", "host-call-bytes-limit: "),
    ("host-calls", |l| l.host_calls = 100, "log-many 200", "host-call-limit: more than 100"),
    ("random-bytes", |l| l.random_bytes = 64, "random 40\nrandom 40", "random-limit: "),
    (
        "state-key-bytes",
        |l| l.state_key_bytes = 5,
        "set too-long v",
        "InvalidKey(\"the key has 8 bytes; expected 1 to 5",
    ),
    ("state-value-bytes", |l| l.state_value_bytes = 50, "set-size k 100", "ValueTooLarge("),
    (
        "state-writes",
        |l| l.state_writes = 5,
        "set-many 9",
        "5 then Error::LimitExceeded(\"a delivery writes at most 5 keys",
    ),
    ("state-write-bytes", |l| l.state_write_bytes = 50, "set-size k 100", "a delivery writes at most 50 bytes"),
    ("state-reads", |l| l.state_reads = 1, "get a\nget b", "a delivery reads at most 1 keys"),
    ("state-read-bytes", |l| l.state_read_bytes = 50, "get large", "a delivery reads at most 50 bytes"),
    ("emitted-events", |l| l.emitted_events = 2, "emit-many 3 com.example.done.v1 1", "emits at most 2 events"),
    (
        "emitted-event-bytes",
        |l| l.emitted_event_bytes = 50,
        "emit-many 1 com.example.done.v1 100",
        "expected at most 50",
    ),
    ("timers", |l| l.timers = 1, "schedule-many 0 2 1774884660000 com.example.tick.v1", "sets at most 1 timers"),
    (
        "outbox-requests",
        |l| l.outbox_requests = 1,
        "send-many 2 https://crm.example/leads/1",
        "sends at most 1 requests",
    ),
    ("effect-bytes", |l| l.effect_bytes = 500, "emit-many 1 com.example.done.v1 1000", "at most 500 bytes in total"),
    ("look-ups", |l| l.look_ups = 1, "fetch-many 2 https://crm.example/leads/1", "makes at most 1 look-ups"),
    (
        "look-up-bytes",
        |l| l.look_up_bytes = 10,
        "fetch-many 2 https://crm.example/leads/1",
        "at most 10 bytes in total",
    ),
    ("metric-updates", |l| l.metric_updates = 1, "metrics 0 2", "makes at most 1 metric updates"),
    ("request-headers", |l| l.request_headers = 2, "send-sized 3 1 1", "Err(Error::Invalid("),
    ("request-header-bytes", |l| l.request_header_bytes = 50, "send-sized 1 100 1", "Err(Error::Invalid("),
    ("request-body-bytes", |l| l.request_body_bytes = 50, "send-sized 1 1 100", "Err(Error::Invalid("),
    ("log-messages", |l| l.log_messages = 3, "log-many 9", "the host dropped 7 messages"),
    ("log-message-bytes", |l| l.log_message_bytes = 50, "log-size 100", "and shortened 1: a delivery logs"),
    ("hops", |l| l.hops = 0, "emit com.example.done.v1 x", "at most 0 are allowed (`limits.call.hops`)"),
    // The same limits for effects other than events.
    ("hops", |l| l.hops = 0, "schedule soon 0 com.example.tick.v1", "at most 0 are allowed (`limits.call.hops`)"),
    ("effect-bytes", |l| l.effect_bytes = 50, "send-sized 1 1 100", "at most 50 bytes in total"),
];

fn names(limits: &impl Serialize) -> BTreeSet<String> {
    let limits = serde_json::to_value(limits).expect("limits are JSON");
    limits.as_object().expect("a table").keys().cloned().collect()
}

fn prepared_call() -> Call {
    let mut call = call();
    call.state = Arc::new(FakeState::of(&[("large", &"l".repeat(100))]));
    call
}

/// Everything that a person sees of a call.
async fn said(guest: &Prepared, script: &str) -> String {
    let called = guest.handle(prepared_call(), &event(script)).await;
    let failure = if called.outcome.is_err() { failed(&called) } else { String::new() };
    seen(&called) + &failure
}

#[tokio::test]
async fn every_call_limit_has_a_guest_and_its_own_message() {
    let as_shipped = Bench::new().await;
    for (name, tighten, script, answer) in CASES {
        let mut tight = CallLimits::default();
        tighten(&mut tight);
        let tight = said(&Bench::with(tight).await.probe, script).await;
        assert!(tight.contains(answer), "{name}: {script}\n{tight}\nlacks {answer}");
        let usual = said(&as_shipped.probe, script).await;
        assert!(!usual.contains(answer), "{name}: with the default limit\n{usual}");
    }
    let met = CASES.iter().map(|case| case.0).chain(ENFORCED_BY_EGRESS).chain(TESTED_SEPARATELY);
    let met: BTreeSet<String> = met.map(str::to_owned).collect();
    assert_eq!(met, names(&CallLimits::default()), "each limit needs a guest that exceeds it");
}

#[tokio::test]
async fn a_table_grows_up_to_its_limit() {
    for (table_elements, answer) in [(500, Some("table-limit: ")), (20_000, None)] {
        let limits = CallLimits { table_elements, ..CallLimits::default() };
        let runtime = Runtime::new(options(limits)).expect("the runtime starts");
        let called = prepare(&runtime, &GROWS_ITS_TABLE_A_LITTLE).await.handle(call(), &event("")).await;
        let failure = called.outcome.is_err().then(|| failed(&called));
        assert_eq!(failure.is_some(), answer.is_some(), "{failure:?}");
        assert!(failure.is_none_or(|text| text.starts_with(answer.unwrap_or_default())));
    }
}

#[tokio::test]
async fn a_computing_guest_yields_as_often_as_configured() {
    for (yield_after_ms, is_soon) in [(5, true), (100_000, false)] {
        let bench = Bench::with(CallLimits { deadline_ms: 400, yield_after_ms, ..CallLimits::default() }).await;
        let started = Instant::now();
        let other = async {
            bench.run("set a b").await;
            started.elapsed()
        };
        // The spinning one is polled first and has the only async thread.
        let spinning = tokio::time::timeout(Duration::from_millis(1), bench.run("work 300000000"));
        let (_, took) = tokio::join!(biased_first(spinning), other);
        assert_eq!(took < Duration::from_millis(100), is_soon, "{yield_after_ms} ms: {took:?}");
    }
}

async fn biased_first<F: Future>(future: F) -> F::Output {
    future.await
}

/// A limit of the runtime, and a check that a guest exceeds it.
#[tokio::test]
async fn every_runtime_limit_has_a_guest() {
    let usual = RuntimeLimits::default();
    let mut met = BTreeSet::new();
    let cases: [(&str, RuntimeLimits, Guest, &str); 4] = [
        ("component-bytes", RuntimeLimits { component_bytes: 1000, ..usual }, probe(), "component-too-large"),
        (
            "compile-memory-bytes",
            RuntimeLimits { compile_memory_bytes: 20 << 20, ..usual },
            probe(),
            "compile-memory-limit",
        ),
        (
            "compile-time-ms",
            RuntimeLimits { compile_time_ms: 100, ..usual },
            Guest::of(bombs::many_functions(60_000)),
            "compile-time-limit",
        ),
        ("code-bytes", RuntimeLimits { code_bytes: 10_000, ..usual }, probe(), "code-too-large"),
    ];
    for (name, limits, guest, code) in cases {
        let cache = tempfile::tempdir().expect("a folder");
        let tight = RuntimeOptions { limits, cache_dir: cache.path().to_owned(), ..options(CallLimits::default()) };
        let tight = Runtime::new(tight).expect("the runtime starts");
        let error = tight.prepare(&guest.digest, &guest.component).await.err();
        assert_eq!(error.as_ref().map(|error| error.code()), Some(code), "{name}: {error:?}");
        met.insert(name.to_owned());
    }
    calls_wait_for_a_slot().await;
    met.insert("instances".to_owned());
    // `large::large_guests_take_no_slots_from_small_ones` occupies them.
    met.insert("large-instances".to_owned());
    // `prepare::compiled_code_over_the_limit_is_evicted_oldest_first` fills the folder of compiled code.
    met.insert("code-cache-bytes".to_owned());
    assert_eq!(met, names(&usual), "each limit needs a guest that exceeds it");
}

/// A guest that holds the only slot for its whole deadline: the next call gets the slot then, and only then does its
/// own deadline start.
async fn calls_wait_for_a_slot() {
    let mut options = options(CallLimits { deadline_ms: 300, ..CallLimits::default() });
    options.limits.instances = 1;
    let bench = Bench::on(&Runtime::new(options).expect("the runtime starts")).await;
    let mut waiting = call();
    waiting.look_ups = Arc::new(FakeLookUps { answers: false });
    let (ask, work) = (event(&format!("fetch GET {LOOK_UP}")), event("set a b"));
    let started = Instant::now();
    let (held, worked) = tokio::join!(bench.probe.handle(waiting, &ask), bench.probe.handle(call(), &work));
    assert!(failed(&held).starts_with("deadline-exceeded: "));
    assert!(worked.outcome.is_ok(), "{worked:?}");
    assert!(started.elapsed() >= Duration::from_millis(300), "the second call must wait for the slot");
}

#[test]
fn the_guest_documentation_lists_every_limit_and_code() {
    let page = include_str!("../../../../tests/guests/README.md");
    let is_there = |word: &String| page.contains(&format!("`{word}`"));
    let mut words = names(&CallLimits::default());
    words.extend(names(&RuntimeLimits::default()));
    words.extend(names(&EngineLimits::default()));
    let codes =
        include_str!("../../../model/src/failure.rs").lines().filter_map(|line| line.trim().strip_prefix("pub const "));
    words.extend(codes.filter_map(|line| line.split('"').nth(1)).map(str::to_owned));
    let refusals = [include_str!("../../src/error.rs"), include_str!("../../../policy/src/component.rs")];
    let refusals = refusals.iter().flat_map(|file| file.lines()).filter_map(|line| line.split_once("} => \""));
    words.extend(refusals.filter_map(|(_, rest)| rest.split('"').next()).map(str::to_owned));
    assert!(words.len() > 80, "limits and codes have moved");
    let missing: Vec<String> = words.into_iter().filter(|word| !is_there(word)).collect();
    assert!(missing.is_empty(), "add the guest that exceeds them to tests/guests/README.md: {missing:?}");
}
