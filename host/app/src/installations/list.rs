//! Lists installations.

use super::rollback::job_view;
use crate::shard::Shard;
use handoff_control::installations::{InstallationList, InstallationQuery, InstallationSummary, PauseView};
use handoff_model::installation::Installation;

impl Shard {
    /// Lists installations by name.
    #[must_use]
    pub fn list_installations(&self, query: &InstallationQuery) -> InstallationList {
        if self.require_running().is_ok() {
            self.look_at_conditions();
        }
        let all = self.store.installations();
        let wanted = all.iter().filter(|one| query.rooftop.as_ref().is_none_or(|wanted| one.scope == *wanted));
        let mut installations: Vec<InstallationSummary> =
            wanted.map(|installation| self.summary(installation)).collect();
        installations.sort_by(|a, b| a.name.cmp(&b.name));
        InstallationList { host: self.state(), installations, incidents: self.conditions_of_host() }
    }

    /// Summarizes an installation.
    pub(super) fn summary(&self, installation: &Installation) -> InstallationSummary {
        let active = &installation.active;
        InstallationSummary {
            name: installation.name.clone(),
            scope: installation.scope.clone(),
            package: active.content.package.clone(),
            version: active.content.version.to_string(),
            generation: active.generation,
            paused: installation
                .paused
                .as_ref()
                .map(|pause| PauseView { at: pause.at.into(), message: pause.message.clone() }),
            rollback_job: self.store.rollback_job(installation.id).as_ref().and_then(job_view),
            counts: self.counts(installation.id),
            incidents: self.conditions_of(&installation.name),
            warnings: self.warnings(installation),
        }
    }
}
