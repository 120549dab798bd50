//! Recent journal records in memory: what was just written is delivered without reading it back, and what is not on
//! disk yet can be read at all.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::journal::Location;
use crate::records::Written;

/// Bytes of encoded records that are kept.
const BYTES_MAX: usize = 32 << 20;

#[derive(Default)]
pub(crate) struct Cache(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    records: BTreeMap<Location, Arc<Written>>,
    order: VecDeque<(Location, usize)>,
    bytes: usize,
}

impl Cache {
    pub(crate) fn get(&self, at: Location) -> Option<Arc<Written>> {
        self.0.lock().records.get(&at).cloned()
    }

    /// Keeps a record for a while.
    pub(crate) fn keep(&self, at: Location, written: Arc<Written>, bytes: usize) {
        let mut kept = self.0.lock();
        if kept.records.insert(at, written).is_none() {
            kept.order.push_back((at, bytes));
            kept.bytes += bytes;
        }
    }

    /// Forgets the oldest, but nothing that is not on disk yet: from `durable` on.
    pub(crate) fn trim(&self, durable: Location) {
        let mut kept = self.0.lock();
        while kept.bytes > BYTES_MAX && kept.order.front().is_some_and(|(at, _)| *at < durable) {
            let Some((at, bytes)) = kept.order.pop_front() else { return };
            kept.records.remove(&at);
            kept.bytes = kept.bytes.saturating_sub(bytes);
        }
    }
}
