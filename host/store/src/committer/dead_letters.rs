//! Redrives or discards dead letters, and makes one of a waiting event. Does not decide which.

use std::collections::BTreeSet;

use crate::changes::{Change, Entry, LoggedEvent, Withdrawn, WithdrawnEntry};
use crate::keys;
use crate::routing::{Address, To};
use crate::rows::{DeadLetterRow, QueueRow};
use crate::{DeadLetterIds, SET_ASIDE, StoreError};
use handoff_model::actor::Actor;
use handoff_model::failure::Failure;
use handoff_model::names::{InstallationId, Position};
use handoff_model::time::Timestamp;

use super::Committer;
use super::append::Batch;

impl Committer {
    pub(super) fn redrive(
        &mut self,
        letters: DeadLetterIds,
        by: Actor,
        reason: String,
        at: Timestamp,
    ) -> Result<Vec<Position>, StoreError> {
        self.check_letters(&letters)?;
        let events = self.again(&letters.0, at)?;
        let positions = events.iter().map(|event| event.position).collect();
        let entry = self.entry(self.about_places("redrive", &letters.0, &by, &reason, at));
        self.write(vec![Change::DeadLettersRedriven { letters: letters.0, events, by, reason }, entry])?;
        Ok(positions)
    }

    /// The events of dead letters, as new events.
    pub(super) fn again(
        &mut self,
        letters: &[(InstallationId, Position)],
        at: Timestamp,
    ) -> Result<Vec<LoggedEvent>, StoreError> {
        // The events may be in the current batch: they can only be read from disk.
        self.sync_now()?;
        let mut batch = Batch::default();
        let mut events = Vec::with_capacity(letters.len());
        for (id, position) in letters {
            let old = self.shared.logged_event(*position)?.ok_or_else(|| gone(*id, *position))?;
            let position = self.next_position();
            let address = Address { scope: old.scope.clone(), to: To::One(*id) };
            let routes = self.route(&mut batch, &old.event, &address, position)?;
            let redrive_of = Some(old.position);
            events.push(LoggedEvent { position, received_at: at, redrive_of, routes, dedupe: None, ..old });
        }
        Ok(events)
    }

    pub(super) fn discard(
        &mut self,
        letters: DeadLetterIds,
        by: Actor,
        reason: String,
        at: Timestamp,
    ) -> Result<usize, StoreError> {
        self.check_letters(&letters)?;
        let count = letters.0.len();
        let entry = self.entry(self.about_places("discard", &letters.0, &by, &reason, at));
        self.write(vec![Change::DeadLettersDiscarded { letters: letters.0, by, reason }, entry])?;
        Ok(count)
    }

    /// Makes a dead letter of a waiting entry, whether its installation is paused or not. Its queue continues with the
    /// next entry.
    pub(super) fn set_aside(
        &mut self,
        (id, position): (InstallationId, Position),
        by: &Actor,
        reason: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let installation = self.installation(id).ok_or_else(|| StoreError::NoInstallation(id.0.to_string()))?;
        if self.shared.marker(id).is_some_and(|marker| !marker.done.is_done()) {
            return Err(StoreError::RollbackUnderWay(installation.name.clone()));
        }
        let none = || StoreError::NotWaiting { installation: installation.name.clone(), position: position.0 };
        // The event may be in the current batch: it can only be read from disk.
        self.sync_now()?;
        let logged = self.shared.logged_event(position)?.ok_or_else(none)?;
        let route = logged.routes.iter().find(|route| route.installation == id).ok_or_else(none)?;
        let row = self.shared.queue_row(id, route.queue_key, position)?.ok_or_else(none)?;
        let QueueRow { enqueued_at, attempts, due } = row;
        let message = format!("a person set this event aside: {reason}");
        let letter = DeadLetterRow {
            generation: installation.active.generation,
            attempts,
            first_at: enqueued_at,
            at,
            failure: Failure::reject(SET_ASIDE, message),
        };
        let entry = Entry { installation: id, position, queue_key: route.queue_key, waited_for: due, enqueued_at };
        let entries = vec![WithdrawnEntry { entry, letter: Some(letter) }];
        let mut withdrawn = Withdrawn { entries, heads: Vec::new(), forgotten: Vec::new() };
        self.new_heads(&BTreeSet::from([(id, route.queue_key, position)]), &mut withdrawn)?;
        let audit = self.entry(self.about_places(SET_ASIDE, &[(id, position)], by, reason, at));
        self.write(vec![Change::EventsWithdrawn(Box::new(withdrawn)), audit]).map(drop)
    }

    fn check_letters(&self, letters: &DeadLetterIds) -> Result<(), StoreError> {
        for (id, position) in &letters.0 {
            if self.shared.view.get(&keys::dead_letter(*id, *position))?.is_none() {
                return Err(gone(*id, *position));
            }
        }
        Ok(())
    }
}

fn gone(id: InstallationId, position: Position) -> StoreError {
    StoreError::NoDeadLetter(format!("{}/{position}", id.0))
}
