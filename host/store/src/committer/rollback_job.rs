//! Runs rollback jobs: starts a job in the frame of the swap, runs one step at a time, and audits the end. The steps
//! are implemented in `restore`, `requeue`, `retries`, `held` and `dead_letters`.

use std::collections::BTreeSet;

use crate::changes::Change;
use crate::keys;
use crate::keys::table;
use crate::read::{Handled, Window};
use crate::rollback_job::{Cursor, Marker, RollbackJob, Step, UndoReach};
use crate::rows::{DeadLetterRow, decode};
use crate::{Leave, NewGeneration, StoreError, WITHDRAWN};
use handoff_model::installation::Installation;
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::time::Timestamp;

use super::Committer;

/// Dead letters read in one step. This many, without their large bodies, fit into one frame.
const LETTERS_MAX: usize = 200;

/// The first steps of a rollback job, which are part of the rollback's own frame.
#[derive(Default)]
pub(super) struct FirstSteps {
    /// The changes to write, including the marker.
    pub(super) changes: Vec<Change>,
    /// The entries to requeue, if they are known.
    pub(super) window: Option<Window>,
}

impl Committer {
    /// The marker of the job for a new generation, if it needs one. Fails if the rollback must wait or is impossible.
    pub(super) fn marker_of(
        &self,
        new: &NewGeneration,
        existing: Option<&Installation>,
        generation: Generation,
    ) -> Result<Option<Marker>, StoreError> {
        let Some(existing) = existing else { return Ok(None) };
        let unfinished = self.shared.marker(existing.id).filter(|marker| !marker.done.is_done());
        let Some(leave) = new.leave else {
            return match unfinished {
                Some(_) => Err(StoreError::RollbackUnderWay(new.name.clone())),
                None => Ok(None),
            };
        };
        let Leave { to_end_of, restore_state, mut replay, unless_paused: _ } = leave;
        let (id, active, name) = (existing.id, existing.active.generation, new.name.clone());
        if to_end_of >= active {
            return Err(StoreError::NothingToLeave { name, active: active.0, to: to_end_of.0 });
        }
        let left = (Generation(to_end_of.0.saturating_add(1)), active);
        if let Some(unfinished) = unfinished {
            // The new job includes the unfinished one, if it goes back at least as far.
            if left.0 > unfinished.done.left.0 {
                return Err(StoreError::RollbackUnderWay(name));
            }
            replay |= unfinished.replay && unfinished.done.holds_deliveries();
        }
        if restore_state && let UndoReach::Gone { oldest } = self.shared.undo_reach(id, to_end_of)? {
            return Err(StoreError::UndoGone { name, to: to_end_of.0, oldest: oldest.0 });
        }
        let committed = self.shared.committed_since(id, left.0)?;
        Ok(Some(Marker {
            installation: id,
            generation,
            restore: restore_state,
            replay,
            by: new.by.clone(),
            committed,
            cursor: Cursor::Start,
            done: RollbackJob::new(left, restore_state, replay),
        }))
    }

    /// Runs one step. For a replay, `handled` holds the entries after a cursor that the journal lists as handled.
    /// Without it, the step uses the entries in memory, or does nothing.
    pub(super) fn continue_rollback(
        &mut self,
        id: InstallationId,
        at: Timestamp,
        handled: Option<(Cursor, Handled)>,
    ) -> Result<RollbackJob, StoreError> {
        let marker = self.shared.marker(id).ok_or(StoreError::NoRollback(id.0))?;
        match marker.done.step {
            Step::Restore => self.restore(marker)?,
            Step::Withdraw => self.withdraw(marker, at)?,
            Step::Replay => match handled {
                // Another caller was faster.
                Some((cursor, _)) if cursor != marker.cursor => {}
                Some((_, handled)) => self.requeue(marker, handled, at)?,
                None => {
                    if let Some(known) = self.shared.known_handled(&marker) {
                        self.requeue(marker, known, at)?;
                    }
                }
            },
            Step::Retry => self.retry_after_rollback(marker, at)?,
            Step::Hold => self.hold(marker, at)?,
            Step::Redrive => self.redrive_left(marker, at)?,
            Step::Done => {}
        }
        self.shared.marker(id).map(|marker| marker.done).ok_or(StoreError::NoRollback(id.0))
    }

