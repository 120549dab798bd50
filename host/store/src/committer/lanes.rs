//! Whether something else waits in a lane, answered from memory as long as the answer is surely no. Never says no wrongly; asks the
//! index where it cannot know.
//!
//! Each delivery of a partition key asks twice: is the lane empty, and who is next. With a long backlog that was two reads of the
//! index from anywhere in it, and most keys wait alone. Lanes share counters of a fixed number, so memory does not grow with what
//! waits; lanes that share one only make a needless question. What waited at the start is counted step by step, and until then
//! the index is always asked.

use crate::StoreError;
use crate::buffer::View;
use crate::changes::{AfterFailure, Change, Entry, Frame};
use crate::keys;
use crate::keys::{Key, Lane, table};
use handoff_model::names::{InstallationId, Position};

/// Counters, one byte each. With a million lanes in use, one of twenty others is taken for one of them.
const COUNTERS: usize = 1 << 23;
/// A counter that says this does not count any more: at least so many wait, for all that is known.
const MANY: u8 = u8::MAX;

/// Entries that wait, counted by lane, roughly: each in two counters, of which the lower one is nearer the truth.
pub(super) struct Lanes {
    counters: Vec<u8>,
    counted: Counted,
}

/// Which rows of the queues are in the counters.
enum Counted {
    All,
    /// Those up to a key, whenever they came.
    UpTo(Key),
    /// None, and none will be: they could not be read.
    None,
}

impl Lanes {
    /// For queues in which nothing waits.
    pub(super) fn empty() -> Self {
        Self { counters: vec![0; COUNTERS], counted: Counted::All }
    }

    /// For queues of which nothing is known: always asks, until all is learnt.
    pub(super) fn unknown() -> Self {
        Self { counted: Counted::UpTo(Key::new()), ..Self::empty() }
    }

    /// Nothing waits anywhere.
    pub(super) fn all_are_empty(&mut self) {
        if !self.is_complete() {
            *self = Self::empty();
        }
    }

    /// Counts some more of what waited at the start. What comes and goes meanwhile is counted by its place: before the
    /// last row that was read, at once; behind it, when that row is read.
    pub(super) fn learn(&mut self, view: &View, rows: usize) -> Result<(), StoreError> {
        let Counted::UpTo(after) = &mut self.counted else { return Ok(()) };
        let after = std::mem::take(after);
        self.counted = Counted::None;
        let found = view.scan(&[table::QUEUE], Some(&after), rows)?;
        for (key, _) in &found {
            if let (Some(id), Some(lane)) = (keys::installation_at(key, 1), keys::number_at(key, 5)) {
                self.change(id, Lane::of_number(lane), |counter| counter.saturating_add(1));
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

    /// True if surely nothing waits in the lane.
    pub(super) fn is_empty(&self, id: InstallationId, lane: Lane) -> bool {
        self.is_complete() && self.most(id, lane) == 0
    }

    /// True if surely nothing waits in the lane but one entry that does.
    pub(super) fn is_alone(&self, id: InstallationId, lane: Lane) -> bool {
        self.is_complete() && self.most(id, lane) == 1
    }

    /// No more than so many wait in the lane.
    fn most(&self, id: InstallationId, lane: Lane) -> u8 {
        places(id, lane)
            .map(|place| self.counters.get(place).copied().unwrap_or(MANY))
            .into_iter()
            .min()
            .unwrap_or(MANY)
    }

    /// Counts what a frame puts into queues and takes out of them.
    pub(super) fn add(&mut self, frame: &Frame) {
        frame.changes.iter().for_each(|change| self.add_change(change));
    }

    fn add_change(&mut self, change: &Change) {
        match change {
            Change::DeliveryCommitted(committed) => {
                let Entry { installation, lane, position, .. } = committed.entry;
                self.leave(installation, lane, position);
            }
            Change::DeliveryFailed(failed) => match failed.then {
                AfterFailure::DeadLetter { .. } => {
                    let Entry { installation, lane, position, .. } = failed.entry;
                    self.leave(installation, lane, position);
                }
                AfterFailure::Retry { .. } | AfterFailure::Paused => {}
            },
            Change::EventsRequeued(requeued) => {
                requeued.entries.iter().for_each(|again| self.enter(requeued.installation, again.lane, again.position));
            }
            Change::EventsAppended { .. }
            | Change::RequestTried(_)
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
            | Change::HostRecordSet(_) => {}
        }
        for event in change.queued_events() {
            event.routes.iter().for_each(|route| self.enter(route.installation, route.lane, event.position));
        }
    }

    fn enter(&mut self, id: InstallationId, lane: Lane, position: Position) {
        if self.counts(id, lane, position) {
            self.change(id, lane, |counter| counter.saturating_add(1));
        }
    }

    fn leave(&mut self, id: InstallationId, lane: Lane, position: Position) {
        if self.counts(id, lane, position) {
            self.change(id, lane, |counter| if counter == MANY { MANY } else { counter.saturating_sub(1) });
        }
    }

    fn counts(&self, id: InstallationId, lane: Lane, position: Position) -> bool {
        match &self.counted {
            Counted::All => true,
            Counted::UpTo(last) => keys::queue(id, lane, position) <= *last,
            Counted::None => false,
        }
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
    use crate::apply::Sink as _;
    use crate::index::Index;

    #[test]
    fn it_says_that_nothing_else_waits_only_if_nothing_does() {
        let (id, lane, at) = (InstallationId(7), Lane::of_key("lead-1"), Position);
        let mut lanes = Lanes::empty();
        assert!(lanes.is_empty(id, lane));
        lanes.enter(id, lane, at(1));
        assert!(!lanes.is_empty(id, lane) && lanes.is_alone(id, lane));
        lanes.enter(id, lane, at(2));
        assert!(!lanes.is_alone(id, lane));
        lanes.leave(id, lane, at(1));
        lanes.leave(id, lane, at(2));
        assert!(lanes.is_empty(id, lane));
        (0..300).for_each(|position| lanes.enter(id, lane, at(position)));
        (0..300).for_each(|position| lanes.leave(id, lane, at(position)));
        assert!(!lanes.is_empty(id, lane), "a counter that was full is believed no more");
        let mut unknown = Lanes::unknown();
        assert!(!unknown.is_empty(id, lane));
        unknown.all_are_empty();
        assert!(unknown.is_empty(id, lane));
    }

    #[test]
    fn what_comes_and_goes_while_a_queue_is_counted_is_counted_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let view =
            View::new(Index::open(dir.path(), 1 << 20, crate::options::Steps::small().index_watch).expect("opened"));
        let (id, mut lanes) = (InstallationId(7), Lanes::unknown());
        let lane = |number: u64| Lane::of_key(&(number % 60).to_string());
        let row = |number| keys::queue(id, lane(number), Position(number));
        (0..40).for_each(|number| view.write(false, |sink| sink.put(row(number), Vec::new())));
        // One comes and one goes with each step: 40 to 99, of which the last 40 stay, each in a lane of its own.
        for number in 40..100 {
            view.write(false, |sink| sink.put(row(number), Vec::new()));
            lanes.enter(id, lane(number), Position(number));
            view.write(false, |sink| sink.delete(row(number - 40)));
            lanes.leave(id, lane(number - 40), Position(number - 40));
            lanes.learn(&view, 4).expect("read");
        }
        assert!(lanes.is_complete());
        for number in 60..120 {
            assert_eq!(
                (lanes.is_alone(id, lane(number)), lanes.is_empty(id, lane(number))),
                (number < 100, number >= 100)
            );
        }
    }
}
