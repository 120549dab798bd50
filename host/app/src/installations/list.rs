//! Lists installations.

use super::rollback::job_view;
use crate::shard::Shard;
use handoff_control::installations::{InstallationList, InstallationSummary, PauseView};
use handoff_model::installation::Installation;

impl Shard {
    /// Lists all installations by name.
    #[must_use]
    pub fn list_installations(&self) -> InstallationList {
        let mut installations: Vec<InstallationSummary> =
            self.store.installations().iter().map(|installation| self.summary(installation)).collect();
        installations.sort_by(|a, b| a.name.cmp(&b.name));
        InstallationList { installations }
    }

    /// Summarizes an installation.
    pub(super) fn summary(&self, installation: &Installation) -> InstallationSummary {
        let active = &installation.active;
        InstallationSummary {
            name: installation.name.clone(),
            rooftop: installation.rooftop.clone(),
            package: active.content.package.clone(),
            version: active.content.version.to_string(),
            generation: active.generation,
            paused: installation
                .paused
                .as_ref()
                .map(|pause| PauseView { at: pause.at.into(), message: pause.message.clone() }),
            rollback_job: self.store.rollback_job(installation.id).as_ref().and_then(job_view),
            counts: self.counts(installation.id),
            warnings: self.warnings(installation),
        }
    }
}