    /// The first steps of a replay, as far as they fit into the rollback's own frame: the restored version then starts
    /// with them done.
    pub(super) fn first_steps(&self, marker: Marker, at: Timestamp) -> Result<FirstSteps, StoreError> {
        let id = marker.installation;
        let mut first = FirstSteps::default();
        let mut marker = marker;
        // The restored version may emit again what is withdrawn before it starts.
        if marker.done.step == Step::Withdraw && marker.replay {
            let (next, withdrawn) = self.withdrawn(marker, at)?;
            first.changes.extend(withdrawn);
            marker = next;
        }
        let left = self.undos.get(&id).filter(|_| marker.replay && marker.done.left.0 == marker.done.left.1);
        let known = match left.and_then(|left| left.handled_by(marker.done.left.0)) {
            Some(known) if self.shared.replays_from_journal(&marker)? => Some(known),
            _ => None,
        };
        let Some(window) = known.map(|known| Window::of(&marker, known)) else {
            first.changes.push(Change::RollbackMoved(Box::new(marker)));
            return Ok(first);
        };
        if marker.done.step == Step::Replay {
            let handled = window.after(Position(0), self.shared.options.steps.first_replayed_entries);
            first.window = Some(window).filter(|_| !handled.is_last);
            first.changes.extend(self.wait_again(marker, handled, at)?);
        } else {
            first.window = Some(window);
            first.changes.push(Change::RollbackMoved(Box::new(marker)));
        }
        Ok(first)
    }

    /// Redrives some dead letters of the rolled-back generations; at the end, logs the result.
    fn redrive_left(&mut self, marker: Marker, at: Timestamp) -> Result<(), StoreError> {
        let id = marker.installation;
        let after = match marker.cursor {
            Cursor::Position(after) => Some(keys::dead_letter(id, after)),
            _ => None,
        };
        let rows = self.shared.view.scan(&keys::prefix(table::DEAD_LETTER, Some(id)), after.as_deref(), LETTERS_MAX)?;
        let mut next = marker;
        let mut letters = Vec::new();
        for (key, row) in &rows {
            let Some(position) = keys::last_number(key).map(Position) else { continue };
            let letter: DeadLetterRow = decode(key, row)?;
            next.cursor = Cursor::Position(position);
            // A dead letter whose event is lost stays: a person must look at it.
            let is_its = next.done.leaves(letter.generation) && letter.failure.code != WITHDRAWN;
            if is_its && self.shared.view.get(&keys::event(position))?.is_some() {
                letters.push((id, position));
            }
        }
        let mut changes = Vec::new();
        next.done.dead_letters_redriven += u64::try_from(letters.len()).unwrap_or(0);
        if rows.len() < LETTERS_MAX {
            next.advance();
            // The audit entry is that of the rollback itself: one change, one entry.
            tracing::info!(installation = id.0, done = ?next.done, "the work that follows a rollback is done");
        }
        let (by, (first, last)) = (next.by.clone(), next.done.left);
        changes.push(Change::RollbackMoved(Box::new(next)));
        if letters.is_empty() {
            return self.write(changes).map(drop);
        }
        let reason = format!("rollback of generations {first} to {last}");
        let events = self.again(&letters, at)?;
        changes.push(Change::DeadLettersRedriven { letters, events, by, reason });
        self.write(changes).map(drop)
    }

    /// True if the entry is the first of its queue. Checked only where a rollback may have added older entries before
    /// it.
    pub(super) fn is_first(
        &self,
        id: InstallationId,
        position: Position,
        waits_for: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        if !self.shared.markers.read().get(&id).is_some_and(|marker| marker.replay) {
            return Ok(true);
        }
        let key = match waits_for {
            Some(due) => keys::waiting(id, due, position),
            None => keys::head(id, position),
        };
        Ok(self.shared.view.get(&key)?.is_some())
    }

    /// Installations whose timers wait for a rollback.
    pub(super) fn with_timers_held(&self) -> BTreeSet<InstallationId> {
        let markers = self.shared.markers.read();
        markers.iter().filter(|(_, marker)| marker.done.holds_timers()).map(|(id, _)| *id).collect()
    }
}
