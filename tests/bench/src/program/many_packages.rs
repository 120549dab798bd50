//! From start to first delivery when each installation has its own package and all compiled code is cached.

use std::time::Instant;

use handoff_tests::harness::TestHost;

use super::client::{post, send_all};
use super::load::{Counters, PATIENCE};
use super::{Load, say};
use crate::embedded::DATA_BYTES;
use crate::goals::{Goals, Verdict};
use crate::guest::{TYPE_NAME, Taker};
use crate::results::{Samples, number, plain};

/// Milliseconds from start to first delivery.
const START_MS: f64 = 500.0;
/// Milliseconds that one more installation may add: a thousand installations still start in two seconds.
const EACH_MS: f64 = 2.0;

/// Milliseconds from the start of the process, with a number of installations.
#[derive(Default)]
struct Times {
    installations: u64,
    ready: Samples,
    first: Samples,
    all: Samples,
}

/// Starts a host with one installation, with half of them, with all.
pub(crate) async fn measure(load: Load, taker: &Taker, goals: &mut Goals) {
    say("From start to first delivery with many packages");
    let mut host = TestHost::new().as_shipped().start().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = toml::Table::from_iter([("rooftop".to_owned(), toml::Value::from("main-street"))]);
    let (mut levels, mut installed, mut event) = (Vec::new(), 0, 0);
    for installations in [1, load.installations / 2, load.installations] {
        for number in installed..installations {
            let package = folder.path().join(format!("taker-{number}.wasm"));
            std::fs::write(&package, taker.named(number)).expect("written");
            host.install(&format!("taker-{number}"), &package, &settings).await.ok();
        }
        installed = installations;
        let mut times = Times { installations, ..Times::default() };
        // One more than counted: at the first start, the files of the installs are not in the system's cache.
        for round in 0..=2 * load.runs {
            event += 1;
            let once = once(&mut host, event, installations).await;
            if round > 0 {
                let [ready, first, all] = once;
                times.ready.push(ready);
                times.first.push(first);
                times.all.push(all);
            }
        }
        println!(
            "  {installations}: ready {} ms, first delivery {} ms, one at each {} ms",
            times.ready.in_order(),
            times.first.in_order(),
            times.all.in_order()
        );
        levels.push(times);
    }
    rows(&levels, goals);
}

/// Restarts the host and sends one event, which is delivered to every installation.
async fn once(host: &mut TestHost, event: u64, installations: u64) -> [f64; 3] {
    let before = Counters::of(host).await.all_committed();
    host.stop().await;
    let text = format!(
        "{{\"specversion\":\"1.0\",\"id\":\"start-{event}\",\"source\":\"/bench\",\"type\":\"{TYPE_NAME}\",\"data\":\"{}\"}}",
        "x".repeat(DATA_BYTES)
    );
    let requests = vec![post("/events", "application/cloudevents+json", &text)].into();
    let start = Instant::now();
    let elapsed = || start.elapsed().as_secs_f64() * 1_000.0;
    host.start_again().await;
    let ready = elapsed();
    let address = host.url("").trim_start_matches("http://").parse().expect("an address");
    send_all(address, &requests, 1).await;
    let mut first = None;
    loop {
        let counters = Counters::of(host).await;
        let committed = counters.all_committed() - before;
        if committed > 0 && first.is_none() {
            first = Some(elapsed());
        }
        if committed == installations {
            assert_eq!(counters.failures(), 0, "deliveries failed:\n{}", host.log());
            return [ready, first.unwrap_or_else(elapsed), elapsed()];
        }
        assert!(start.elapsed() < PATIENCE, "{committed} of {installations} deliveries:\n{}", host.log());
    }
}

fn rows(levels: &[Times], goals: &mut Goals) {
    let [one, half, all] = levels else { panic!("three levels") };
    let what = format!("Start to first delivery, {} installations of as many packages, warm", all.installations);
    let value = format!("{} ms", plain(all.first.median()));
    let against = format!("{} ms with one", plain(one.first.median()));
    let reached = Verdict::of(all.first.median() < START_MS);
    goals.row(&what, &value, &against, "", "under 500 ms", reached);
    let each = |more: &Times, fewer: &Times| {
        (more.first.median() - fewer.first.median()) / number(more.installations - fewer.installations)
    };
    let (lower, upper) = (each(half, one), each(all, half));
    let value = format!("{} ms", plain(each(all, one)));
    let against = format!("{} ms each up to {}, {} ms from there on", plain(lower), half.installations, plain(upper));
    // Results far below the limit are noise.
    let is_linear = upper <= 1.5 * lower.max(EACH_MS / 10.0);
    let reached = Verdict::of(is_linear && each(all, one) <= EACH_MS);
    goals.row("↳ one more installation", &value, &against, "", "linear, at most 2 ms", reached);
    let value = format!("{} ms", plain(all.all.median()));
    goals.note(
        "↳ until each has had its first delivery",
        &value,
        &format!("ready after {} ms", plain(all.ready.median())),
    );
}
