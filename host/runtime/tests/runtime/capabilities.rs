//! What a well-behaved guest can do.

use std::sync::Arc;

use expect_test::expect;
use handoff_model::effects::MetricChange;
use handoff_model::failure::FailureKind;
use handoff_model::time::Timestamp;

use crate::bench::{Bench, FakeState, NOW, call, event, failed, seen};

#[tokio::test]
async fn a_call_can_use_every_import_and_returns_its_effects() {
    let bench = Bench::new().await;
    let later = NOW + 60_000;
    let called = bench
        .run(&format!(
            "config\ndelivery\nrandom 4\nset greeting hello\nget greeting\nemit com.example.done.v1 hi\n\
             schedule again {later} com.example.tick.v1\ncancel old\nsend order-1 POST https://crm.example/leads/1\n\
             fetch GET https://crm.example/leads/2\ncounter leads-received 2\ngauge open-leads 1.5"
        ))
        .await;

    let effects = called.outcome.as_ref().expect("the call succeeds");
    expect![[r#"
        config = {"list":"bdc"}
        delivery = DeliveryInfo { installation: "web-leads", generation: 3, attempt: 1, time: 1774884600000, rooftop: "main-street", time-zone: "America/Chicago", utc-offset-seconds: -18000, dry-run: false }
        random 4 = [f4, 00, 92, 78]
        set greeting hello = Ok(())
        get greeting = Ok(Some("hello"))
        emit com.example.done.v1 hi = Ok(())
        schedule again 1774884660000 com.example.tick.v1 = Ok(())
        cancel old = Ok(())
        send order-1 POST https://crm.example/leads/1 = Ok(())
        fetch GET https://crm.example/leads/2 = Ok((200, "answer to https://crm.example/leads/2"))
        counter leads-received 2 = 
        gauge open-leads 1.5 = 
    "#]]
    .assert_eq(&seen(&called));
    assert_eq!(effects.state_writes.get("greeting"), Some(&Some(b"hello".to_vec())));
    assert!(called.trace.reads.keys.is_empty(), "reading its own write must not count as a read");
    let emitted = effects.emitted.first().expect("one event");
    assert_eq!(emitted.source, "/rooftops/main-street/installations/web-leads");
    assert_eq!((emitted.hop_count(), emitted.partition_key(), emitted.id.len()), (1, Some("lead-1"), 32));
    assert_eq!(emitted.time, Some(Timestamp(NOW)));
    let timer = effects.timers_set.get("again").expect("one timer");
    assert_eq!((timer.at, timer.event.hop_count()), (Timestamp(later), 0), "a timer of a minute is not a hop");
    assert_eq!(effects.timers_cancelled, ["old"]);
    assert_eq!(effects.outbox.first().map(|sent| (sent.key.as_str(), sent.answer)), Some(("order-1", true)));
    assert_eq!(called.trace.exchanges.len(), 1);
    assert_eq!(effects.metrics.first().map(|update| update.change), Some(MetricChange::Add(2)));
    assert_eq!(effects.metrics.len(), 3);
}

#[tokio::test]
async fn equal_inputs_give_equal_effects() {
    let bench = Bench::new().await;
    let script = "random 16\nemit com.example.done.v1 a\nemit com.example.done.v1 b\nset k v";

    let first = bench.run(script).await;
    let again = bench.run(script).await;
    let mut other = call();
    other.seed = [8; 32];
    let other = bench.probe.handle(other, &event(script)).await;

    assert_eq!(first.outcome, again.outcome);
    assert_eq!(first.trace.logs, again.trace.logs);
    assert_ne!(first.trace.logs, other.trace.logs);
    let ids: Vec<_> = first.outcome.expect("effects").emitted.into_iter().map(|event| event.id).collect();
    assert_ne!(ids.first(), ids.last(), "equal content emitted twice must be two events");
}

#[tokio::test]
async fn reads_see_own_writes_and_are_recorded() {
    let bench = Bench::new().await;
    let mut call = call();
    call.state = Arc::new(FakeState::of(&[("a/1", "one"), ("a/2", "two"), ("a/3", "three"), ("b/1", "other")]));
    let script =
        "get b/1\nget nothing\ndelete a/2\nset a/1 ONE\nset a/25 new\nscan a/ - 2\nscan a/ a/25 10\nscan - - 1";
    let called = bench.probe.handle(call, &event(script)).await;

    expect![[r#"
        get b/1 = Ok(Some("other"))
        get nothing = Ok(None)
        delete a/2 = Ok(())
        set a/1 ONE = Ok(())
        set a/25 new = Ok(())
        scan a/ - 2 = Ok(("a/1:ONE,a/25:new", true))
        scan a/ a/25 10 = Ok(("a/3:three", false))
        scan - - 1 = Ok(("", false))
    "#]]
    .assert_eq(&seen(&called));
    expect![[r#"
        ReadSet {
            keys: {
                "b/1",
                "nothing",
            },
            scans: [
                ScannedRange {
                    prefix: "a/",
                    after: None,
                    until: Some(
                        "a/25",
                    ),
                },
                ScannedRange {
                    prefix: "a/",
                    after: Some(
                        "a/25",
                    ),
                    until: None,
                },
                ScannedRange {
                    prefix: "-",
                    after: None,
                    until: None,
                },
            ],
        }
    "#]]
    .assert_debug_eq(&called.trace.reads);
}

#[tokio::test]
async fn long_scans_span_many_chunks_and_pages() {
    let bench = Bench::new().await;
    let mut call = call();
    let mut state = FakeState::default();
    state.entries.extend((0..700).map(|i| (format!("k/{i:04}"), vec![b'x'; 4096])));
    call.state = Arc::new(state);
    let called = bench.probe.handle(call, &event("set k/0000x mine\nscan k/ k/0690 1000\nscan k/ - 1000")).await;

    let seen = seen(&called);
    assert!(seen.lines().nth(1).is_some_and(|line| line.contains("k/0691:") && line.ends_with("false))")), "{seen}");
    assert!(seen.lines().nth(2).is_some_and(|line| line.contains("k/0000x:mine,")), "{seen}");
    let ranges = &called.trace.reads.scans;
    assert_eq!(ranges.last().and_then(|range| range.until.as_deref()), Some("k/0255"), "a page ends at 1 MiB");
}

#[tokio::test]
async fn a_missing_grant_is_denied_and_existing_grants_are_named() {
    let bench = Bench::new().await;
    let called = bench
        .run(
            "emit com.example.other.v1 x\nemit com.handoff.hook.received.v1 x\nemit-with com.example.done.v1 handoffhops 0\n\
             emit-with com.example.done.v1 Bad-Name x\nfetch GET https://evil.example/\nfetch POST https://crm.example/leads/1\n\
             send k DELETE https://crm.example/leads/1",
        )
        .await;

    let seen = seen(&called);
    for (line, part) in seen.lines().zip([
        "Denied(\"`com.example.other.v1` may not be emitted; granted: com.example.done.v1.",
        "may only be emitted by the host",
        "names that start with `handoff` are reserved for the host",
        "Invalid(\"attribute `Bad-Name`",
        "Denied(",
        "Denied(",
        "Denied(",
    ]) {
        assert!(line.contains(part), "{line}\nlacks {part}");
    }
    let effects = called.outcome.expect("the call must succeed after refusals");
    assert!(effects.emitted.is_empty() && effects.outbox.is_empty() && called.trace.exchanges.is_empty());
}

#[tokio::test]
async fn an_event_with_too_many_hops_is_refused() {
    let bench = Bench::new().await;
    let mut call = call();
    call.cause.hops = 32;
    let called = bench.probe.handle(call, &event("emit com.example.done.v1 x")).await;
    assert!(seen(&called).contains("form a loop; break it in one of them"), "{}", seen(&called));
}

#[tokio::test]
async fn validate_reads_state_and_migrate_writes_it() {
    let bench = Bench::new().await;
    let mut looking = call();
    looking.config_json = "get a\nset a b\nemit com.example.done.v1 x\ncounter leads 1".into();
    let validated = bench.probe.validate(looking).await;
    assert_eq!(validated.outcome.as_ref().ok(), Some(&handoff_model::effects::Effects::default()));
    assert!(seen(&validated).contains("set a b = Err(Error::LimitExceeded"), "{}", seen(&validated));
    assert!(seen(&validated).contains("emit com.example.done.v1 x = Err(Error::Denied"));

    let migrated = bench.probe.migrate(call(), 4).await.outcome.expect("it migrates");
    assert_eq!(migrated.state_writes.get("schema"), Some(&Some(b"4".to_vec())));
}

#[tokio::test]
async fn a_migration_may_write_more_but_has_no_other_effects() {
    let bench = Bench::new().await;
    let script = "set-many+2000;emit+com.example.done.v1+x;send+k+POST+https://crm.example/leads/1;counter+leads+1;\
                  fetch+GET+https://crm.example/leads/1;set+emitted+no";
    let with = |script: &str| {
        let mut call = call();
        let entries = [("migration".to_owned(), script.as_bytes().to_vec())].into();
        call.state = Arc::new(FakeState { entries, ..FakeState::default() });
        call
    };
    let migrated = bench.probe.migrate(with(script), 1).await;
    let said = seen(&migrated);
    for refused in ["emit com.example.done.v1 x = Err(Error::Denied", "send k POST", "look-ups"] {
        assert!(said.contains(refused) && said.contains("has no other effects"), "{said}");
    }
    let effects = migrated.outcome.expect("it migrates");
    // A delivery may write 1,000.
    assert_eq!(effects.state_writes.len(), 2_002);
    let rest = handoff_model::effects::Effects { state_writes: Default::default(), ..effects };
    assert_eq!(rest, handoff_model::effects::Effects::default());

    let refused = bench.probe.migrate(with("set+a+b;misconfigured+no"), 1).await;
    assert_eq!(refused.outcome.expect_err("a failure").kind, FailureKind::Misconfigured);
}

#[tokio::test]
async fn failures_keep_a_valid_code_and_are_shortened() {
    let bench = Bench::new().await;

    let later = bench.run("retry crm-down 1500").await;
    let failure = later.outcome.as_ref().expect_err("a failure");
    assert_eq!(failure.kind, FailureKind::Retry { after_ms: Some(1500) });
    assert_eq!((failure.code.as_str(), failure.message.len() <= 2048), ("crm-down", true));
    assert!(!failure.message.contains('\u{7}'), "control characters must be replaced");

    assert!(failed(&bench.run("retry Not_A_Code 1").await).starts_with("connector-failure: "));
    let wrong = bench.run("set a b\nmisconfigured list").await;
    assert_eq!(wrong.outcome.expect_err("a failure").kind, FailureKind::Misconfigured);
}

#[tokio::test]
async fn a_store_error_is_not_the_guests_failure() {
    let bench = Bench::new().await;
    let mut call = call();
    call.state = Arc::new(FakeState { broken: true, ..FakeState::default() });
    let called = bench.probe.handle(call, &event("get a")).await;
    assert_eq!(failed(&called), "state-unreadable: cannot read connector state: the disk is gone");
}
