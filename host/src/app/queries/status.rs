//! How the host is.

use std::path::Path;

use super::{Live, counts};
use crate::app::views::status::{Counts, StatusView};
use crate::model::time::Timestamp;
use crate::store::Store;

/// The state of the whole host.
#[must_use]
pub fn status(store: &Store, live: &Live, now: Timestamp) -> StatusView {
    let installations = store.installations();
    let number = |paused: bool| {
        let these = installations.iter().filter(|installation| installation.paused.is_some() == paused);
        u32::try_from(these.count()).unwrap_or(u32::MAX)
    };
    let mut total = Counts::default();
    for installation in &installations {
        let own = counts(store, live, installation.id);
        total.waiting += own.waiting;
        total.in_flight += own.in_flight;
        total.dead_letters += own.dead_letters;
        total.outbox_pending += own.outbox_pending;
        total.timers += own.timers;
    }
    StatusView {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        state: live.state,
        problem: store.stopped(),
        now: now.into(),
        started_at: live.started_at.map(Into::into),
        data_folder: store.folder().display().to_string(),
        disk_free_bytes: free_bytes(store.folder()),
        store_bytes: store.disk_bytes(),
        last_position: store.last_position(),
        active_installations: number(false),
        paused_installations: number(true),
        counts: total,
    }
}

/// 0 if the system does not say.
fn free_bytes(folder: &Path) -> u64 {
    rustix::fs::statvfs(folder).map_or(0, |facts| facts.f_bavail.saturating_mul(facts.f_frsize))
}
