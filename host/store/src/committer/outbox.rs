//! The end of an attempt to send an outbox request. Sends nothing.

use crate::changes::{CauseRef, Change, OutboxTried, StateBefore};
use crate::keys;
use crate::rows::{OutboxRow, OutboxState, decode};
use crate::{Recipients, RequestOutcome, StoreError};
use handoff_model::names::{InstallationId, Position};
use handoff_model::time::Timestamp;

use super::Committer;
use super::append::Batch;

impl Committer {
    pub(super) fn outbox_tried(
        &mut self,
        installation: InstallationId,
        position: Position,
        at: Timestamp,
        tried: RequestOutcome,
    ) -> Result<bool, StoreError> {
        let key = keys::outbox(installation, position);
        let Some(row) = self.shared.view.get(&key)? else { return Ok(false) };
        let mut row: OutboxRow = decode(&key, &row)?;
        let (held, before, last_error) = match row.state.clone() {
            OutboxState::Pending { due, last_error } => (None, StateBefore::Pending { due }, last_error),
            OutboxState::Held { at, on_the_wire } => (Some((at, on_the_wire)), StateBefore::Held, None),
            _ => return Ok(false),
        };
        if !matches!(tried, RequestOutcome::NotNow { .. }) {
            row.attempts += 1;
        }
        // Requests of a rolled-back generation are not retried unless a person releases them.
        let stays = held.is_some() || self.shared.is_being_left(installation, row.generation);
        let hold = |on_the_wire: bool| {
            let (since, before) = held.unwrap_or((at, false));
            OutboxState::Held { at: since, on_the_wire: before || on_the_wire }
        };
        let (state, answer) = match tried {
            RequestOutcome::Answered { status, answer } => (OutboxState::Answered { at, status }, answer),
            RequestOutcome::Unknown { .. } => (hold(true), None),
            RequestOutcome::Retry { .. } if stays => (hold(true), None),
            RequestOutcome::NotNow { .. } if stays => (hold(false), None),
            RequestOutcome::Retry { due, error } => (OutboxState::Pending { due, last_error: Some(error) }, None),
            RequestOutcome::NotNow { due } => (OutboxState::Pending { due, last_error }, None),
            RequestOutcome::Failed { error, answer } => (OutboxState::Failed { at, error }, answer),
        };
        let is_held_now = held.is_none() && stays && matches!(state, OutboxState::Held { .. });
        let marker = if is_held_now { self.held_meanwhile(installation) } else { None };
        row.state = state;
        let cause = CauseRef { installation, position: row.cause };
        let answer = match answer {
            Some(event) => {
                self.log(&mut Batch::default(), event, &Recipients::Installation(installation), at, Some(cause))?.ok()
            }
            None => None,
        };
        let tried = OutboxTried { installation, position, before, row, answer };
        self.write(std::iter::once(Change::RequestTried(Box::new(tried))).chain(marker).collect())?;
        Ok(true)
    }
}
