//! Records since when a connector has been running a delivery, so that an unfinished one is noticed while it runs.
//! Counts the same time as the duration of a recording: neither the wait for a slot of the runtime nor the wait for the
//! disk. Ends nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use handoff_model::call::OnStart;
use handoff_model::time::Clock;

/// The connector is not running: the delivery waits for a slot, or for the disk.
const NOT: u64 = u64::MAX;

/// One delivery's call. Costs one read of the clock and two writes to memory.
pub(super) struct Running {
    clock: Arc<dyn Clock>,
    since_us: AtomicU64,
}

impl Running {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { clock, since_us: AtomicU64::new(NOT) })
    }

    /// How long the connector has been running, in microseconds. `None` if it is not.
    pub(super) fn for_us(&self, now_us: u64) -> Option<u64> {
        let since = self.since_us.load(Ordering::Relaxed);
        (since != NOT).then(|| now_us.saturating_sub(since))
    }

    /// The call ends when the guard is dropped, also when it is aborted.
    pub(super) fn over_when_dropped(&self) -> Over<'_> {
        Over(self)
    }
}

impl OnStart for Running {
    fn started(&self) {
        self.since_us.store(self.clock.steady_us(), Ordering::Relaxed);
    }
}

pub(super) struct Over<'a>(&'a Running);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.since_us.store(NOT, Ordering::Relaxed);
    }
}
