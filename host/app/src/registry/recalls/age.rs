//! How old the newest list of a package's versions is that this host has seen, by its publisher's signature. A registry that
//! withholds newer lists cannot be told from one where nothing happened, but its list grows old. Warns; refuses nothing.

use handoff_package::manifest::PackageName;

use crate::error::AppError;
use handoff_model::time::Timestamp;
use handoff_store::Store;

/// When the newest list that was seen was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListAge {
    /// By the publisher's own clock.
    pub(crate) signed_at: Timestamp,
}

impl ListAge {
    /// What was seen of a package at a registry; none before the first look.
    pub(crate) fn of(store: &Store, registry: &str, package: &str) -> Result<Option<Self>, AppError> {
        Ok(store.list_signed_at(registry, package)?.map(|signed_at| Self { signed_at }))
    }

    /// Remembers it, unless it is what is remembered already.
    pub(crate) async fn note(self, store: &Store, registry: &str, package: &PackageName) -> Result<(), AppError> {
        if Self::of(store, registry, package.as_str())? == Some(self) {
            return Ok(());
        }
        Ok(store.set_list_signed_at(registry.to_owned(), package.to_string(), self.signed_at).await?)
    }

    /// What an operator should know if lists that were signed before `since` are too old.
    pub(crate) fn complaint(self, since: Timestamp, registry: &str, package: &str) -> Option<String> {
        (self.signed_at < since).then(|| {
            format!(
                "the newest list of {package} that registry `{registry}` has shown was signed on {}, longer ago than \
                 `list-max-age-days` allows: newer versions or a recall may be withheld from this host; ask the publisher, who \
                 signs it anew with `handoff renew {package}`",
                self.signed_at.to_utc().format("%Y-%m-%d"),
            )
        })
    }
}
