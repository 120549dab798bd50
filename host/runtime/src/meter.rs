//! Why the host ends a call, and the counters that decide it. It knows no capability.

use std::time::Instant;

use wasmtime::ResourceLimiter;

use handoff_model::failure::host_codes;

/// Why the host ended a call. Propagates through the guest's stack as an error.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    #[error("the call did not return within {limit_ms} ms")]
    Deadline { limit_ms: u64 },
    #[error("more than {limit} host calls")]
    HostCalls { limit: u32 },
    #[error("requested more than {limit} random bytes in one delivery")]
    Random { limit: u32 },
    #[error(transparent)]
    StateRead(#[from] handoff_model::call::StateReadError),
}

/// Counts host calls.
pub(super) struct Meter {
    host_calls: u32,
    limit: u32,
}

impl Meter {
    pub(super) fn new(limit: u32) -> Self {
        Self { host_calls: 0, limit }
    }

    /// Counts one host call; an error if there were too many.
    pub(super) fn host_call(&mut self) -> Result<(), Stop> {
        self.host_calls = self.host_calls.saturating_add(1);
        if self.host_calls > self.limit { Err(Stop::HostCalls { limit: self.limit }) } else { Ok(()) }
    }
}

/// The deadline of a call.
#[derive(Clone, Copy)]
pub(super) struct Deadline {
    pub(super) at: Instant,
    pub(super) limit_ms: u64,
}

impl Deadline {
    pub(super) fn passed(self) -> bool {
        Instant::now() >= self.at
    }
}

/// Limits linear memory and tables, and remembers a refusal to explain the trap that follows.
///
/// A refused growth is not a trap: the WebAssembly specification lets a guest continue.
pub(super) struct MemoryLimiter {
    memory_bytes: usize,
    table_elements: usize,
    /// The last refusal.
    pub(super) refused: Option<Refused>,
}

/// A growth that was refused.
pub(super) struct Refused {
    /// The code of the failure if the guest does not continue.
    pub(super) code: &'static str,
    /// For people, after "the connector".
    pub(super) text: String,
}

impl MemoryLimiter {
    pub(super) fn new(memory_bytes: usize, table_elements: usize) -> Self {
        Self { memory_bytes, table_elements, refused: None }
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let allowed = desired <= self.memory_bytes;
        if !allowed {
            let text = format!(
                "requested {} KiB of memory; at most {} KiB are allowed (`limits.call.memory-bytes`)",
                desired >> 10,
                self.memory_bytes >> 10
            );
            self.refused = Some(Refused { code: host_codes::MEMORY, text });
        }
        Ok(allowed)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let allowed = desired <= self.table_elements;
        if !allowed {
            let text = format!(
                "requested a table of {desired} elements; at most {} are allowed (`limits.call.table-elements`)",
                self.table_elements
            );
            self.refused = Some(Refused { code: host_codes::TABLE, text });
        }
        Ok(allowed)
    }
}
