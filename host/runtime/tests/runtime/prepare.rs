//! From bytes to prepared code: what is refused, how the compiler process is limited, what the cache trusts.

use std::fs;
use std::path::PathBuf;

use handoff_model::limits::{CallLimits, RuntimeLimits};
use handoff_runtime::{CompilerCommand, Runtime, RuntimeError};

use crate::bench::{call, event, options};
use crate::guest::{Guest, probe};

async fn refusal(runtime: &Runtime, guest: &Guest) -> String {
    match runtime.prepare(&guest.digest, &guest.component).await {
        Ok(_) => "prepared".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn runtime_with(limits: RuntimeLimits, call: CallLimits, cache: &tempfile::TempDir) -> Runtime {
    let limits = RuntimeLimits { instances: 2, ..limits };
    let options = handoff_runtime::RuntimeOptions { limits, cache_dir: cache.path().to_owned(), ..options(call) };
    Runtime::new(options).expect("the runtime starts")
}

#[tokio::test]
async fn a_file_that_is_not_a_connector_is_refused_with_a_reason() {
    let cache = tempfile::tempdir().expect("a folder");
    let runtime = runtime_with(RuntimeLimits::default(), CallLimits::default(), &cache);

    let text = refusal(&runtime, &Guest::of(b"not wasm at all".to_vec())).await;
    assert!(text.starts_with("this is not a WebAssembly component: "), "{text}");
    let text = refusal(&runtime, &Guest::of(b"\0asm\x01\0\0\0".to_vec())).await;
    assert!(text.contains("it is a core module; build it with `handoff build`"), "{text}");
    let text = refusal(&runtime, &Guest::of(b"\0asm\x0d\0\x01\0".to_vec())).await;
    assert!(text.contains("does not export `handoff:connector/handler@1.0.0`"), "{text}");
    let text = refusal(&runtime, &Guest { digest: "sha256:00".to_owned(), ..probe() }).await;
    assert!(text.contains("it was damaged or replaced"), "{text}");

    // An import of WASI instead of the contract's log: the same length, so that the component stays well-formed.
    let mut foreign = probe().component;
    let (own, wasi) = (b"handoff:connector/log@1.0.0", b"wasi:sockets/tcp-x@0.2.0000");
    assert_eq!(own.len(), wasi.len());
    let at = foreign.windows(own.len()).position(|window| window == own).expect("the probe logs");
    foreign.splice(at..at + own.len(), wasi.iter().copied());
    let text = refusal(&runtime, &Guest::of(foreign)).await;
    assert!(text.contains("imports `wasi:sockets/tcp-x@0.2.0000`; a connector may import"), "{text}");
    for tool in ["componentize-qjs --sync --stub-wasi", "componentize-py componentize --stub-wasi"] {
        assert!(text.contains(tool), "{text}");
    }

    // Damaged code inside well-formed sections: the compiler refuses it.
    let mut damaged = probe().component;
    let middle = damaged.len() / 3;
    damaged.iter_mut().skip(middle).take(64).for_each(|byte| *byte = 0xff);
    let text = refusal(&runtime, &Guest::of(damaged)).await;
    assert!(text.contains("cannot be compiled") || text.contains("not a WebAssembly component"), "{text}");
}

#[tokio::test]
async fn sizes_are_checked_before_compiling() {
    let cache = tempfile::tempdir().expect("a folder");
    let limits = RuntimeLimits { component_bytes: 1000, ..RuntimeLimits::default() };
    let text = refusal(&runtime_with(limits, CallLimits::default(), &cache), &probe()).await;
    assert!(text.contains("at most 1000 may be compiled (`limits.runtime.component-bytes`)"), "{text}");

    let small = CallLimits { memory_bytes: 256 << 10, ..CallLimits::default() };
    let text = refusal(&runtime_with(RuntimeLimits::default(), small, &cache), &probe()).await;
    assert!(text.contains("bytes of memory to start; a connector gets at most 262144"), "{text}");
}

#[tokio::test]
async fn the_compiler_process_is_stopped_at_its_limits() {
    let cache = tempfile::tempdir().expect("a folder");
    let memory = RuntimeLimits { compile_memory_bytes: 20 << 20, ..RuntimeLimits::default() };
    let text = refusal(&runtime_with(memory, CallLimits::default(), &cache), &probe()).await;
    assert!(text.contains("compiling used more than 20 MiB and was stopped"), "{text}");

    // A child that reads nothing and never ends.
    let mut options = options(CallLimits::default());
    options.cache_dir = cache.path().to_owned();
    options.limits.compile_time_ms = 200;
    options.compiler =
        CompilerCommand { program: PathBuf::from("/bin/sh"), args: ["-c", "sleep 600"].map(String::from).into() };
    let guest = probe();
    let error = Runtime::new(options.clone()).expect("starts").prepare(&guest.digest, &guest.component).await.err();
    assert!(matches!(error, Some(RuntimeError::CompileTime { .. })), "{error:?}");

    options.compiler = CompilerCommand::of(PathBuf::from("/no/such/program"));
    let error = Runtime::new(options).expect("starts").prepare(&guest.digest, &guest.component).await.err();
    assert!(matches!(error, Some(RuntimeError::Compiler { .. })), "{error:?}");
}

#[tokio::test]
async fn damaged_compiled_code_is_compiled_again_and_never_loaded() {
    let cache = tempfile::tempdir().expect("a folder");
    let guest = probe();
    let prepare = || async {
        let runtime = runtime_with(RuntimeLimits::default(), CallLimits::default(), &cache);
        runtime.prepare(&guest.digest, &guest.component).await.expect("the probe is a connector")
    };
    let file = || fs::read_dir(cache.path()).expect("listed").flatten().next().expect("one file").path();
    drop(prepare().await);
    let good = fs::read(file()).expect("compiled code");

    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    for damaged in [&bad[..], &good[..good.len() / 2], b""] {
        fs::write(file(), damaged).expect("written");
        let prepared = prepare().await;
        assert!(prepared.handle(call(), &event("set a b")).await.outcome.is_ok());
        assert_eq!(fs::read(file()).expect("compiled code").len(), good.len());
    }

    // With undamaged code no compiler is needed.
    let mut options = options(CallLimits::default());
    options.cache_dir = cache.path().to_owned();
    options.compiler = CompilerCommand::of(PathBuf::from("/no/such/program"));
    let runtime = Runtime::new(options).expect("starts");
    assert!(runtime.prepare(&guest.digest, &guest.component).await.is_ok());
}

#[tokio::test]
async fn compiled_code_over_the_limit_is_evicted_oldest_first() {
    let cache = tempfile::tempdir().expect("a folder");
    let guest = probe();
    fs::write(cache.path().join("old.code"), [0; 5000]).expect("written");
    let limits = RuntimeLimits { code_cache_bytes: 1, ..RuntimeLimits::default() };
    let runtime = runtime_with(limits, CallLimits::default(), &cache);
    runtime.prepare(&guest.digest, &guest.component).await.expect("the probe is a connector");
    assert!(!cache.path().join("old.code").exists());
    assert_eq!(fs::read_dir(cache.path()).expect("listed").count(), 1, "the newest file must stay");
}
