//! Pauses and resumes deliveries to an installation.

use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::ChangeRequest;
use handoff_control::installations::PauseReport;
use handoff_model::actor::{Actor, Identity};
use handoff_model::installation::Pause;
use handoff_model::names::InstallationName;

impl Shard {
    /// Pauses deliveries. Events wait.
    pub async fn pause(
        &self,
        caller: &Identity,
        name: &InstallationName,
        change: ChangeRequest,
    ) -> Result<PauseReport, AppError> {
        let by = caller.acting(change.by.as_deref());
        let pause = Pause::by(by.clone(), change.reason.as_deref(), self.now());
        self.set_paused(name, Some(pause), by).await
    }

    /// Resumes deliveries.
    pub async fn resume(
        &self,
        caller: &Identity,
        name: &InstallationName,
        change: ChangeRequest,
    ) -> Result<PauseReport, AppError> {
        self.set_paused(name, None, caller.acting(change.by.as_deref())).await
    }

    async fn set_paused(
        &self,
        name: &InstallationName,
        pause: Option<Pause>,
        by: Actor,
    ) -> Result<PauseReport, AppError> {
        let before = self.find(name)?;
        let after = self.store.set_paused(name.clone(), pause, by, self.now()).await?;
        let changed = before.paused.is_some() != after.paused.is_some();
        Ok(PauseReport { installation: self.summary(&after), changed })
    }
}
