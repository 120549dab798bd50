//! One call from start to end: a fresh store and instance, the deadline, and the result.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use wasmtime::{Engine, Store, UpdateDeadline};

use super::bindings::{ConnectorPre, handoff::connector1_0_0::types};
use super::convert::failure_from_guest;
use super::host_state::{HostState, Mode};
use super::meter::{Deadline, Stop};
use super::trap;
use handoff_model::call::{Call, Called};
use handoff_model::failure::{Failure, host_codes};
use handoff_model::limits::CallLimits;

/// Which export is called.
pub(super) enum Export {
    Handle(Box<types::Event>),
    Validate,
    Migrate { from_schema: u32 },
}

impl Export {
    fn mode(&self) -> Mode {
        match self {
            Self::Handle(_) => Mode::Effects,
            Self::Migrate { .. } => Mode::StateOnly,
            Self::Validate => Mode::ReadOnly,
        }
    }
}

/// Why the guest returned no result.
enum Broken {
    Start(wasmtime::Error),
    Running(wasmtime::Error),
}

/// Runs one call in its own store. The caller holds a slot of the pool.
pub(super) async fn run(
    engine: &Engine,
    connector: &ConnectorPre<HostState>,
    call: Call,
    export: Export,
    limits: CallLimits,
) -> Called {
    let started = Instant::now();
    if let Some(on_start) = &call.on_start {
        on_start.started();
    }
    let deadline = Deadline { at: started + Duration::from_millis(limits.deadline_ms), limit_ms: limits.deadline_ms };
    let mut store = Store::new(engine, HostState::new(call, export.mode(), limits));
    bound(&mut store, limits, deadline);

    // Three limits on time: the epoch callback ends a computing guest, the timeout ends a waiting one, and dropping
    // this future ends either. A panic in a host function is a bug of the host; it must not end the host.
    let call = AssertUnwindSafe(invoke(&mut store, connector, &export)).catch_unwind();
    let ended = tokio::time::timeout_at(deadline.at.into(), call).await;

    let outcome = {
        let state = store.data();
        match ended {
            Err(_) => Err(trap::stopped(&Stop::Deadline { limit_ms: limits.deadline_ms })),
            Ok(Err(_panic)) => {
                tracing::error!("a host function panicked during a connector's call");
                Err(Failure::retry(
                    host_codes::HOST_PANIC,
                    "internal error in the host during this call; see the host's log",
                ))
            }
            Ok(Ok(Err(Broken::Start(error)))) => Err(trap::instantiation(&error, &state.memory)),
            Ok(Ok(Err(Broken::Running(error)))) => {
                Err(trap::failure(&error, &state.memory, state.log.panic_location()))
            }
            Ok(Ok(Ok(Err(failure)))) => Err(failure_from_guest(failure)),
            Ok(Ok(Ok(Ok(())))) => Ok(()),
        }
    };
    let (effects, mut trace) = store.into_data().finish();
    trace.duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    Called { outcome: outcome.map(|()| effects), trace }
}

/// Sets every limit of a store. wasmtime's own defaults are far more generous.
fn bound(store: &mut Store<HostState>, limits: CallLimits, deadline: Deadline) {
    store.limiter(|state| &mut state.memory);
    store.set_hostcall_fuel(limits.host_call_bytes);
    // One tick is `yield_after_ms`: a guest computes for at most that long, then others run.
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        if deadline.passed() {
            return Err(Stop::Deadline { limit_ms: deadline.limit_ms }.into());
        }
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    });
}

async fn invoke(
    store: &mut Store<HostState>,
    connector: &ConnectorPre<HostState>,
    export: &Export,
) -> Result<Result<(), types::Failure>, Broken> {
    let instance = connector.instantiate_async(&mut *store).await.map_err(Broken::Start)?;
    let lifecycle = instance.handoff_connector1_0_0_lifecycle();
    match export {
        Export::Handle(event) => instance.handoff_connector1_0_0_handler().call_handle(store, event).await,
        Export::Validate => lifecycle.call_validate(store).await,
        Export::Migrate { from_schema } => lifecycle.call_migrate(store, *from_schema).await,
    }
    .map_err(Broken::Running)
}
