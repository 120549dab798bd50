//! Lists that were read and believed before, by the digest of the manifest that names their bytes: an unchanged one is neither
//! fetched nor read again. In memory alone, so that nothing counts that this process has not proved; and no verdict is kept:
//! whoever takes a list out checks its signature and its progress anew.

use bytes::Bytes;
use handoff_package::Digest;
use handoff_package::index::PackageIndex;
use handoff_package::manifest::PackageName;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Releases in all lists together: three lists of the greatest length, in all some ten megabytes.
const RELEASES_MAX: usize = 3 * handoff_package::index::RELEASES_MAX;
/// Lists, which may be short.
const LISTS_MAX: usize = 1_000;

/// Lists that were believed before. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct KnownIndexes(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    /// The least recently used first.
    lists: VecDeque<Arc<KnownIndex>>,
    releases: usize,
}

/// A list, and what its signature is checked with.
#[derive(Debug)]
pub(super) struct KnownIndex {
    /// Digest of the manifest that names list and envelope.
    pub(super) manifest: Digest,
    /// Digest of the list's JSON.
    pub(super) digest: Digest,
    pub(super) envelope: Bytes,
    pub(super) index: Arc<PackageIndex>,
}

impl KnownIndexes {
    /// The list that a manifest names, if it is a list of this package.
    pub(super) fn get(&self, package: &PackageName, manifest: Digest) -> Option<Arc<KnownIndex>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.lists.iter().find(|known| known.manifest == manifest && known.index.package == *package).cloned()
    }

    /// Keeps a list that was believed, as the most recently used, and drops others when there are too many.
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
