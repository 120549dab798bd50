//! The data of one call's store: one field per capability. No rules of its own.

use std::sync::Arc;

use wasmtime::component::{HasSelf, Linker};

use super::bindings::{Connector, handoff::connector1_0_0::types};
use super::context::Context;
use super::http::Http;
use super::log::Log;
use super::meter::{MemoryLimiter, Meter};
use super::metrics::Metrics;
use super::outbox::Outbox;
use super::state::State;
use handoff_model::call::Call;
use handoff_model::effects::{Effects, Trace};
use handoff_model::limits::CallLimits;

/// Whether a call may change anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// `handle`: effects are collected.
    Effects,
    /// `migrate`: writes of state are collected, other effects refused.
    StateOnly,
    /// `validate`: effects are refused.
    ReadOnly,
}

/// The host's state of one call.
pub(super) struct HostState {
    pub(super) meter: Meter,
    pub(super) memory: MemoryLimiter,
    pub(super) context: Context,
    pub(super) state: State,
    pub(super) outbox: Outbox,
    pub(super) http: Http,
    pub(super) log: Log,
    pub(super) metrics: Metrics,
}

impl HostState {
    pub(super) fn new(call: Call, mode: Mode, limits: CallLimits) -> Self {
        Self {
            meter: Meter::new(limits.host_calls),
            memory: MemoryLimiter::new(limits.memory_bytes, limits.table_elements),
            state: State::new(call.state, mode, limits),
            outbox: Outbox::new(&call.info, call.cause, Arc::clone(&call.grants), mode, limits),
            http: Http::new(call.look_ups, call.grants, limits),
            log: Log::new(limits),
            metrics: Metrics::new(mode, limits),
            context: Context::new(call.info, call.config_json, call.seed, limits),
        }
    }

    /// Collects the results of the call. The caller sets the trace's duration.
    pub(super) fn finish(self) -> (Effects, Trace) {
        let (state_writes, reads) = self.state.finish();
        let outbox = self.outbox.finish();
        let effects = Effects {
            state_writes,
            emitted: outbox.emitted,
            timers_set: outbox.timers_set,
            timers_cancelled: outbox.timers_cancelled,
            outbox: outbox.requests,
            metrics: self.metrics.finish(),
        };
        let trace = Trace { reads, exchanges: self.http.finish(), logs: self.log.finish(), duration_us: 0 };
        (effects, trace)
    }
}

/// The interface of shared types has no functions.
impl types::Host for HostState {}

/// Adds every import that a connector may have, and nothing else.
pub(super) fn add_to_linker(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    Connector::add_to_linker::<_, HasSelf<_>>(linker, |state| state)
}
