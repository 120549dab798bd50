//! One delivery on a fresh instance, without a store: the host's runtime, bare wasmtime with the same component, and
//! the Extism runtime with a plug-in that does the same work.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use handoff_model::call::{Call, Cause, LookUps, StateReadError, StateReader};
use handoff_model::delivery::DeliveryInfo;
use handoff_model::delivery::zone::TimeZone;
use handoff_model::grants::Grants;
use handoff_model::http::{HttpError, Request, Response};
use handoff_model::limits::{CallLimits, MigrationLimits, RuntimeLimits};
use handoff_model::names::{Generation, Position};
use handoff_model::time::Timestamp;
use handoff_package::Digest;
use handoff_runtime::{CompilerCommand, Prepared, Runtime, RuntimeOptions};

use crate::bare::{Bare, Pool};
use crate::embedded::event;
use crate::extism::Peer;
use crate::goals::{Goals, Verdict};
use crate::guest::Taker;
use crate::results::{Samples, plain};
use crate::{Load, say};

/// Measured alternately, so that a disturbance affects all of them.
const ROUNDS: u32 = 7;

/// No connector state.
struct Empty;

impl StateReader for Empty {
    fn get(&self, _: &str) -> Result<Option<Vec<u8>>, StateReadError> {
        Ok(None)
    }

    fn scan(&self, _: &str, _: Option<&str>, _: usize) -> Result<Vec<(String, Vec<u8>)>, StateReadError> {
        Ok(Vec::new())
    }
}

impl LookUps for Empty {
    fn fetch<'a>(
        &'a self,
        _: &'a Grants,
        _: &'a Request,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Response, HttpError>> + Send + 'a>> {
        Box::pin(std::future::pending())
    }
}

/// A runtime with the host's limits, which keeps compiled code in the folder.
pub(crate) fn runtime(folder: &Path) -> Runtime {
    let runtime = Runtime::new(RuntimeOptions {
        limits: RuntimeLimits::default(),
        call: CallLimits::default(),
        migration: MigrationLimits::default(),
        cache_dir: folder.join("code"),
        compiler: CompilerCommand::current_program().expect("this program"),
    });
    runtime.expect("a runtime")
}

/// Measures all three and adds rows.
pub(crate) async fn measure(load: Load, taker: &Taker, goals: &mut Goals) {
    say("One delivery on a fresh instance, without a store");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let runtime = runtime(folder.path());
    let digest = Digest::of(&taker.package).to_string();
    let prepared = runtime.prepare(&digest, &taker.package).await.expect("a connector");
    let bare = Bare::new(&taker.package, Pool::SMALL, "{}");
    let (mut host, mut alone, mut ratio) = (Samples::default(), Samples::default(), Samples::default());
    let (mut peer, mut extism, mut faster) = (Peer::start(load.calls / 4), Samples::default(), Samples::default());
    through_host(&prepared, load.calls / 10).await;
    through_wasmtime(&bare, load.calls / 10);
    for _ in 0..ROUNDS {
        let (one, other) =
            (micros(through_host(&prepared, load.calls).await), micros(through_wasmtime(&bare, load.calls)));
        let third = peer.round();
        println!("  host {} µs, bare wasmtime {} µs, Extism {} µs", plain(one), plain(other), plain(third));
        host.push(one);
        alone.push(other);
        ratio.push(one / other);
        extism.push(third);
        faster.push(third / one);
    }
    let what = "One delivery on a fresh instance, no store";
    let (value, times) = (format!("{} µs", plain(host.median())), ratio.median());
    let against = format!("{} µs: bare wasmtime, instantiate and call of the same component", plain(alone.median()));
    let reached = Verdict::of(times <= 1.5);
    goals.row(what, &value, &against, &format!("{} times", plain(times)), "at most 1.5 times", reached);

    let faster = faster.median();
    let against = format!("{} µs: {}", plain(extism.median()), peer.title());
    let reached = Verdict::of(faster >= 3.0);
    goals.row("↳ the same", &value, &against, &format!("{} times faster", plain(faster)), "at least 3 times", reached);
}

/// Measures one call through the host's runtime: limits, deadline, grants, effects and trace included.
async fn through_host(prepared: &Prepared, calls: u32) -> Duration {
    let (call, event) = (call(), event(1));
    let start = Instant::now();
    for _ in 0..calls {
        let called = prepared.handle(call.clone(), &event).await;
        assert!(called.outcome.is_ok(), "{:?}", called.outcome);
    }
    start.elapsed() / calls.max(1)
}

fn through_wasmtime(bare: &Bare, calls: u32) -> Duration {
    let event = Bare::event(&event(1));
    let start = Instant::now();
    for _ in 0..calls {
        bare.handle(&event);
    }
    start.elapsed() / calls.max(1)
}

pub(crate) fn call() -> Call {
    Call {
        info: DeliveryInfo {
            installation: "taker".parse().expect("a name"),
            generation: Generation(1),
            position: Position(1),
            attempt: 1,
            time: Timestamp(1_774_884_600_000),
            scope: "main-street".parse().expect("a name"),
            time_zone: TimeZone::try_from("America/Chicago".to_owned()).expect("a zone"),
            dry_run: false,
        },
        config_json: "{}".into(),
        grants: Arc::new(Grants { accepts: [crate::guest::TYPE_NAME.to_owned()].into(), ..Grants::default() }),
        seed: [7; 32],
        cause: Cause { source: "https://leads.example/feed".to_owned(), id: "lead-1".to_owned(), hops: 0 },
        state: Arc::new(Empty),
        look_ups: Arc::new(Empty),
        on_start: None,
    }
}

pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
