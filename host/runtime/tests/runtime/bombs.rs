//! Components that are small to send and costly to compile: time, memory and code size of the compiler process are
//! limited, the host's do not grow, and deliveries continue meanwhile.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use handoff_model::limits::{CallLimits, RuntimeLimits};
use handoff_runtime::{Runtime, RuntimeOptions};

use crate::bench::{Bench, call, event, options};
use crate::guest::Guest;
use crate::process::Reading;
use crate::raw::{encode, for_contract};
use crate::raw_guests::contract;

/// The exports of the contract around hostile code.
fn component(code: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
    (func (export "handoff:connector/handler@1.0.0#handle") (param i32) (result i32) (i32.const 0))
    (func (export "handoff:connector/lifecycle@1.0.0#validate") (result i32) (i32.const 0))
    (func (export "handoff:connector/lifecycle@1.0.0#migrate") (param i32) (result i32) (i32.const 0))
    {code})"#
    );
    encode(&for_contract(&text, &contract()))
}

/// This many small functions.
pub(crate) fn many_functions(count: usize) -> Vec<u8> {
    let body = "(param i64) (result i64) (i64.mul (i64.rotl (local.get 0) (i64.const 7)) (i64.popcnt (local.get 0)))";
    component(&(0..count).fold(String::new(), |mut code, _| {
        let _ = write!(code, "(func {body})");
        code
    }))
}

/// One function whose values all live to its end, which makes register allocation expensive.
fn long_lives(values: usize) -> Vec<u8> {
    let locals = "(local i64)".repeat(values.min(40_000));
    let mut code = format!("(func (param i64) (result i64) {locals}");
    for i in 1..=values.min(40_000) {
        let _ = write!(code, "(local.set {i} (i64.mul (local.get {}) (i64.add (local.get 0) (i64.const {i}))))", i - 1);
    }
    code.push_str("(local.get 0)");
    for i in 1..=values.min(40_000) {
        let _ = write!(code, "(i64.xor (local.get {i}))");
    }
    component(&(code + ")"))
}

/// Nested loops with branches to all of them.
fn nested_loops(depth: usize) -> Vec<u8> {
    let labels: String = (0..depth).fold(String::new(), |mut labels, i| {
        let _ = write!(labels, " {i}");
        labels
    });
    let branch = format!("(br_table{labels} (local.get 0))");
    component(&format!("(func (param i32) {}{branch}{})", "(loop ".repeat(depth), ")".repeat(depth)))
}

#[tokio::test]
async fn a_compiler_bomb_hits_the_limits_while_deliveries_continue() {
    let cache = tempfile::tempdir().expect("a folder");
    let limits = RuntimeLimits {
        instances: 4,
        compile_time_ms: 2_000,
        compile_memory_bytes: 700 << 20,
        code_bytes: 24 << 20,
        ..RuntimeLimits::default()
    };
    let bounded = RuntimeOptions { limits, cache_dir: cache.path().to_owned(), ..options(CallLimits::default()) };
    let runtime = Runtime::new(bounded).expect("the runtime starts");
    let good = Bench::new().await;
    let bombs = [
        ("many functions", many_functions(300_000)),
        ("long lives", long_lives(40_000)),
        ("nested loops", nested_loops(3_000)),
    ];
    for (name, component) in bombs {
        let guest = Guest::of(component);
        let before = Reading::of_this_process();
        let started = Instant::now();
        let mut compiling = std::pin::pin!(runtime.prepare(&guest.digest, &guest.component));
        let (work, mut slowest, mut calls) = (event("set a b"), Duration::ZERO, 0_u32);
        let compiled = loop {
            let asked = Instant::now();
            let mut working = std::pin::pin!(good.probe.handle(call(), &work));
            let ended = tokio::select! {
                compiled = &mut compiling => Some(compiled),
                worked = &mut working => {
                    assert!(worked.outcome.is_ok(), "{name}: {worked:?}");
                    None
                }
            };
            match ended {
                Some(compiled) => break compiled,
                None => (slowest, calls) = (slowest.max(asked.elapsed()), calls + 1),
            }
        };
        let (took, after) = (started.elapsed(), Reading::of_this_process());
        let outcome = compiled.map_or_else(|error| error.code(), |_| "compiled");
        println!(
            "{name}: {} KiB, {outcome} in {took:?}, slowest of {calls} calls beside it {slowest:?}; {before} -> {after}",
            guest.component.len() >> 10
        );
        assert!(
            ["compile-time-limit", "compile-memory-limit", "code-too-large", "compile-refused", "compiled"]
                .contains(&outcome)
        );
        assert!(took < Duration::from_secs(6), "{name}: {took:?}");
        assert!(calls > 10, "{name}: deliveries must continue");
        assert!(slowest < Duration::from_secs(1), "{name}: a call beside it took {slowest:?}");
        assert!(after.resident_kib < before.resident_kib + (150 << 10), "{name}: {before} -> {after}");
    }
}
