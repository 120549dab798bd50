//! Discards dead letters, with a reason for the audit log. Their events are not delivered again.

use super::resolve::Action;
use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::dead_letters::{DeadLetterReport, DeadLetterRequest};
use handoff_model::actor::Identity;

impl Shard {
    /// Discards dead letters permanently.
    pub async fn discard_dead_letters(
        &self,
        caller: &Identity,
        request: DeadLetterRequest,
    ) -> Result<DeadLetterReport, AppError> {
        if request.reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
            let message = "`reason` is missing: say why these are discarded";
            return Err(AppError::invalid("reason", message));
        }
        self.resolve_dead_letters(caller, request, Action::Discard).await
    }
}
