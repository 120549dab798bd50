//! Whether something else waits in a lane, answered from memory as long as the answer is surely no. Never says no wrongly; asks the
//! index where it cannot know.
//!
//! Each delivery of a partition key asks twice: is the lane empty, and who is next. With a long backlog that was two reads of the
//! index from anywhere in it, and most keys wait alone. Lanes share counters of a fixed number, so memory does not grow with what
//! waits; lanes that share one only make a needless question.

use crate::model::names::InstallationId;
use crate::store::keys::Lane;
use crate::store::records::{AfterFailure, More, Record};

/// Counters, one byte each. With a million lanes in use, one of twenty others is taken for one of them.
const COUNTERS: usize = 1 << 23;
/// A counter that says this does not count any more: at least so many wait, for all that is known.
const MANY: u8 = u8::MAX;

/// Entries that wait, counted by lane, roughly: each in two counters, of which the lower one is nearer the truth.
pub(super) struct Lanes {
    counters: Vec<u8>,
    /// What waited when the store was opened is counted too.
    is_complete: bool,
}

impl Lanes {
    /// For queues in which nothing waits.
    pub(super) fn empty() -> Self {
        Self { counters: vec![0; COUNTERS], is_complete: true }
    }

    /// For queues of which nothing is known: always asks, until [`Lanes::all_are_empty`].
    pub(super) fn unknown() -> Self {
        Self { is_complete: false, ..Self::empty() }
    }

    /// Nothing waits anywhere.
    pub(super) fn all_are_empty(&mut self) {
        if !self.is_complete {
            *self = Self::empty();
        }
    }

    /// True if surely nothing waits in the lane.
    pub(super) fn is_empty(&self, id: InstallationId, lane: Lane) -> bool {
        self.is_complete && self.most(id, lane) == 0
    }

    /// True if surely nothing waits in the lane but one entry that does.
    pub(super) fn is_alone(&self, id: InstallationId, lane: Lane) -> bool {
        self.is_complete && self.most(id, lane) == 1
    }

    /// No more than so many wait in the lane.
    fn most(&self, id: InstallationId, lane: Lane) -> u8 {
        places(id, lane)
            .map(|place| self.counters.get(place).copied().unwrap_or(MANY))
            .into_iter()
            .min()
            .unwrap_or(MANY)
    }

    /// Counts what a record puts into queues and takes out of them.
    pub(super) fn add(&mut self, record: &Record, more: &[More]) {
        for more in more {
            let More::Requeued(requeued) = more else { continue };
            requeued.entries.iter().for_each(|again| self.enter(requeued.installation, again.lane));
        }
        self.add_record(record);
    }

    fn add_record(&mut self, record: &Record) {
        let left = match record {
            // Written again where they are: they wait already.
            Record::Carried { .. } => return,
            Record::Committed(committed) => Some(&committed.entry),
            Record::Failed(failed) => match failed.then {
                AfterFailure::DeadLetter { .. } => Some(&failed.entry),
                AfterFailure::Retry { .. } | AfterFailure::Paused { .. } => None,
            },
            _ => None,
        };
        if let Some(entry) = left {
            self.leave(entry.installation, entry.lane);
        }
        for route in record.events().iter().flat_map(|event| &event.routes) {
            self.enter(route.installation, route.lane);
        }
    }

    fn enter(&mut self, id: InstallationId, lane: Lane) {
        self.change(id, lane, |counter| counter.saturating_add(1));
    }

    fn leave(&mut self, id: InstallationId, lane: Lane) {
        self.change(id, lane, |counter| if counter == MANY { MANY } else { counter.saturating_sub(1) });
    }

    fn change(&mut self, id: InstallationId, lane: Lane, change: impl Fn(u8) -> u8) {
        for place in places(id, lane).into_iter().filter(|_| lane.is_keyed()) {
            if let Some(counter) = self.counters.get_mut(place) {
                *counter = change(*counter);
            }
        }
    }
}

/// Multiplying spreads installations (Knuth, The Art of Computer Programming, 6.4); lanes are digests already.
fn places(id: InstallationId, lane: Lane) -> [usize; 2] {
    let mixed = (lane.number() ^ u64::from(id.0)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    [mixed >> 41, (mixed >> 18) & 0x7F_FFFF].map(|place| usize::try_from(place).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_that_nothing_else_waits_only_if_nothing_does() {
        let (id, lane) = (InstallationId(7), Lane::of_key("lead-1"));
        let mut lanes = Lanes::empty();
        assert!(lanes.is_empty(id, lane));
        lanes.enter(id, lane);
        assert!(!lanes.is_empty(id, lane) && lanes.is_alone(id, lane));
        lanes.enter(id, lane);
        assert!(!lanes.is_alone(id, lane));
        lanes.leave(id, lane);
        lanes.leave(id, lane);
        assert!(lanes.is_empty(id, lane));
        for _ in 0..300 {
            lanes.enter(id, lane);
        }
        for _ in 0..300 {
            lanes.leave(id, lane);
        }
        assert!(!lanes.is_empty(id, lane), "a counter that was full is believed no more");
        let mut unknown = Lanes::unknown();
        assert!(!unknown.is_empty(id, lane));
        unknown.all_are_empty();
        assert!(unknown.is_empty(id, lane));
    }
}
