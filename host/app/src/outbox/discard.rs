//! Discards held outbox requests, with a reason for the audit log.

use super::settle::settle;
use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::outbox::{HeldReport, HeldRequest};
use handoff_model::actor::Identity;
use handoff_store::Settle;

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
        settle(&self.store, caller, request, Settle::Discard, self.now()).await
    }
}
