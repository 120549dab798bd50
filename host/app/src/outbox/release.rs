//! Releases held outbox requests: the host sends them with their existing idempotency keys. A stopped host sends them
//! after it starts.

use super::resolve::resolve;
use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::outbox::{HeldReport, HeldRequest};
use handoff_model::actor::Identity;
use handoff_store::HeldAction;

impl Shard {
    /// Releases held requests.
    pub async fn release_outbox_requests(
        &self,
        caller: &Identity,
        request: HeldRequest,
    ) -> Result<HeldReport, AppError> {
        resolve(&self.store, caller, request, HeldAction::Release, self.now()).await
    }
}
