//! Whether a generation is one to return to: its package was not recalled, its signer's key not revoked, and it was not
//! rolled back. Reads the store and asks no registry.

use handoff_model::installation::{GenerationRecord, Installation};
use handoff_model::names::Generation;
use handoff_store::Store;

use super::quarantine::quarantined;
use crate::error::AppError;

/// Why the package of a generation should not run, in a sentence; none if nothing speaks against it.
pub(crate) fn objection(
    store: &Store,
    installation: &Installation,
    record: &GenerationRecord,
) -> Result<Option<String>, AppError> {
    let content = &record.content;
    if let Some(recall) = store.recall(&content.digest)? {
        return Ok(Some(format!("version {} was recalled by its publisher: {}", content.version, recall.note)));
    }
    let signer = store.generation_details(installation.id, record.generation)?.and_then(|details| details.signer);
    let Some(signer) = signer else { return Ok(None) };
    let revoked = crate::trust::list::revoked(store, &signer.publisher, &signer.key_id)?;
    Ok(revoked.map(|reason| {
        format!("the key of `{}` that signed version {} was revoked: {reason}", signer.publisher, content.version)
    }))
}

/// The newest generation up to `newest` with another package than the active one that was neither recalled, nor rolled
/// back, nor signed with a revoked key.
pub(crate) fn newest_sound(
    store: &Store,
    installation: &Installation,
    newest: Generation,
) -> Result<Option<GenerationRecord>, AppError> {
    let known = store.generations(installation.id)?;
    let left = quarantined(&known);
    for record in known.iter().rev().filter(|record| record.generation <= newest) {
        let digest = record.content.digest.as_str();
        let is_other = digest != installation.active.content.digest && !left.contains(digest);
        if is_other && objection(store, installation, record)?.is_none() {
            return Ok(Some(record.clone()));
        }
    }
    Ok(None)
}
