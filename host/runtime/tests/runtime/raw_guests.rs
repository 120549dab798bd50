//! Guests that no compiler generates: each ends with its own code, and the runtime serves the next call normally.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use handoff_model::limits::CallLimits;
use handoff_runtime::{Prepared, Runtime};

use crate::bench::{Bench, call, event, failed, options};
use crate::guest::Guest;
use crate::raw::{self, Raw};

/// The folder of the released contract.
pub(crate) fn contract() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../wit/handoff-connector-1.0.0")
}

pub(crate) async fn prepare(runtime: &Runtime, raw: &Raw) -> Prepared {
    let guest = Guest::of(raw.component(&contract()));
    let prepared = runtime.prepare(&guest.digest, &guest.component).await;
    prepared.unwrap_or_else(|error| panic!("{}: {error}", raw.name))
}

#[tokio::test]
async fn each_guest_fails_with_its_own_code_and_affects_no_other() {
    // Generous deadline, so that guests end for their own reason, on a busy machine too.
    let with = |deadline_ms| {
        let limits = CallLimits { deadline_ms, ..CallLimits::default() };
        Runtime::new(options(limits)).expect("the runtime starts")
    };
    let (hasty, patient) = (with(100), with(CallLimits::default().deadline_ms));
    let (beside_hasty, beside_patient) = (Bench::on(&hasty).await, Bench::on(&patient).await);
    let mut wrong = Vec::new();
    for raw in raw::all() {
        let is_hasty = raw.code == "deadline-exceeded";
        let (runtime, good) = if is_hasty { (&hasty, &beside_hasty) } else { (&patient, &beside_patient) };
        let guest = prepare(runtime, &raw).await;
        let started = Instant::now();
        let (nothing, work) = (event(""), event("set a b"));
        let (called, worked) = tokio::join!(guest.handle(call(), &nothing), good.probe.handle(call(), &work));
        let failed = failed(&called);
        if !failed.starts_with(&format!("{}: ", raw.code)) || !failed.contains(raw.says) {
            wrong.push(format!("{}: {failed}", raw.name));
        }
        assert!(worked.outcome.is_ok(), "{}: the good guest fails: {worked:?}", raw.name);
        assert!(started.elapsed() < Duration::from_secs(8), "{}: took {:?}", raw.name, started.elapsed());
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn validate_has_a_deadline_too() {
    let limits = CallLimits { deadline_ms: 100, ..CallLimits::default() };
    let runtime = Runtime::new(options(limits)).expect("the runtime starts");
    let guest = prepare(&runtime, &raw::LOOPS_IN_VALIDATE).await;
    let asked = guest.validate(call()).await;
    assert!(failed(&asked).starts_with("deadline-exceeded: "), "{}", failed(&asked));
    assert!(guest.handle(call(), &event("")).await.outcome.is_ok());
}
