//! Thousands of deliveries of every hostile guest in one process: at the end it uses no more resources than after
//! warm-up.

use std::sync::Arc;

use handoff_model::limits::CallLimits;
use handoff_runtime::{Prepared, Runtime};
use tokio::task::JoinSet;

use crate::bench::{Bench, FakeLookUps, call, event, options};
use crate::process::Reading;
use crate::raw;
use crate::raw_guests::prepare;
use crate::scripts::SCRIPTS;

/// Number of deliveries, unless `HANDOFF_HOSTILE_DELIVERIES` is set, for example to a million.
const DELIVERIES: usize = 10_000;
/// Concurrent deliveries: as many as the bench's runtime has slots.
const AT_A_TIME: usize = 4;
/// Tolerated growth: the allocator grows by some megabytes at a time. One page leaked by each of 5,000 deliveries would
/// be 20 MiB.
const RESIDENT_SLACK_KIB: u64 = 10 << 10;

/// One kind of hostile delivery.
struct Kind {
    name: String,
    guest: Prepared,
    script: &'static str,
    look_ups_are_answered: bool,
    code: Option<&'static str>,
}

async fn kinds() -> Vec<Kind> {
    // Only the deadline is tight, so that ten thousand take less than a minute.
    let limits = CallLimits { deadline_ms: 20, host_calls: 2_000, ..CallLimits::default() };
    let runtime = Runtime::new(options(limits)).expect("the runtime starts");
    let probe = Bench::on(&runtime).await.probe;
    let mut kinds = Vec::new();
    for raw in raw::all() {
        let (guest, name) = (prepare(&runtime, &raw).await, raw.name.to_owned());
        kinds.push(Kind { name, guest, script: "", look_ups_are_answered: true, code: Some(raw.code) });
    }
    let scripts = SCRIPTS.iter().map(|script| (script.text, script.code, true));
    let keeps_its_place = ("fetch GET https://crm.example/leads/1", Some("deadline-exceeded"), false);
    for (script, code, look_ups_are_answered) in scripts.chain([keeps_its_place]) {
        kinds.push(Kind { name: script.to_owned(), guest: probe.clone(), script, look_ups_are_answered, code });
    }
    kinds
}

async fn deliver(kind: &Kind) {
    let mut call = call();
    call.look_ups = Arc::new(FakeLookUps { answers: kind.look_ups_are_answered });
    let called = kind.guest.handle(call, &event(kind.script)).await;
    let code = called.outcome.as_ref().err().map(|failure| failure.code.as_str());
    // On a busy machine anything may reach the deadline first.
    assert!(code == kind.code || code == Some("deadline-exceeded"), "{}: {code:?}, not {:?}", kind.name, kind.code);
}

#[test]
fn ten_thousand_hostile_deliveries_leak_nothing() {
    let asked = std::env::var("HANDOFF_HOSTILE_DELIVERIES").ok().and_then(|text| text.parse().ok());
    let deliveries: usize = asked.unwrap_or(DELIVERIES);
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    let (warm, end, kinds) = threads.block_on(async {
        let kinds = Arc::new(kinds().await);
        let mut warm = None;
        let mut running = JoinSet::new();
        // Run every kind a few times before the first measurement: caches and pools then have their full size.
        let warm_at = (kinds.len() * 10).max(deliveries / 2);
        for number in 0..deliveries.max(warm_at * 2) {
            if number == warm_at {
                while let Some(ended) = running.join_next().await {
                    ended.expect("the host does not panic");
                }
                warm = Some(Reading::of_this_process());
            }
            if running.len() >= AT_A_TIME {
                running.join_next().await.expect("one runs").expect("the host does not panic");
            }
            let kinds = Arc::clone(&kinds);
            running.spawn(async move { deliver(&kinds[number % kinds.len()]).await });
        }
        while let Some(ended) = running.join_next().await {
            ended.expect("the host does not panic");
        }
        (warm.expect("it became warm"), Reading::of_this_process(), kinds.len())
    });
    println!("{deliveries} deliveries of {kinds} kinds; warm: {warm}; at the end: {end}");
    assert!(end.resident_kib <= warm.resident_kib + RESIDENT_SLACK_KIB, "memory grows: {warm} -> {end}");
    // Fewer is fine: threads for blocking work end after a while.
    assert!(end.files <= warm.files && end.threads <= warm.threads, "files or threads leak");
}
