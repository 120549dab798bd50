//! How swaps changed state besides deliveries: whether a generation inherited its state, migrated it, or had it
//! restored by a rollback. Reads the store only.

use handoff_model::installation::GenerationReason;
use handoff_model::names::{Generation, InstallationId};
use handoff_store::{Store, StoreError};

/// The swaps of an installation that changed its state, or may have.
#[derive(Debug, Default)]
pub(super) struct Swaps {
    /// Generations at whose start state was changed by more than deliveries, or may have been.
    boundaries: Vec<Generation>,
    /// Rollbacks that restored state: the first generation that was abandoned, and the new one. Ascending.
    restored: Vec<(Generation, Generation)>,
}

impl Swaps {
    pub(super) fn of(store: &Store, id: InstallationId) -> Result<Self, StoreError> {
        let mut swaps = Self::default();
        for pair in store.generations(id)?.windows(2) {
            let [before, after] = pair else { continue };
            let is_rollback = matches!(after.reason, GenerationReason::Rollback { .. });
            let left = if is_rollback { store.left_by(id, after.generation)? } else { None };
            let is_other_schema = before.content.state_schema != after.content.state_schema;
            // If the record of a rollback is gone, its effect on state is unknown.
            if is_other_schema || is_rollback && left.is_none_or(|left| left.restored) {
                swaps.boundaries.push(after.generation);
            }
            swaps.restored.extend(left.filter(|left| left.restored).map(|left| (left.first, after.generation)));
        }
        Ok(swaps)
    }

    /// Whether a rollback undid what a generation wrote, seen from a later one.
    pub(super) fn is_undone(&self, by: Generation, seen_from: Generation) -> bool {
        let mut end = seen_from;
        for (first, new) in self.restored.iter().rev() {
            // A rollback that was itself undone no longer counts.
            if *new <= end {
                if by >= *new {
                    return false;
                }
                if by >= *first {
                    return true;
                }
                end = Generation(first.0.saturating_sub(1));
            }
        }
        false
    }

    /// Whether the state of `to` differs from what deliveries since `from` made of it, or may differ.
    pub(super) fn crosses(&self, from: Generation, to: Generation) -> bool {
        let is_between = |from: Generation, to: Generation| self.boundaries.iter().any(|at| from < *at && *at <= to);
        let mut end = to;
        for (first, new) in self.restored.iter().rev() {
            if *new <= end {
                if from >= *new {
                    break;
                }
                if from >= *first || is_between(*new, end) {
                    return true;
                }
                end = Generation(first.0.saturating_sub(1));
            }
        }
        is_between(from, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_restored_by_a_rollback_counts_also_after_a_second_rollback() {
        let generation = Generation;
        // Generation 2 changed the schema, 3 went back to 1; 4 was kept, 5 went back to before 3, which is 2.
        let swaps = |restored: &[(u64, u64)], boundaries: &[u64]| Swaps {
            boundaries: boundaries.iter().copied().map(generation).collect(),
            restored: restored.iter().map(|(first, new)| (generation(*first), generation(*new))).collect(),
        };
        let once = swaps(&[(2, 3)], &[2, 3]);
        assert!(once.is_undone(generation(2), generation(3)) && once.is_undone(generation(2), generation(4)));
        assert!(!once.is_undone(generation(2), generation(2)) && !once.is_undone(generation(1), generation(3)));
        assert!(!once.is_undone(generation(3), generation(4)));
        assert!(!once.crosses(generation(1), generation(4)), "it is what 1 left");
        assert!(once.crosses(generation(1), generation(2)) && once.crosses(generation(2), generation(3)));
        assert!(!once.crosses(generation(3), generation(4)));

        let twice = swaps(&[(2, 3), (3, 5)], &[2, 3, 5]);
        assert!(!twice.is_undone(generation(2), generation(5)), "it was put forward again");
        assert!(twice.is_undone(generation(3), generation(5)) && twice.is_undone(generation(4), generation(5)));
        assert!(!twice.crosses(generation(2), generation(5)) && twice.crosses(generation(1), generation(5)));
    }
}
