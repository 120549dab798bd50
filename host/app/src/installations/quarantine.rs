//! The digests that an installation rolled back from. Nothing selects them again unless forced.

use std::collections::BTreeSet;

use handoff_model::installation::{GenerationReason, GenerationRecord};

/// Digests that were rolled back and not installed again since. `generations` are all generations of an installation,
/// ascending.
#[must_use]
pub(crate) fn quarantined(generations: &[GenerationRecord]) -> BTreeSet<&str> {
    let mut left = BTreeSet::new();
    let mut active: Option<&str> = None;
    for record in generations {
        if let (GenerationReason::Rollback { .. }, Some(active)) = (&record.reason, active) {
            left.insert(active);
        }
        // A later generation with this digest means that an operator approved it again.
        left.remove(record.content.digest.as_str());
        active = Some(&record.content.digest);
    }
    left
}
