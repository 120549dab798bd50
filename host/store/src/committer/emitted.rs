//! Logs the events that a delivery emits, unless they are already in the log. That happens if an earlier generation
//! handled the same entry before a rollback requeued it, because an event's id is derived from its delivery and its
//! index. Repeated events are stored with the delivery, so that people and replays can see what it emitted.

use crate::changes::{CauseRef, Entry, LoggedEvent, Repeated, RepeatedEvent};
use crate::keys;
use crate::routing::{Address, To};
use crate::rows::{RepeatedEvents, decode};
use crate::{Attempt, StoreError};
use handoff_model::event::Event;
use handoff_model::names::Position;
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;

use super::Committer;
use super::append::{Batch, Repeat};

/// Deliveries with differing events that are listed; more are only counted.
const NAMED_MAX: usize = 5;

impl Committer {
    /// Returns the new events, and a record of the repeated ones. They have the scope in which the delivery runs: nothing
    /// that a connector returns can choose another.
    pub(super) fn decide_emitted(
        &self,
        batch: &mut Batch,
        entry: &Entry,
        attempt: &Attempt,
        scope: &Scope,
        events: Vec<Event>,
    ) -> Result<(Vec<LoggedEvent>, Option<Box<Repeated>>), StoreError> {
        if events.is_empty() {
            return Ok((Vec::new(), None));
        }
        let cause = CauseRef { installation: entry.installation, position: entry.position };
        let address = Address { scope: scope.clone(), to: To::Subscribers { emitter: Some(entry.installation) } };
        let (mut new, mut repeated) = (Vec::with_capacity(events.len()), Vec::new());
        for (place, event) in (0..).zip(events) {
            match self.log(batch, event, &address, attempt.finished_at, Some(cause))? {
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

    /// Whether an event differs from the one in the log. A logged event that cannot be read counts as different.
    fn differs(&self, position: Position, event: &Event, clock: Timestamp) -> bool {
        let there = self.shared.logged_event(position).ok().flatten();
        let there = there.and_then(|logged| self.shared.with_body(logged.event, logged.blob).ok());
        there.is_none_or(|there| event.clone().timed_as(&there, clock) != there)
    }
}
