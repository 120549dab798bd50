//! The status of the host: its state, disk, counts, warnings and open incidents.

use std::path::Path;

use crate::shard::Shard;
use handoff_control::host::status::{Counts, NamedWarning, StatusView};
use handoff_control::incidents::IncidentQuery;
use handoff_model::installation::Installation;
use handoff_model::names::InstallationId;

impl Shard {
    /// Shows the status of the whole host.
    #[must_use]
    pub fn status(&self) -> StatusView {
        let (store, now) = (&self.store, self.now());
        let installations = store.installations();
        let number = |paused: bool| {
            let these = installations.iter().filter(|installation| installation.paused.is_some() == paused);
            u32::try_from(these.count()).unwrap_or(u32::MAX)
        };
        let is_restoring = |installation: &&std::sync::Arc<Installation>| {
            store.rollback_job(installation.id).is_some_and(|job| !job.is_done())
        };
        let restoring = installations.iter().filter(is_restoring).count();
        let mut total = Counts::default();
        let mut named = Vec::new();
        for installation in &installations {
            let warnings = self.warnings(installation).into_iter();
            named.extend(warnings.map(|warning| NamedWarning { installation: installation.name.clone(), warning }));
            let own = self.counts(installation.id);
            total.waiting += own.waiting;
            total.in_flight += own.in_flight;
            total.dead_letters += own.dead_letters;
            total.outbox_pending += own.outbox_pending;
            total.outbox_held += own.outbox_held;
            total.timers += own.timers;
        }
        StatusView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            state: self.state(),
            problem: store.stopped().or_else(|| store.blocked()),
            now: now.into(),
            started_at: self.process.started_at().map(Into::into),
            data_folder: store.folder().display().to_string(),
            disk_free_bytes: disk_space(store.folder()).0,
            store_bytes: store.disk_bytes(),
            last_position: store.last_position(),
            active_installations: number(false),
            paused_installations: number(true),
            restoring_installations: u32::try_from(restoring).unwrap_or(u32::MAX),
            counts: total,
            warnings: named,
            incidents: self.list_incidents(&IncidentQuery::default()).map(|list| list.incidents).unwrap_or_default(),
        }
    }

    /// Counts of pending work of an installation.
    pub(crate) fn counts(&self, id: InstallationId) -> Counts {
        let counts = self.store.counts(id);
        Counts {
            waiting: counts.waiting,
            in_flight: self.in_flight(id),
            dead_letters: counts.dead_letters,
            outbox_pending: counts.outbox_pending,
            outbox_held: counts.outbox_held,
            timers: counts.timers,
        }
    }
}

/// Free and whole size of a folder's file system in bytes; 0 if the system does not report it.
pub(crate) fn disk_space(folder: &Path) -> (u64, u64) {
    rustix::fs::statvfs(folder).map_or((0, 0), |facts| {
        (facts.f_bavail.saturating_mul(facts.f_frsize), facts.f_blocks.saturating_mul(facts.f_frsize))
    })
}
