//! A runtime with one prepared probe, fake state and fake look-ups. Tests write scripts and check the results.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use handoff_model::call::{Call, Called, Cause, LookUps, StateReadError, StateReader};
use handoff_model::delivery::DeliveryInfo;
use handoff_model::delivery::zone::TimeZone;
use handoff_model::event::Event;
use handoff_model::grants::{Grants, HttpGrant};
use handoff_model::http::{HttpError, Request, Response};
use handoff_model::limits::{CallLimits, MigrationLimits, RuntimeLimits};
use handoff_model::names::{Generation, Position};
use handoff_model::time::Timestamp;
use handoff_runtime::{CompilerCommand, Prepared, Runtime, RuntimeOptions};

use crate::guest::{probe, scratch};

/// The time of every delivery.
pub(crate) const NOW: u64 = 1_774_884_600_000;

/// Committed state that never changes.
#[derive(Default)]
pub(crate) struct FakeState {
    pub(crate) entries: BTreeMap<String, Vec<u8>>,
    pub(crate) broken: bool,
}

impl FakeState {
    pub(crate) fn of(entries: &[(&str, &str)]) -> Self {
        let entries = entries.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect();
        Self { entries, broken: false }
    }
}

impl StateReader for FakeState {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateReadError> {
        if self.broken {
            Err(StateReadError("the disk is gone".to_owned()))
        } else {
            Ok(self.entries.get(key).cloned())
        }
    }

    fn scan(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>, StateReadError> {
        let matching = self.entries.iter().filter(|(key, _)| key.starts_with(prefix));
        let after = matching.filter(|(key, _)| after.is_none_or(|after| key.as_str() > after));
        Ok(after.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

/// Answers every look-up with 200, or never.
pub(crate) struct FakeLookUps {
    pub(crate) answers: bool,
}

impl LookUps for FakeLookUps {
    fn fetch<'a>(&'a self, _: &'a Grants, request: &'a Request) -> BoxFuture<'a, Result<Response, HttpError>> {
        Box::pin(async move {
            if !self.answers {
                std::future::pending::<()>().await;
            }
            Ok(Response { status: 200, headers: Vec::new(), body: format!("answer to {}", request.url).into_bytes() })
        })
    }
}

/// A prepared probe and its runtime.
pub(crate) struct Bench {
    pub(crate) probe: Prepared,
}

pub(crate) fn options(call: CallLimits) -> RuntimeOptions {
    RuntimeOptions {
        limits: RuntimeLimits { instances: 4, ..RuntimeLimits::default() },
        call,
        migration: MigrationLimits::default(),
        cache_dir: scratch().join("code"),
        compiler: CompilerCommand::of(PathBuf::from(env!("CARGO_BIN_EXE_handoff-compile"))),
    }
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(CallLimits::default()).await
    }

    pub(crate) async fn with(call: CallLimits) -> Self {
        Self::on(&Runtime::new(options(call)).expect("the runtime starts")).await
    }

    /// With other guests in the same runtime.
    pub(crate) async fn on(runtime: &Runtime) -> Self {
        let guest = probe();
        let probe = runtime.prepare(&guest.digest, &guest.component).await.expect("the probe is a connector");
        Self { probe }
    }

    /// Runs a script with empty state.
    pub(crate) async fn run(&self, script: &str) -> Called {
        self.probe.handle(call(), &event(script)).await
    }
}

/// A call with empty state and all the grants that the scripts use.
pub(crate) fn call() -> Call {
    let grants = Grants {
        accepts: ["com.example.any.v1".to_owned()].into(),
        emits: ["com.example.done.v1".to_owned()].into(),
        http: vec![HttpGrant {
            name: "crm".to_owned(),
            host: "crm.example".to_owned(),
            port: None,
            plaintext: false,
            private_addresses: false,
            methods: ["GET".to_owned(), "POST".to_owned()].into(),
            paths: vec!["/leads/*".to_owned()],
            look_ups: Vec::new(),
            auth: [].into(),
        }],
        ..Grants::default()
    };
    Call {
        info: DeliveryInfo {
            installation: "web-leads".parse().expect("a name"),
            generation: Generation(3),
            position: Position(7),
            attempt: 1,
            time: Timestamp(NOW),
            scope: "main-street".parse().expect("a name"),
            time_zone: TimeZone::try_from("America/Chicago".to_owned()).expect("a zone"),
            dry_run: false,
        },
        config_json: "{\"list\":\"bdc\"}".into(),
        grants: Arc::new(grants),
        seed: [7; 32],
        cause: Cause { source: "/hooks/web-leads".to_owned(), id: "evt-1".to_owned(), hops: 0 },
        state: Arc::new(FakeState::default()),
        look_ups: Arc::new(FakeLookUps { answers: true }),
        on_start: None,
    }
}

/// An event whose data is a script.
pub(crate) fn event(script: &str) -> Event {
    Event {
        id: "evt-1".to_owned(),
        source: "/hooks/web-leads".to_owned(),
        type_name: "com.example.any.v1".to_owned(),
        subject: None,
        time: Some(Timestamp(NOW)),
        data_content_type: Some("text/plain".to_owned()),
        data_schema: None,
        extensions: BTreeMap::new(),
        data: script.as_bytes().to_vec(),
    }
}

/// The guest's log, one line per command.
pub(crate) fn seen(called: &Called) -> String {
    called.trace.logs.iter().map(|line| format!("{}\n", line.message)).collect()
}

/// `code: message` of the failure.
pub(crate) fn failed(called: &Called) -> String {
    let failure = called.outcome.as_ref().expect_err("the call fails");
    format!("{}: {}", failure.code, failure.message)
}
