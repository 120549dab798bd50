//! Redrives or discards dead letters. Does not decide which.

use crate::changes::{Change, LoggedEvent};
use crate::keys;
use crate::routing::{Address, To};
use crate::{DeadLetterIds, StoreError};
use handoff_model::actor::Actor;
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
