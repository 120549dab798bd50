//! The age of the newest list of a package's versions that this host has seen, by its publisher's signature. A registry
//! that withholds newer lists looks like one without news, but its list gets old. Warns; refuses nothing.

use handoff_package::manifest::PackageName;

use crate::error::AppError;
use handoff_model::time::Timestamp;
use handoff_store::Store;

/// The signing time of the newest list that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListAge {
    /// By the publisher's clock.
    pub(crate) signed_at: Timestamp,
}

impl ListAge {
    /// Reads the newest age of a package at a registry; none before the first check.
    pub(crate) fn of(store: &Store, registry: &str, package: &str) -> Result<Option<Self>, AppError> {
        Ok(store.list_signed_at(registry, package)?.map(|signed_at| Self { signed_at }))
    }

    /// Stores it if it has changed.
    pub(crate) async fn note(self, store: &Store, registry: &str, package: &PackageName) -> Result<(), AppError> {
        if Self::of(store, registry, package.as_str())? == Some(self) {
            return Ok(());
        }
        Ok(store.set_list_signed_at(registry.to_owned(), package.to_string(), self.signed_at).await?)
    }

    /// A warning if the list was signed before `since`.
    pub(crate) fn complaint(self, since: Timestamp, registry: &str, package: &str) -> Option<String> {
        (self.signed_at < since).then(|| {
            format!(
                "the newest list of {package} that registry `{registry}` has shown was signed on {}, longer ago than \
                 `list-max-age-days` allows: newer versions or a recall may be withheld from this host; ask the publisher, who \
                 signs it again with `handoff renew {package}`",
                self.signed_at.to_utc().format("%Y-%m-%d"),
            )
        })
    }
}
