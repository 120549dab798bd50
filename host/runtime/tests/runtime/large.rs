//! Guests of the large class: several memories, or many bytes to start. They share one limit, and a pool of their own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use handoff_model::limits::CallLimits;
use handoff_policy::component::{Class, check};
use handoff_runtime::Runtime;

use crate::bench::{Bench, FakeLookUps, call, event, failed, options};
use crate::guest::{Guest, probe};

/// The probe with further memories, as the stubs of WASI in JavaScript's components have them: each in a module of its
/// own that nothing uses.
pub(crate) fn with_memories(pages: &[u8]) -> Guest {
    let mut component = probe().component;
    let first = own_modules(&component);
    for (index, pages) in (first..).zip(pages) {
        assert!(*pages < 128, "longer numbers have more bytes");
        // A module with one memory (WebAssembly 2.0, section 5.5.8) in a section, and its instance (the component
        // model's Binary.md).
        component.extend([1, 13].into_iter().chain(*b"\0asm\x01\0\0\0\x05\x03\x01\0").chain([*pages]));
        component.extend([2, 4, 1, 0, index, 0]);
    }
    Guest::of(component)
}

/// Number of a component's own core modules: sections with the id 1, without nested ones.
fn own_modules(component: &[u8]) -> u8 {
    let (mut at, mut modules) = (8, 0);
    while let Some(id) = component.get(at) {
        modules += u8::from(*id == 1);
        let (mut size, mut shift) = (0, 0);
        loop {
            at += 1;
            size |= usize::from(component[at] & 0x7f) << shift;
            shift += 7;
            if component[at] < 0x80 {
                break;
            }
        }
        at += 1 + size;
    }
    modules
}

#[tokio::test]
async fn empty_memories_beside_the_guests_own_are_accepted() {
    let limits = CallLimits::default();
    assert_eq!(check(&probe().component, &limits), Ok(Class::Small));
    let guest = with_memories(&[0, 0]);
    assert_eq!(check(&guest.component, &limits), Ok(Class::Large));

    let runtime = Runtime::new(options(limits)).expect("the runtime starts");
    let prepared = runtime.prepare(&guest.digest, &guest.component).await.expect("a connector");
    // More often than there are slots: each call gives its memories back.
    for _ in 0..20 {
        let called = prepared.handle(call(), &event("set a b")).await;
        assert!(called.outcome.is_ok(), "{called:?}");
    }
}

#[tokio::test]
async fn all_memories_together_have_one_limit() {
    let limits = CallLimits { memory_bytes: 16 << 20, ..CallLimits::default() };
    let runtime = Runtime::new(options(limits)).expect("the runtime starts");
    let refused = |guest: Guest| {
        let runtime = runtime.clone();
        async move { runtime.prepare(&guest.digest, &guest.component).await.err().expect("refused").to_string() }
    };
    let text = refused(with_memories(&[120, 120])).await;
    assert!(text.contains("bytes of memory to start; a connector gets at most 16777216"), "{text}");
    let text = refused(with_memories(&[0; 8])).await;
    assert!(text.contains("requires 9 linear memories; a connector gets at most 8"), "{text}");

    // The other memory has 7.5 MiB, so that the guest's own cannot have 10.
    let grow = event("allocate 10000000");
    for (pages, is_refused) in [(1, false), (120, true)] {
        let guest = with_memories(&[pages]);
        let prepared = runtime.prepare(&guest.digest, &guest.component).await.expect("a connector");
        let called = prepared.handle(call(), &grow).await;
        assert_eq!(called.outcome.is_err(), is_refused, "{pages} pages: {called:?}");
        if is_refused {
            assert!(failed(&called).starts_with("memory-limit: the connector requested "), "{}", failed(&called));
        }
    }
}

/// One large guest holds the only large slot: small ones run meanwhile, and the next large one waits for the slot.
#[tokio::test]
async fn large_guests_take_no_slots_from_small_ones() {
    let mut options = options(CallLimits { deadline_ms: 300, ..CallLimits::default() });
    options.limits.large_instances = 1;
    let runtime = Runtime::new(options).expect("the runtime starts");
    let small = Bench::on(&runtime).await;
    let guest = with_memories(&[0]);
    let large = runtime.prepare(&guest.digest, &guest.component).await.expect("a connector");
    let mut waiting = call();
    waiting.look_ups = Arc::new(FakeLookUps { answers: false });
    let (ask, work) = (event("fetch GET https://crm.example/leads/1"), event("set a b"));
    let started = Instant::now();
    let beside = async {
        let worked = small.run("set a b").await;
        (worked.outcome.is_ok(), started.elapsed())
    };
    let next = async {
        let worked = large.handle(call(), &work).await;
        (worked.outcome.is_ok(), started.elapsed())
    };
    let (held, beside, next) = tokio::join!(large.handle(waiting, &ask), beside, next);
    assert!(failed(&held).starts_with("deadline-exceeded: "));
    assert!(beside.0 && beside.1 < Duration::from_millis(200), "{beside:?}");
    assert!(next.0 && next.1 >= Duration::from_millis(300), "{next:?}");
}
