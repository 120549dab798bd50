//! Discards held outbox requests, with a reason for the audit log.

use super::resolve::resolve;
use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::outbox::{HeldReport, HeldRequest};
use handoff_model::actor::Identity;
use handoff_store::HeldAction;

impl Shard {
    /// Discards held requests permanently.
    pub async fn discard_outbox_requests(
        &self,
        caller: &Identity,
        request: HeldRequest,
    ) -> Result<HeldReport, AppError> {
        if request.reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
            return Err(AppError::invalid("reason", "`reason` is missing: say why these are discarded"));
        }
        resolve(&self.store, caller, request, HeldAction::Discard, self.now()).await
    }
}
