//! Discards held outbox requests, with a reason for the audit log.

use super::settle::settle;
use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::outbox::{HeldReport, HeldRequest};
use handoff_store::Settle;

impl Shard {
    /// Discards held requests, for good.
    pub async fn discard_outbox_requests(&self, request: HeldRequest) -> Result<HeldReport, AppError> {
        if request.reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
            return Err(AppError::invalid("reason", "`reason` is missing: say why these are discarded"));
        }
        settle(&self.store, request, Settle::Discard, self.now()).await
    }
}
