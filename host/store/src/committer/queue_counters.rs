//! Tells from memory that a queue is empty, or that it has exactly one entry. A "yes" is always correct; otherwise the
//! caller reads the index.
//!
//! Each delivery of a partition key asks whether its queue is empty and what is next in it. With a long backlog that
//! would be two random reads of the index, although most entries wait alone. Queues share a fixed number of counters,
//! so memory does not grow with the backlog. If two queues share a counter, the only cost is a needless read. Entries
//! from before the start are counted step by step; until that is finished, the index is always read.

use crate::StoreError;
use crate::buffer::View;
use crate::changes::{AfterFailure, Change, Entry, Frame};
use crate::keys;
use crate::keys::{Key, QueueKey, table};
use handoff_model::names::{InstallationId, Position};

/// Counters of one byte. With a million queues in use, the false positive rate is one in twenty.
const COUNTERS: usize = 1 << 23;
/// A saturated counter: at least this many entries may wait.
const MANY: u8 = u8::MAX;

/// Approximate numbers of waiting entries by queue. Each queue has two counters; the lower one is the better bound.
pub(super) struct QueueCounters {
    counters: Vec<u8>,
    counted: Counted,
}

/// The rows of the queues that the counters include.
enum Counted {
    All,
    /// Rows up to a key, regardless of when they were written.
    UpTo(Key),
    /// No rows, for good: they could not be read.
    None,
}

impl QueueCounters {
    /// Creates counters for queues that are all empty.
    pub(super) fn empty() -> Self {
        Self { counters: vec![0; COUNTERS], counted: Counted::All }
    }

    /// Creates counters for queues with unknown contents: the index is always read until `learn` has finished.
    pub(super) fn unknown() -> Self {
        Self { counted: Counted::UpTo(Key::new()), ..Self::empty() }
    }

    /// Resets all counters: no entry waits in any queue.
    pub(super) fn all_are_empty(&mut self) {
        if !self.is_complete() {
            *self = Self::empty();
        }
    }

    /// Counts some more of the entries from before the start. Entries that are added or removed in the meantime are
    /// counted by position: at once if they are before the last row that was read, otherwise when their row is read.
    pub(super) fn learn(&mut self, view: &View, rows: usize) -> Result<(), StoreError> {
        let Counted::UpTo(after) = &mut self.counted else { return Ok(()) };
        let after = std::mem::take(after);
        self.counted = Counted::None;
        let found = view.scan(&[table::QUEUE], Some(&after), rows)?;
        for (key, _) in &found {
            if let (Some(id), Some(queue_key)) = (keys::installation_at(key, 1), keys::number_at(key, 5)) {
                self.change(id, QueueKey::of_number(queue_key), |counter| counter.saturating_add(1));
            }
        }
        self.counted = match found.into_iter().nth(rows.saturating_sub(1)) {
            Some((last, _)) => Counted::UpTo(last),
            None => Counted::All,
        };
        Ok(())
    }

    fn is_complete(&self) -> bool {
        matches!(self.counted, Counted::All)
    }

    /// True if the queue is certainly empty.
    pub(super) fn is_empty(&self, id: InstallationId, queue_key: QueueKey) -> bool {
        self.is_complete() && self.most(id, queue_key) == 0
    }

    /// True if the queue certainly has only one entry, which the caller knows.
    pub(super) fn is_alone(&self, id: InstallationId, queue_key: QueueKey) -> bool {
        self.is_complete() && self.most(id, queue_key) == 1
    }

    /// The maximum number of entries that may wait in the queue.
    fn most(&self, id: InstallationId, queue_key: QueueKey) -> u8 {
        places(id, queue_key)
            .map(|place| self.counters.get(place).copied().unwrap_or(MANY))
            .into_iter()
            .min()
            .unwrap_or(MANY)
    }

    /// Counts the entries that a frame adds to queues and removes from them.
    pub(super) fn add(&mut self, frame: &Frame) {
        frame.changes.iter().for_each(|change| self.add_change(change));
    }

