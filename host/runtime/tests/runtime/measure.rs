//! Measures the time of one call. It checks nothing: run it by name with `--run-ignored all --no-capture`.

use std::time::Instant;

use handoff_model::limits::CallLimits;
use handoff_runtime::Runtime;

use crate::bench::{call, event, options};
use crate::guest::{Guest, component_of, probe};

const CALLS: u32 = 3_000;

#[tokio::test]
#[ignore = "a measurement"]
async fn time_of_one_call_on_a_fresh_instance() {
    let runtime = Runtime::new(options(CallLimits::default())).expect("the runtime starts");
    let mut guests = vec![("probe".to_owned(), probe())];
    // More core modules to compare, by path.
    for path in std::env::var("HANDOFF_MEASURE_MODULES").unwrap_or_default().split_whitespace() {
        let module = std::fs::read(path).expect("a module");
        guests.push((path.to_owned(), Guest::of(component_of(&module))));
    }
    for (name, guest) in guests {
        let started = Instant::now();
        let prepared = runtime.prepare(&guest.digest, &guest.component).await.expect("a connector");
        let prepare = started.elapsed();
        let mut timed = Vec::new();
        for script in ["", "get a\nset a b\nemit com.example.done.v1 x"] {
            let event = event(script);
            let started = Instant::now();
            for _ in 0..CALLS {
                std::hint::black_box(prepared.handle(call(), &event).await);
            }
            timed.push(started.elapsed() / CALLS);
        }
        println!("{name}: {} KiB, prepared in {prepare:?}, one call {timed:?}", guest.component.len() >> 10);
    }
}
