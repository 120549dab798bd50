//! The beginning and the end of an attempt to send an outbox request, and when the next one is due. Sends nothing.

use crate::changes::{CauseRef, Change, MovedRequest, SendFinished, SendStarted, StateBefore};
use crate::routing::{Address, To};
use crate::rows::OutboxState;
use crate::{RequestOutcome, StoreError};
use handoff_model::names::{InstallationId, Position};
use handoff_model::time::Timestamp;

use super::Committer;
use super::append::Batch;

impl Committer {
    /// The number of the attempt that may begin. None if the request is not pending, or a rollback of the generation
    /// that wrote it is running.
    pub(super) fn start_send(
        &mut self,
        installation: InstallationId,
        position: Position,
    ) -> Result<Option<u32>, StoreError> {
        let Some(mut row) = self.request(installation, position)? else { return Ok(None) };
        let is_pending = matches!(row.state, OutboxState::Pending { .. });
        if !is_pending || self.shared.is_being_left(installation, row.generation) {
            return Ok(None);
        }
        row.attempts += 1;
        row.sent = row.sent.started();
        let number = row.attempts;
        self.write(vec![Change::SendStarted(Box::new(SendStarted { installation, position, row }))])?;
        Ok(Some(number))
    }

    /// Makes pending requests due that wait for a later time. Those that are no longer pending are left as they are.
    pub(super) fn hurry_requests(
        &mut self,
        which: &[(InstallationId, Position)],
        at: Timestamp,
    ) -> Result<usize, StoreError> {
        let mut moved = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for (installation, position) in which.iter().filter(|place| seen.insert(**place)) {
            let Some(mut row) = self.request(*installation, *position)? else { continue };
            let OutboxState::Pending { due, last_error } = row.state.clone() else { continue };
            if due > at && !self.shared.is_being_left(*installation, row.generation) {
                row.state = OutboxState::Pending { due: at, last_error };
                let before = StateBefore::Pending { due };
                moved.push(MovedRequest { installation: *installation, position: *position, before, row });
            }
        }
        let count = moved.len();
        if count > 0 {
            self.write(vec![Change::RequestsMoved(moved)])?;
        }
        Ok(count)
    }

    pub(super) fn finish_send(
        &mut self,
        installation: InstallationId,
        position: Position,
        at: Timestamp,
        outcome: RequestOutcome,
    ) -> Result<bool, StoreError> {
        let Some(mut row) = self.request(installation, position)? else { return Ok(false) };
        let (held_at, before, last_error) = match row.state.clone() {
            OutboxState::Pending { due, last_error } => (None, StateBefore::Pending { due }, last_error),
            OutboxState::Held { at } => (Some(at), StateBefore::Held, None),
            _ => return Ok(false),
        };
        row.sent = row.sent.ended(outcome.may_have_arrived());
        if matches!(outcome, RequestOutcome::NotNow { .. }) {
            row.attempts = row.attempts.saturating_sub(1);
        }
        // Requests of a rolled-back generation are not retried unless a person releases them.
        let stays = held_at.is_some() || self.shared.is_being_left(installation, row.generation);
        let held = OutboxState::Held { at: held_at.unwrap_or(at) };
        row.state_undone |= stays && self.is_state_undone(installation, row.generation);
        let (state, answer) = match outcome {
            RequestOutcome::Answered { status, answer } => (OutboxState::Answered { at, status }, answer),
            RequestOutcome::Unknown { .. } => (held, None),
            RequestOutcome::Retry { .. } | RequestOutcome::NotNow { .. } if stays => (held, None),
            RequestOutcome::Retry { due, error, .. } => (OutboxState::Pending { due, last_error: Some(error) }, None),
            RequestOutcome::NotNow { due } => (OutboxState::Pending { due, last_error }, None),
            RequestOutcome::Failed { error, answer, .. } => (OutboxState::Failed { at, error }, answer),
        };
        let is_held_now = held_at.is_none() && matches!(state, OutboxState::Held { .. });
        let marker = if is_held_now { self.held_meanwhile(installation) } else { None };
        row.state = state;
        let cause = CauseRef { installation, position: row.cause };
        let answer = match answer.filter(|_| !row.state_undone) {
            Some(event) => {
                let address = Address { scope: row.scope.clone(), to: To::One(installation) };
                self.log(&mut Batch::default(), event, &address, at, Some(cause))?.ok()
            }
            None => None,
        };
        let finished = SendFinished { installation, position, before, row, answer };
        self.write(std::iter::once(Change::SendFinished(Box::new(finished))).chain(marker).collect())?;
        Ok(true)
    }
}
