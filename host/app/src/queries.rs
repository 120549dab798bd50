//! What people ask: each view filled from the store, the configuration and what a running host knows besides. Changes
//! nothing. All functions read files: call them off the async threads.

pub mod dead_letters;
pub mod events;
pub mod history;
pub mod incidents;
pub mod installations;
pub mod logs;
pub mod metrics;
pub mod outbox;
pub mod status;
pub mod trace;
pub mod warnings;

use std::collections::BTreeMap;

use super::error::AppError;
use handoff_control::status::{Counts, HostState};
use handoff_model::installation::Installation;
use handoff_model::names::{InstallationId, InstallationName};
use handoff_model::time::Timestamp;
use handoff_store::Store;

/// Most entries of any page.
pub const PAGE_MAX: u32 = 1_000;
/// Entries of a page when nobody says how many.
const PAGE: u32 = 50;

/// What is not in the store.
#[derive(Clone, Debug)]
pub struct Live {
    /// Whether it takes work.
    pub state: HostState,
    /// When the process started.
    pub started_at: Option<Timestamp>,
    /// Deliveries that run now.
    pub in_flight: BTreeMap<InstallationId, u64>,
    /// A list of versions that was signed before is too old to rely on; none: however old.
    pub lists_since: Option<Timestamp>,
}

/// No host runs.
impl Default for Live {
    fn default() -> Self {
        Self { state: HostState::Stopped, started_at: None, in_flight: BTreeMap::new(), lists_since: None }
    }
}

/// The size of a page: as asked, within the bounds.
fn page_size(limit: Option<u32>, default: u32) -> usize {
    usize::try_from(limit.unwrap_or(default).clamp(1, PAGE_MAX)).unwrap_or(1)
}

fn find(store: &Store, name: &InstallationName) -> Result<std::sync::Arc<Installation>, AppError> {
    store.installation(name).ok_or_else(|| AppError::no_installation(name))
}

/// The number of an installation that a query may name.
fn find_id(store: &Store, name: Option<&InstallationName>) -> Result<Option<InstallationId>, AppError> {
    name.map(|name| find(store, name).map(|installation| installation.id)).transpose()
}

/// Names of all installations by number.
struct Names(BTreeMap<InstallationId, InstallationName>);

impl Names {
    fn of(store: &Store) -> Self {
        Self(store.installations().iter().map(|installation| (installation.id, installation.name.clone())).collect())
    }

    fn get(&self, id: InstallationId) -> Option<InstallationName> {
        self.0.get(&id).cloned()
    }
}

fn counts(store: &Store, live: &Live, id: InstallationId) -> Counts {
    let counts = store.counts(id);
    Counts {
        waiting: counts.waiting,
        in_flight: live.in_flight.get(&id).copied().unwrap_or(0),
        dead_letters: counts.dead_letters,
        outbox_pending: counts.outbox_pending,
        outbox_held: counts.outbox_held,
        timers: counts.timers,
    }
}
