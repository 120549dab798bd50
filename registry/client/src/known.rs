//! Indexes that were verified before, by the digest of the manifest that names their bytes: an unchanged one is neither
//! fetched nor parsed again. They live in memory only, so nothing from another process is trusted. Verdicts are not
//! cached: every use checks the signature and the progress again.

use bytes::Bytes;
use handoff_package::Digest;
use handoff_package::index::PackageIndex;
use handoff_package::manifest::PackageName;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Maximum number of releases in all cached indexes: three indexes of maximum length, some ten megabytes.
const RELEASES_MAX: usize = 3 * handoff_package::index::RELEASES_MAX;
/// Maximum number of indexes, which may be short.
const LISTS_MAX: usize = 1_000;

/// Indexes that were verified before. Cheap to clone; clones share the cache.
#[derive(Debug, Clone, Default)]
pub struct KnownIndexes(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    /// Least recently used first.
    lists: VecDeque<Arc<KnownIndex>>,
    releases: usize,
}

/// An index, and what is needed to check its signature.
#[derive(Debug)]
pub(super) struct KnownIndex {
    /// Digest of the manifest that names the index and its envelope.
    pub(super) manifest: Digest,
    /// Digest of the index's JSON.
    pub(super) digest: Digest,
    pub(super) envelope: Bytes,
    pub(super) index: Arc<PackageIndex>,
}

impl KnownIndexes {
    /// The index that a manifest names, if it belongs to this package.
    pub(super) fn get(&self, package: &PackageName, manifest: Digest) -> Option<Arc<KnownIndex>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.lists.iter().find(|known| known.manifest == manifest && known.index.package == *package).cloned()
    }

    /// Adds a verified index as the most recently used, and evicts others if there are too many.
    pub(super) fn keep(&self, known: Arc<KnownIndex>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = kept.lists.iter().position(|there| there.manifest == known.manifest);
        if let Some(before) = same.and_then(|at| kept.lists.remove(at)) {
            kept.releases = kept.releases.saturating_sub(before.index.releases.len());
        }
        kept.releases = kept.releases.saturating_add(known.index.releases.len());
        kept.lists.push_back(known);
        while (kept.releases > RELEASES_MAX || kept.lists.len() > LISTS_MAX)
            && let Some(oldest) = kept.lists.pop_front()
        {
            kept.releases = kept.releases.saturating_sub(oldest.index.releases.len());
        }
    }
}
