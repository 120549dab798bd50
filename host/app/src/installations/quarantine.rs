//! Which digests an installation has rolled back from: nothing picks them again unless forced.

use std::collections::BTreeSet;

use handoff_model::installation::{GenerationReason, GenerationRecord};

/// Digests that a rollback left and that were not installed again since. `generations` are all of an installation, ascending.
#[must_use]
pub(crate) fn quarantined(generations: &[GenerationRecord]) -> BTreeSet<&str> {
    let mut left = BTreeSet::new();
    let mut active: Option<&str> = None;
    for record in generations {
        if let (GenerationReason::Rollback { .. }, Some(active)) = (&record.reason, active) {
            left.insert(active);
        }
        // A later generation of the digest says that it is good.
        left.remove(record.content.digest.as_str());
        active = Some(&record.content.digest);
    }
    left
}
