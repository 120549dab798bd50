//! Code that lists share: page sizes, and installations by name and number.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::AppError;
use handoff_model::installation::Installation;
use handoff_model::names::{InstallationId, InstallationName};
use handoff_store::Store;

/// Maximum number of entries per page.
const PAGE_MAX: u32 = 1_000;
/// Entries per page if the request gives no limit.
pub(crate) const PAGE: u32 = 50;

/// The page size: the requested limit within the bounds.
pub(crate) fn page_size(limit: Option<u32>, default: u32) -> usize {
    usize::try_from(limit.unwrap_or(default).clamp(1, PAGE_MAX)).unwrap_or(1)
}

pub(crate) fn find(store: &Store, name: &InstallationName) -> Result<Arc<Installation>, AppError> {
    store.installation(name).ok_or_else(|| AppError::no_installation(name))
}

/// The id of the installation that a query names, if it names one.
pub(crate) fn find_id(store: &Store, name: Option<&InstallationName>) -> Result<Option<InstallationId>, AppError> {
    name.map(|name| find(store, name).map(|installation| installation.id)).transpose()
}

/// Names of all installations by id.
pub(crate) struct Names(BTreeMap<InstallationId, InstallationName>);

impl Names {
    pub(crate) fn of(store: &Store) -> Self {
        Self(store.installations().iter().map(|installation| (installation.id, installation.name.clone())).collect())
    }

    pub(crate) fn get(&self, id: InstallationId) -> Option<InstallationName> {
        self.0.get(&id).cloned()
    }
}
