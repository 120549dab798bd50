//! Code that lists share: page sizes, and installations by name and number.

use std::collections::BTreeMap;

use crate::error::AppError;
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

/// The id of the installation that a query names, if it names one. Without an installation of that name, the last one
/// that had it.
pub(crate) fn find_id(store: &Store, name: Option<&InstallationName>) -> Result<Option<InstallationId>, AppError> {
    let Some(name) = name else { return Ok(None) };
    let ended = || store.uninstalled().into_iter().rfind(|ended| ended.installation.name == *name);
    match store.installation(name) {
        Some(installation) => Ok(Some(installation.id)),
        None => ended().map(|ended| Some(ended.installation.id)).ok_or_else(|| AppError::no_installation(name)),
    }
}

/// Names of all installations by id, also of those that were uninstalled.
pub(crate) struct Names(BTreeMap<InstallationId, InstallationName>);

impl Names {
    pub(crate) fn of(store: &Store) -> Self {
        let ended = store.uninstalled();
        let ended = ended.iter().map(|ended| (ended.installation.id, ended.installation.name.clone()));
        let installations = store.installations();
        let active = installations.iter().map(|installation| (installation.id, installation.name.clone()));
        Self(ended.chain(active).collect())
    }

    pub(crate) fn get(&self, id: InstallationId) -> Option<InstallationName> {
        self.0.get(&id).cloned()
    }
}
