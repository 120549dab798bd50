//! Delivers the events of an installation that wait for a retry at once, for example when their target works again.

use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::ChangeRequest;
use handoff_control::installations::RetryReport;
use handoff_model::actor::Identity;
use handoff_model::names::InstallationName;

impl Shard {
    /// Makes the waiting retries due now. Each event keeps its place in its queue and its count of attempts.
    pub async fn retry_now(
        &self,
        caller: &Identity,
        name: &InstallationName,
        change: ChangeRequest,
    ) -> Result<RetryReport, AppError> {
        let by = caller.acting(change.by.as_deref());
        let reason = change.reason.unwrap_or_default();
        let installation = self.find(name)?;
        let events = self.store.retry_now(installation.id, &by, &reason, self.now()).await?;
        Ok(RetryReport { name: name.clone(), events: u64::try_from(events).unwrap_or(u64::MAX) })
    }
}
