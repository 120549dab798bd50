//! Optimistic concurrency: tracks which keys were written since a delivery began to read.
//!
//! Kept in memory only: deliveries do not outlive the process, and neither do their conflicts.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::Mutex;

use handoff_model::effects::ReadSet;
use handoff_model::names::InstallationId;

/// Counts commits and hands out snapshots for deliveries.
#[derive(Default)]
pub(super) struct Snapshots(Mutex<Open>);

#[derive(Default)]
struct Open {
    /// The newest commit whose writes all readers see.
    visible: u64,
    /// Snapshots in use, with the number of deliveries that use each.
    used: BTreeMap<u64, u32>,
}

impl Snapshots {
    /// Takes a snapshot of the current state.
    pub(super) fn take(self: &Arc<Self>) -> Snapshot {
        let mut open = self.0.lock();
        let at = open.visible;
        *open.used.entry(at).or_default() += 1;
        Snapshot { at, open: self.clone() }
    }

    /// Makes a commit visible. Called after its writes are visible.
    pub(super) fn publish(&self, commit: u64) {
        self.0.lock().visible = commit;
    }

    /// Writes up to this commit can no longer conflict with any delivery.
    fn oldest(&self) -> u64 {
        let open = self.0.lock();
        open.used.keys().next().copied().unwrap_or(open.visible)
    }
}

/// The point from which a delivery reads. A later write may or may not be seen, and conflicts if it was read.
pub struct Snapshot {
    at: u64,
    open: Arc<Snapshots>,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Snapshot").field(&self.at).finish()
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        let mut open = self.open.0.lock();
        if let Some(count) = open.used.get_mut(&self.at) {
            *count -= 1;
            if *count == 0 {
                open.used.remove(&self.at);
            }
        }
    }
}

/// The last commit that wrote each key, for as long as an active delivery may conflict with it.
#[derive(Default)]
pub(super) struct RecentWrites {
    commit: u64,
    by_key: BTreeMap<(InstallationId, String), u64>,
    in_order: VecDeque<(u64, InstallationId, String)>,
}

impl RecentWrites {
    /// True if a key that was read was written after the snapshot.
    pub(super) fn conflict(&self, id: InstallationId, reads: &ReadSet, snapshot: &Snapshot) -> bool {
        let newer = |commit: Option<&u64>| commit.is_some_and(|commit| *commit > snapshot.at);
        let key = |text: &str| (id, text.to_owned());
        reads.keys.iter().any(|read| newer(self.by_key.get(&key(read))))
            || reads.scans.iter().any(|scan| {
                let from = match &scan.after {
                    Some(after) if *after >= scan.prefix => Bound::Excluded(key(after)),
                    _ => Bound::Included(key(&scan.prefix)),
                };
                self.by_key
                    .range((from, Bound::Unbounded))
                    .take_while(|((owner, written), _)| {
                        *owner == id
                            && written.starts_with(&scan.prefix)
                            && scan.until.as_ref().is_none_or(|until| written <= until)
                    })
                    .any(|(_, commit)| newer(Some(commit)))
            })
    }

    /// Records the writes of one more commit and returns its number.
    pub(super) fn note<'a>(&mut self, id: InstallationId, keys: impl Iterator<Item = &'a String>) -> u64 {
        self.commit += 1;
        for key in keys {
            self.by_key.insert((id, key.clone()), self.commit);
            self.in_order.push_back((self.commit, id, key.clone()));
        }
        self.commit
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.by_key.is_empty() && self.in_order.is_empty()
    }

    /// Removes entries that no active delivery can conflict with.
    pub(super) fn prune(&mut self, snapshots: &Snapshots) {
        let oldest = snapshots.oldest();
        while let Some((commit, ..)) = self.in_order.front()
            && *commit <= oldest
        {
            if let Some((commit, id, key)) = self.in_order.pop_front() {
                let place = (id, key);
                if self.by_key.get(&place) == Some(&commit) {
                    self.by_key.remove(&place);
                }
            }
        }
    }
}
