//! Recent frames in memory: new frames are delivered without a read from disk, and frames that are not in the journal
//! yet can be read.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::changes::Frame;
use crate::journal::Location;

/// Bytes of encoded frames that are kept.
const BYTES_MAX: usize = 32 << 20;

#[derive(Default)]
pub(crate) struct Cache(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    frames: BTreeMap<Location, Arc<Frame>>,
    order: VecDeque<(Location, usize)>,
    bytes: usize,
}

impl Cache {
    pub(crate) fn get(&self, at: Location) -> Option<Arc<Frame>> {
        self.0.lock().frames.get(&at).cloned()
    }

    /// Adds a recent frame.
    pub(crate) fn keep(&self, at: Location, frame: Arc<Frame>, bytes: usize) {
        let mut kept = self.0.lock();
        if kept.frames.insert(at, frame).is_none() {
            kept.order.push_back((at, bytes));
            kept.bytes += bytes;
        }
    }

    /// Removes the oldest frames, but none from `durable` on, because those are not on disk yet.
    pub(crate) fn trim(&self, durable: Location) {
        let mut kept = self.0.lock();
        while kept.bytes > BYTES_MAX && kept.order.front().is_some_and(|(at, _)| *at < durable) {
            let Some((at, bytes)) = kept.order.pop_front() else { return };
            kept.frames.remove(&at);
            kept.bytes = kept.bytes.saturating_sub(bytes);
        }
    }
}
