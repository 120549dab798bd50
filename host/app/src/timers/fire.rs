//! Fires a timer before it is due.

use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::timers::{FireReport, FireRequest};
use handoff_model::actor::Identity;

impl Shard {
    /// Delivers the event of a timer now, and removes the timer.
    pub async fn fire_timer(&self, caller: &Identity, request: FireRequest) -> Result<FireReport, AppError> {
        let FireRequest { installation, key, by, reason } = request;
        let id = self.find(&installation)?.id;
        let (by, reason) = (caller.acting(by.as_deref()), reason.unwrap_or_default());
        let position = self.store.fire_timer(id, key.clone(), by, reason, self.now()).await?;
        Ok(FireReport { installation, key, position })
    }
}