    fn add_change(&mut self, change: &Change) {
        match change {
            Change::DeliveryCommitted(committed) => {
                let Entry { installation, queue_key, position, .. } = committed.entry;
                self.leave(installation, queue_key, position);
            }
            Change::DeliveryFailed(failed) => match failed.then {
                AfterFailure::DeadLetter { .. } => {
                    let Entry { installation, queue_key, position, .. } = failed.entry;
                    self.leave(installation, queue_key, position);
                }
                AfterFailure::Retry { .. } | AfterFailure::Paused => {}
            },
            Change::EventsWithdrawn(withdrawn) => {
                for withdrawn in &withdrawn.entries {
                    let Entry { installation, queue_key, position, .. } = withdrawn.entry;
                    self.leave(installation, queue_key, position);
                }
            }
            Change::EventsRequeued(requeued) => {
                requeued
                    .entries
                    .iter()
                    .for_each(|again| self.enter(requeued.installation, again.queue_key, again.position));
            }
            Change::EventsAppended { .. }
            | Change::RetriesMoved { .. }
            | Change::SendStarted(_)
            | Change::SendFinished(_)
            | Change::RequestsMoved(_)
            | Change::TimersFired { .. }
            | Change::TimersRestored { .. }
            | Change::StateWritten { .. }
            | Change::InstallationPut(_)
            | Change::GenerationAdded(_)
            | Change::StateSchemaSet { .. }
            | Change::DeadLettersRedriven { .. }
            | Change::DeadLettersDiscarded { .. }
            | Change::EventsCarried(_)
            | Change::RequestsCarried(_)
            | Change::EventsForgotten(_)
            | Change::UndoBegun { .. }
            | Change::UndoAdded(_)
            | Change::UndoClosed { .. }
            | Change::UndoDropped { .. }
            | Change::RollbackMoved(_)
            | Change::RollbackForgotten { .. }
            | Change::AuditAppended(_)
            | Change::HostRecordSet(_)
            | Change::Uninstalled(_)
            | Change::RowsDropped { .. } => {}
        }
        for event in change.queued_events() {
            event.routes.iter().for_each(|route| self.enter(route.installation, route.queue_key, event.position));
        }
    }

    fn enter(&mut self, id: InstallationId, queue_key: QueueKey, position: Position) {
        if self.counts(id, queue_key, position) {
            self.change(id, queue_key, |counter| counter.saturating_add(1));
        }
    }

    fn leave(&mut self, id: InstallationId, queue_key: QueueKey, position: Position) {
        if self.counts(id, queue_key, position) {
            self.change(id, queue_key, |counter| if counter == MANY { MANY } else { counter.saturating_sub(1) });
        }
    }

    fn counts(&self, id: InstallationId, queue_key: QueueKey, position: Position) -> bool {
        match &self.counted {
            Counted::All => true,
            Counted::UpTo(last) => keys::queue(id, queue_key, position) <= *last,
            Counted::None => false,
        }
    }

    fn change(&mut self, id: InstallationId, queue_key: QueueKey, change: impl Fn(u8) -> u8) {
        for place in places(id, queue_key).into_iter().filter(|_| queue_key.is_keyed()) {
            if let Some(counter) = self.counters.get_mut(place) {
                *counter = change(*counter);
            }
        }
    }
}

/// Multiplication spreads installations (Knuth, The Art of Computer Programming, 6.4); queues are digests already.
fn places(id: InstallationId, queue_key: QueueKey) -> [usize; 2] {
    let mixed = (queue_key.number() ^ u64::from(id.0)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    [mixed >> 41, (mixed >> 18) & 0x7F_FFFF].map(|place| usize::try_from(place).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::Sink as _;
    use crate::index::Index;

    #[test]
    fn it_says_that_nothing_else_waits_only_if_nothing_does() {
        let (id, queue_key, at) = (InstallationId(7), QueueKey::of_partition_key("lead-1"), Position);
        let mut counters = QueueCounters::empty();
        assert!(counters.is_empty(id, queue_key));
        counters.enter(id, queue_key, at(1));
        assert!(!counters.is_empty(id, queue_key) && counters.is_alone(id, queue_key));
        counters.enter(id, queue_key, at(2));
        assert!(!counters.is_alone(id, queue_key));
        counters.leave(id, queue_key, at(1));
        counters.leave(id, queue_key, at(2));
        assert!(counters.is_empty(id, queue_key));
        (0..300).for_each(|position| counters.enter(id, queue_key, at(position)));
        (0..300).for_each(|position| counters.leave(id, queue_key, at(position)));
        assert!(!counters.is_empty(id, queue_key), "a counter that was full is believed no more");
        let mut unknown = QueueCounters::unknown();
        assert!(!unknown.is_empty(id, queue_key));
        unknown.all_are_empty();
        assert!(unknown.is_empty(id, queue_key));
    }

    #[test]
    fn what_comes_and_goes_while_a_queue_is_counted_is_counted_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let view =
            View::new(Index::open(dir.path(), 1 << 20, crate::options::Steps::small().index_watch).expect("opened"));
        let (id, mut counters) = (InstallationId(7), QueueCounters::unknown());
        let queue_key = |number: u64| QueueKey::of_partition_key(&(number % 60).to_string());
        let row = |number| keys::queue(id, queue_key(number), Position(number));
        (0..40).for_each(|number| view.write(false, |sink| sink.put(row(number), Vec::new())));
        // Each step adds one entry and removes one: of 40 to 99, the last 40 stay, each in its own queue.
        for number in 40..100 {
            view.write(false, |sink| sink.put(row(number), Vec::new()));
            counters.enter(id, queue_key(number), Position(number));
            view.write(false, |sink| sink.delete(row(number - 40)));
            counters.leave(id, queue_key(number - 40), Position(number - 40));
            counters.learn(&view, 4).expect("read");
        }
        assert!(counters.is_complete());
        for number in 60..120 {
            assert_eq!(
                (counters.is_alone(id, queue_key(number)), counters.is_empty(id, queue_key(number))),
                (number < 100, number >= 100)
            );
        }
    }
}
