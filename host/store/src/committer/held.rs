//! Held requests: those of rolled-back generations. A person releases or discards them, or a good generation replaces
//! them with a request of the same key.

use crate::StoreError;
use crate::changes::{Change, MovedRequest, StateBefore};
use crate::keys;
use crate::keys::table;
use crate::rollback_job::{Cursor, HeldAction, Marker};
use crate::rows::{OutboxRow, OutboxState, decode};
use handoff_model::actor::Actor;
use handoff_model::names::{Generation, InstallationId, Position};
use handoff_model::time::Timestamp;

use super::Committer;

/// Requests read in one step.
const LOOKED_AT_MAX: usize = 500;

impl Committer {
    /// The marker of a rollback with one more held request, whose connection broke before the rollback reached it.
    pub(super) fn held_meanwhile(&self, id: InstallationId) -> Option<Change> {
        let mut marker = self.shared.marker(id)?;
        marker.done.requests_held += 1;
        Some(Change::RollbackMoved(Box::new(marker)))
    }

    /// The marker with the requests that were replaced before the rollback reached them: it would have held them.
    pub(super) fn replaced_meanwhile(&self, id: InstallationId, replaced: &[MovedRequest]) -> Option<Change> {
        let count = replaced.iter().filter(|moved| moved.before != StateBefore::Held).count();
        let mut marker = self.shared.marker(id).filter(|_| count > 0)?;
        marker.done.requests_held += u64::try_from(count).unwrap_or(0);
        Some(Change::RollbackMoved(Box::new(marker)))
    }

    /// Holds some requests of the rolled-back generations. Moves the marker, and advances it at the end.
    pub(super) fn hold(&mut self, marker: Marker, at: Timestamp) -> Result<(), StoreError> {
        let id = marker.installation;
        let after = match &marker.cursor {
            Cursor::Key(after) => Some(after.clone()),
            _ => None,
        };
        let rows = self.shared.view.scan(&[table::OUTBOX_DUE], after.as_deref(), LOOKED_AT_MAX)?;
        let mut next = marker;
        let mut moved = Vec::new();
        for (key, _) in &rows {
            let place = keys::installation_at(key, 9).zip(keys::last_number(key));
            let Some((_, position)) = place.filter(|(owner, _)| *owner == id) else { continue };
            let (position, due) = (Position(position), keys::number_at(key, 1).map_or(Timestamp(0), Timestamp));
            let Some(mut row) = self.request(id, position)? else { continue };
            if matches!(row.state, OutboxState::Pending { .. }) && next.done.leaves(row.generation) {
                row.state = OutboxState::Held { at };
                row.state_undone |= next.undoes_state();
                moved.push(MovedRequest { installation: id, position, before: StateBefore::Pending { due }, row });
            }
        }
        next.done.requests_held += u64::try_from(moved.len()).unwrap_or(0);
        match rows.into_iter().nth(LOOKED_AT_MAX - 1) {
            Some((last, _)) => next.cursor = Cursor::Key(last.into_vec()),
            None => next.advance(),
        }
        let moved = (!moved.is_empty()).then_some(Change::RequestsMoved(moved));
        self.write(moved.into_iter().chain([Change::RollbackMoved(Box::new(next))]).collect()).map(drop)
    }

    pub(super) fn resolve_held(
        &mut self,
        which: &[(InstallationId, Position)],
        then: HeldAction,
        by: &Actor,
        reason: &str,
        at: Timestamp,
    ) -> Result<usize, StoreError> {
        let mut moved = Vec::with_capacity(which.len());
        let mut seen = std::collections::BTreeSet::new();
        for (id, position) in which.iter().filter(|place| seen.insert(**place)) {
            let unfinished = self.shared.marker(*id).is_some_and(|marker| !marker.done.is_done());
            if let Some(installation) = self.installation(*id).filter(|_| unfinished) {
                return Err(StoreError::RollbackUnderWay(installation.name.clone()));
            }
            let row = self.request(*id, *position)?;
            let row = row.filter(|row| matches!(row.state, OutboxState::Held { .. }));
            let mut row = row.ok_or_else(|| StoreError::NoHeldRequest(format!("{}/{position}", id.0)))?;
            row.state_undone |= self.is_state_undone(*id, row.generation);
            row.state = match then {
                HeldAction::Release => OutboxState::Pending { due: at, last_error: None },
                HeldAction::Discard => OutboxState::Discarded { at, by: Some(by.clone()) },
            };
            moved.push(MovedRequest { installation: *id, position: *position, before: StateBefore::Held, row });
        }
        let action = match then {
            HeldAction::Release => "release-held",
            HeldAction::Discard => "discard-held",
        };
        let count = moved.len();
        let entry = self.entry(self.about_places(action, which, by, reason, at));
        self.write(vec![Change::RequestsMoved(moved), entry])?;
        Ok(count)
    }

    /// The request that a new request with the same key replaces: one that is held, or will be.
    pub(super) fn replaceable(
        &self,
        id: InstallationId,
        position: Position,
        at: Timestamp,
    ) -> Result<Option<MovedRequest>, StoreError> {
        let Some(mut row) = self.request(id, position)? else { return Ok(None) };
        let before = match row.state {
            OutboxState::Held { .. } => StateBefore::Held,
            OutboxState::Pending { due, .. } if self.shared.is_being_left(id, row.generation) => {
                StateBefore::Pending { due }
            }
            _ => return Ok(None),
        };
        row.state = OutboxState::Discarded { at, by: None };
        Ok(Some(MovedRequest { installation: id, position, before, row }))
    }

    /// Whether the last rollback undid the state of this generation's deliveries, and does not repeat them.
    pub(super) fn is_state_undone(&self, id: InstallationId, generation: Generation) -> bool {
        self.shared.marker(id).is_some_and(|marker| marker.undoes_state() && marker.done.leaves(generation))
    }

    pub(super) fn request(&self, id: InstallationId, position: Position) -> Result<Option<OutboxRow>, StoreError> {
        let key = keys::outbox(id, position);
        self.shared.view.get(&key)?.map(|row| decode(&key, &row)).transpose()
    }
}
