//! Makes a dead letter of a waiting event, with a reason for the audit log: for an event that stops its queue, or an
//! installation.

use super::list::view;
use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::dead_letters::{DeadLetterView, SetAsideRequest};
use handoff_model::actor::Identity;
use handoff_model::names::Position;

impl Shard {
    /// Sets a waiting event aside. It can be redriven or discarded like any other dead letter.
    pub async fn set_aside(&self, caller: &Identity, request: SetAsideRequest) -> Result<DeadLetterView, AppError> {
        let SetAsideRequest { id, by, reason } = request;
        if reason.trim().is_empty() {
            return Err(AppError::invalid("reason", "`reason` is missing: say why this event is set aside"));
        }
        let installation = self.find(&id.installation)?;
        let by = caller.acting(by.as_deref());
        self.store.set_aside(installation.id, id.position, by, reason, self.now()).await?;
        let before = Position(id.position.0.saturating_sub(1));
        let letters = self.store.dead_letters(Some(installation.id), Some((installation.id, before)), 1)?;
        let letter = letters.iter().find(|letter| letter.position == id.position);
        let gone = || AppError::Conflict { message: format!("{id} was set aside and has been resolved meanwhile") };
        view(&self.store, &installation, letter.ok_or_else(gone)?)
    }
}
