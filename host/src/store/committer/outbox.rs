//! The end of an attempt to send an outbox request.

use crate::model::names::{InstallationId, Position};
use crate::model::time::Timestamp;
use crate::store::keys;
use crate::store::records::{CauseRef, OutboxTried, Record};
use crate::store::rows::{OutboxRow, OutboxState, decode};
use crate::store::{Recipients, StoreError, Tried};

use super::Committer;
use super::append::Batch;

impl Committer {
    pub(super) fn outbox_tried(
        &mut self,
        installation: InstallationId,
        position: Position,
        at: Timestamp,
        tried: Tried,
    ) -> Result<bool, StoreError> {
        let key = keys::outbox(installation, position);
        let Some(row) = self.shared.view.get(&key)? else { return Ok(false) };
        let mut row: OutboxRow = decode(&key, &row)?;
        let OutboxState::Pending { due: was_due, last_error } = row.state else { return Ok(false) };
        if !matches!(tried, Tried::NotNow { .. }) {
            row.attempts += 1;
        }
        let (state, answer) = match tried {
            Tried::Answered { status, answer } => (OutboxState::Answered { at, status }, answer),
            Tried::Retry { due, error } => (OutboxState::Pending { due, last_error: Some(error) }, None),
            Tried::NotNow { due } => (OutboxState::Pending { due, last_error }, None),
            Tried::Failed { error, answer } => (OutboxState::Failed { at, error }, answer),
            Tried::Unknown { error } => (OutboxState::Pending { due: was_due, last_error: Some(error) }, None),
        };
        row.state = state;
        let cause = CauseRef { installation, position: row.cause };
        let answer = match answer {
            Some(event) => {
                self.log(&mut Batch::default(), event, &Recipients::Installation(installation), at, Some(cause))?.ok()
            }
            None => None,
        };
        self.write(Record::OutboxTried(Box::new(OutboxTried { installation, position, was_due, row, answer })))?;
        Ok(true)
    }
}
