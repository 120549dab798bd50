//! One connector in three languages: size, time of its build, time of its compilation in the host, a delivery on a fresh
//! instance beside bare wasmtime, and memory. Rust is measured, too, as the yardstick.

use std::path::Path;
use std::time::{Duration, Instant};

use handoff_build::{Built, Options};
use handoff_model::event::Event;
use handoff_runtime::Prepared;

use crate::bare::{Bare, Pool};
use crate::call::{call, micros, runtime};
use crate::embedded::event;
use crate::goals::{Goals, Verdict};
use crate::guest::target;
use crate::language::{JAVASCRIPT, Language, PYTHON, build, root, tools};
use crate::machine::resident_kib;
use crate::results::{Samples, plain};
use crate::{Load, say};

const CONFIG: &str = r#"{"list":"bdc","crm-url":"https://crm.example/leads","escalate-after-minutes":30}"#;
/// How many times as long as bare wasmtime a delivery may take. The host's own work is a constant: beside a guest that
/// takes microseconds it is a larger share.
const GOAL: f64 = 1.3;
const GOAL_OF_SMALL: f64 = 1.5;
/// Measured alternately, so that a disturbance affects both.
const ROUNDS: u32 = 7;

/// Measures each language whose tools are there, and adds rows.
pub(crate) async fn measure(load: Load, goals: &mut Goals) {
    say("The lead router of tests/guests in three languages");
    let started = Instant::now();
    let guests = target().join("bench/guests");
    let options = Options { output: Some(guests.join("packages")), target: Some(guests), ..Options::default() };
    let rust = handoff_build::build(&root().join("tests/guests/lead-router-rust"), &options, &mut |_| {});
    let rust = rust.unwrap_or_else(|error| panic!("{error}"));
    one("Rust", &rust, started.elapsed(), Pool::SMALL, load, goals).await;
    for (title, language) in [("JavaScript", &JAVASCRIPT), ("Python", &PYTHON)] {
        match of_language(language, &target()) {
            Some((built, took)) => one(title, &built, took, Pool::LARGE, load, goals).await,
            None => say(&format!("{title} is left out: run `make setup` for its tools")),
        }
    }
}

fn of_language(language: &Language, target: &Path) -> Option<(Built, Duration)> {
    let tools = tools(language, target)?;
    let started = Instant::now();
    let built = build(language, &tools, &format!("lead-router-{}", language.name), |_| {});
    Some((built.unwrap_or_else(|error| panic!("{error}")), started.elapsed()))
}

async fn one(title: &str, built: &Built, build: Duration, pool: Pool, load: Load, goals: &mut Goals) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let runtime = runtime(folder.path());
    let before = resident_kib(std::process::id()).0;
    let started = Instant::now();
    let prepared = runtime.prepare(&built.digest.to_string(), &built.bytes).await.expect("a connector");
    let compiled = started.elapsed();
    let event = overdue();
    through_host(&prepared, &event, load.calls / 100).await;
    let memory = (resident_kib(std::process::id()).0 - before) / 1_024.0;
    let bare = Bare::new(&built.bytes, pool, CONFIG);
    through_wasmtime(&bare, &event, load.calls / 100);
    let (mut host, mut alone, mut times) = (Samples::default(), Samples::default(), Samples::default());
    for _ in 0..ROUNDS {
        let one = micros(through_host(&prepared, &event, load.calls / 10).await);
        let other = micros(through_wasmtime(&bare, &event, load.calls / 10));
        host.push(one);
        alone.push(other);
        times.push(one / other);
    }
    let against = format!("{} µs: bare wasmtime with the same pool", plain(alone.median()));
    let (value, ratio) = (format!("{} µs", plain(host.median())), times.median());
    let goal = if pool == Pool::SMALL { GOAL_OF_SMALL } else { GOAL };
    let (wanted, reached) = (format!("at most {goal} times"), Verdict::of(ratio <= goal));
    let what = format!("{title}: one delivery on a fresh instance, no store");
    goals.row(&what, &value, &against, &format!("{} times", plain(ratio)), &wanted, reached);
    let size = built.bytes.len() >> 10;
    let seconds = |time: Duration| plain(time.as_secs_f64());
    let remark = format!(
        "of the package; built in {} s, compiled in the host in {} s; {} MiB of memory for the compiled code and one warm slot",
        seconds(build),
        seconds(compiled),
        plain(memory)
    );
    goals.note(&format!("↳ {title}"), &format!("{size} KiB"), &remark);
}

/// A timer of a lead that is not there: config, JSON and one read of state.
fn overdue() -> Event {
    let type_name = "com.example.lead.overdue.v1".to_owned();
    Event { type_name, data: br#"{"id":"L-1"}"#.to_vec(), ..event(1) }
}

async fn through_host(prepared: &Prepared, event: &Event, calls: u32) -> Duration {
    let mut call = call();
    call.config_json = CONFIG.into();
    let start = Instant::now();
    for _ in 0..calls {
        let called = prepared.handle(call.clone(), event).await;
        assert!(called.outcome.is_ok(), "{:?}", called.outcome);
    }
    start.elapsed() / calls.max(1)
}

fn through_wasmtime(bare: &Bare, event: &Event, calls: u32) -> Duration {
    let event = Bare::event(event);
    let start = Instant::now();
    for _ in 0..calls {
        bare.handle(&event);
    }
    start.elapsed() / calls.max(1)
}
