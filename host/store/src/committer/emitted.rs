//! Logs the events that a delivery emits, unless the log has them: an earlier generation may have handled the same entry before a
//! rollback delivered it again, and events are named by their delivery and their index in it. What was emitted again is kept
//! with the delivery, so that people and replays can tell what it asked for.

use crate::changes::{CauseRef, Entry, LoggedEvent, Repeated, RepeatedEvent};
use crate::keys;
use crate::rows::{RepeatedEvents, decode};
use crate::{Attempt, Recipients, StoreError};
use handoff_model::event::Event;
use handoff_model::names::Position;
use handoff_model::time::Timestamp;

use super::Committer;
use super::append::{Batch, Repeat};

/// Deliveries whose differing events are named; those of more are counted.
const NAMED_MAX: usize = 5;

impl Committer {
    /// The events that are new, and a note of the others.
    pub(super) fn decide_emitted(
        &self,
        batch: &mut Batch,
        entry: &Entry,
        attempt: &Attempt,
        events: Vec<Event>,
    ) -> Result<(Vec<LoggedEvent>, Option<Box<Repeated>>), StoreError> {
        let cause = CauseRef { installation: entry.installation, position: entry.position };
        let (mut new, mut repeated) = (Vec::with_capacity(events.len()), Vec::new());
        for (place, event) in (0..).zip(events) {
            match self.log(batch, event, &Recipients::Subscribers, attempt.finished_at, Some(cause))? {
                Ok(event) => new.push(event),
                Err(Repeat { position, event }) => {
                    let differs = self.differs(position, &event, attempt.time);
                    repeated.push(RepeatedEvent { place, position, differs, event });
                }
            }
        }
        let note = (!repeated.is_empty()).then(|| self.note_repeated(entry, attempt, repeated)).transpose()?;
        Ok((new, note))
    }

    fn note_repeated(
        &self,
        entry: &Entry,
        attempt: &Attempt,
        events: Vec<RepeatedEvent>,
    ) -> Result<Box<Repeated>, StoreError> {
        let key = keys::repeated(entry.installation);
        let known: Option<RepeatedEvents> = self.shared.view.get(&key)?.map(|row| decode(&key, &row)).transpose()?;
        let mut so_far = known
            .filter(|known| known.generation == attempt.generation)
            .unwrap_or_else(|| RepeatedEvents { generation: attempt.generation, ..RepeatedEvents::default() });
        for event in &events {
            if event.differs { so_far.differing += 1 } else { so_far.same += 1 }
        }
        if events.iter().any(|event| event.differs) && so_far.first_differing.len() < NAMED_MAX {
            so_far.first_differing.push(entry.position);
        }
        Ok(Box::new(Repeated { events, so_far }))
    }

    /// Whether an event is another than the one in the log. One that cannot be read counts as another.
    fn differs(&self, position: Position, event: &Event, clock: Timestamp) -> bool {
        let there = self.shared.logged_event(position).ok().flatten();
        let there = there.and_then(|logged| self.shared.with_body(logged.event, logged.blob).ok());
        there.is_none_or(|there| event.clone().timed_as(&there, clock) != there)
    }
}
