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
    /// The limit on all memories of the instance together.
    memory_bytes: usize,
    /// What they have.
    held_bytes: usize,
    /// The last growth that was allowed, in case the engine does not get the memory.
    last_growth: usize,
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
        Self { memory_bytes, held_bytes: 0, last_growth: 0, table_elements, refused: None }
    }
}

impl ResourceLimiter for MemoryLimiter {
    /// Called for a new memory, too, with a current size of 0.
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let growth = desired.saturating_sub(current);
        let wanted = self.held_bytes.saturating_add(growth);
        let allowed = wanted <= self.memory_bytes;
        if allowed {
            (self.held_bytes, self.last_growth) = (wanted, growth);
        } else {
            let text = format!(
                "requested {} KiB of memory; at most {} KiB are allowed (`limits.call.memory-bytes`)",
                wanted >> 10,
                self.memory_bytes >> 10
            );
            self.refused = Some(Refused { code: host_codes::MEMORY, text });
        }
        Ok(allowed)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.held_bytes = self.held_bytes.saturating_sub(std::mem::take(&mut self.last_growth));
        tracing::debug!(%error, "a connector's memory did not grow");
        Ok(())
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    #[test]
    fn all_memories_of_an_instance_share_one_limit() {
        let mut limiter = MemoryLimiter::new(10 << 10, 0);
        // Two empty ones and one with 6 KiB.
        for size in [0, 0, 6 << 10] {
            assert!(limiter.memory_growing(0, size, None).unwrap());
        }
        assert!(!limiter.memory_growing(0, 5 << 10, None).unwrap());
        let refused = limiter.refused.take().unwrap();
        assert_eq!(refused.code, host_codes::MEMORY);
        assert!(refused.text.starts_with("requested 11 KiB of memory; at most 10 KiB"), "{}", refused.text);
        assert!(limiter.memory_growing(0, 4 << 10, None).unwrap());
        // What the engine could not get is not held.
        limiter.memory_grow_failed(wasmtime::Error::msg("no memory")).unwrap();
        assert!(limiter.memory_growing(6 << 10, 10 << 10, None).unwrap());
        assert!(!limiter.memory_growing(0, 1, None).unwrap());
    }
}
