//! Redrives dead letters: delivers their events again.

use super::resolve::Action;
use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::dead_letters::{DeadLetterReport, DeadLetterRequest};
use handoff_model::actor::Identity;

impl Shard {
    /// Delivers dead letters again, oldest first per installation.
    pub async fn redrive_dead_letters(
        &self,
        caller: &Identity,
        request: DeadLetterRequest,
    ) -> Result<DeadLetterReport, AppError> {
        self.resolve_dead_letters(caller, request, Action::Redrive).await
    }
}
