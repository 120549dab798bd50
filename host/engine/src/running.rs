//! Since when the connector works at a delivery, so that one that does not end is seen while it is at work. Counts what the
//! duration of a recording counts, and so neither the wait for a place in the runtime nor that for the disk. Ends nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use handoff_model::call::OnStart;
use handoff_model::time::Clock;

/// The connector does not work at it: it waits for a place, or for the disk.
const NOT: u64 = u64::MAX;

/// One delivery's call. Costs a look at the clock and two writes to memory.
pub(super) struct Running {
    clock: Arc<dyn Clock>,
    since_us: AtomicU64,
}

impl Running {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { clock, since_us: AtomicU64::new(NOT) })
    }

    /// How long the connector has worked by now, in microseconds. None if it does not.
    pub(super) fn for_us(&self, now_us: u64) -> Option<u64> {
        let since = self.since_us.load(Ordering::Relaxed);
        (since != NOT).then(|| now_us.saturating_sub(since))
    }

    /// The call is over with the guard, also when it is cut off.
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
