//! A hostile guest can only fail its own call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use handoff_model::limits::CallLimits;

use crate::bench::{Bench, FakeLookUps, call, event, failed, seen};

#[tokio::test]
async fn deadline_ends_a_spinning_guest_while_others_run() {
    // A single async thread: the second call runs only because the guest yields.
    let bench = Bench::with(CallLimits { deadline_ms: 300, ..CallLimits::default() }).await;
    let started = Instant::now();
    let spinning = bench.run("loop");
    let working = async {
        let worked = bench.run("set a b").await;
        (worked.outcome.is_ok(), started.elapsed())
    };
    let (spun, (worked, took)) = tokio::join!(spinning, working);

    assert!(worked && took < Duration::from_millis(250), "the other call took {took:?}");
    assert!(failed(&spun).starts_with("deadline-exceeded: the call did not return within 300 ms"), "{}", failed(&spun));
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn deadline_ends_an_unanswered_look_up() {
    let bench = Bench::with(CallLimits { deadline_ms: 100, ..CallLimits::default() }).await;
    let mut call = call();
    call.look_ups = Arc::new(FakeLookUps { answers: false });
    let called = bench.probe.handle(call, &event("set a b\nfetch GET https://crm.example/leads/1")).await;
    assert!(failed(&called).starts_with("deadline-exceeded: "));
    assert!(seen(&called).contains("set a b"), "the log of a failed call must be kept");
}

#[tokio::test]
async fn memory_and_stack_are_limited_and_traps_name_functions() {
    let bench = Bench::new().await;

    let grown = failed(&bench.run("grow").await);
    assert!(grown.starts_with("memory-limit: the connector requested "), "{grown}");
    assert!(grown.contains("at most 65536 KiB"), "{grown}");

    // Once with the guest's own stack in its memory, once with the WebAssembly stack.
    for command in ["recurse", "recurse-narrowly"] {
        let deep = failed(&bench.run(command).await);
        assert!(deep.starts_with("stack-overflow: "), "{deep}");
        assert!(deep.contains("in probe::recurse"), "{deep}");
    }

    let trapped = failed(&bench.run("panic").await);
    assert!(trapped.starts_with("trap: the connector trapped: wasm `unreachable` instruction executed"), "{trapped}");
    assert!(trapped.contains("probe::deliberately_fails"), "{trapped}");

    let soft = bench.run("grow-softly").await;
    assert!(soft.outcome.is_ok() && seen(&soft).contains("refused true"), "a guest may continue after a refusal");
}

#[tokio::test]
async fn every_count_and_size_is_limited() {
    let limits = CallLimits {
        state_writes: 5,
        state_reads: 8,
        emitted_events: 3,
        outbox_requests: 2,
        look_ups: 4,
        log_messages: 40,
        log_message_bytes: 100,
        metric_updates: 1,
        effect_bytes: 10_000,
        ..CallLimits::default()
    };
    let bench = Bench::with(limits).await;
    let called = bench
        .run(
            "set-size big 70000\nset-many 9\nemit-many 9 com.example.done.v1 10\nsend-many 9 https://crm.example/leads/1\n\
             fetch-many 9 https://crm.example/leads/1\nemit-many 1 com.example.done.v1 20000\ncounter a 1\ncounter b 1\n\
             counter Not-A-Name 1\nget a\nget b\nget c\nget d\nget e\nget f\nget g\nget h\nget i\n\
             schedule far 9999999999999 com.example.tick.v1\nlog-size 500\nlog-many 50",
        )
        .await;

    let seen = seen(&called);
    for part in [
        "set-size big 70000 = Err(Error::ValueTooLarge(",
        "set-many 9 = 5 then Error::LimitExceeded(",
        "emit-many 9 com.example.done.v1 10 = 3 then Error::LimitExceeded(",
        "send-many 9 https://crm.example/leads/1 = 2 then Error::LimitExceeded(",
        "fetch-many 9 https://crm.example/leads/1 = 4 then Error::LimitExceeded(",
        "dropped metric `b`",
        "dropped metric `Not-A-Name`",
        "get h = Ok(None)",
        "get i = Err(Error::LimitExceeded(",
        "schedule far 9999999999999 com.example.tick.v1 = Err(Error::Invalid(",
        "the host dropped ",
    ] {
        assert!(seen.contains(part), "{seen}\nlacks {part}");
    }
    let cut = called.trace.logs.iter().find(|line| line.message.starts_with("xxx")).expect("the long message");
    assert_eq!(cut.message.len(), 100);
    assert_eq!(called.trace.logs.len(), 41);
}

#[tokio::test]
async fn too_many_host_calls_and_too_much_data_end_the_call() {
    let limits = CallLimits { host_calls: 100, host_call_bytes: 1 << 20, random_bytes: 64, ..CallLimits::default() };
    let bench = Bench::with(limits).await;

    let often = failed(&bench.run("log-many 200").await);
    assert!(often.starts_with("host-call-limit: more than 100 host calls"), "{often}");
    let much = failed(&bench.run("log-size 2000000").await);
    assert!(much.starts_with("host-call-bytes-limit: the connector passed too much data"), "{much}");
    let random = failed(&bench.run("random 65").await);
    assert!(random.starts_with("random-limit: requested more than 64 random bytes"), "{random}");
}

#[tokio::test]
async fn a_dropped_call_releases_its_slot() {
    let bench = Bench::new().await;
    // Four slots: if dropped calls leaked them, the last call would block forever.
    for _ in 0..6 {
        let spinning = tokio::time::timeout(Duration::from_millis(30), bench.run("loop")).await;
        assert!(spinning.is_err());
    }
    assert!(bench.run("set a b").await.outcome.is_ok());
}
