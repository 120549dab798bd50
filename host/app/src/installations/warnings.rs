//! Warnings about an installation: its version was recalled, its signer's key is no longer trusted, the version list of
//! its package is too old, or other installations have events that this one would have emitted differently. Reads the
//! store and asks no registry.

use super::soundness::newest_sound;
use crate::count::count;
use crate::error::AppError;
use crate::registry::recalls::ListAge;
use crate::shard::Shard;
use handoff_control::installations::{WarningKind, WarningView};
use handoff_model::installation::{GenerationReason, GenerationRecord, Installation, Origin};
use handoff_model::names::Generation;
use handoff_store::Store;

impl Shard {
    /// All warnings about an installation. Data that cannot be read becomes a warning, because the page must not fail
    /// for it.
    pub(crate) fn warnings(&self, installation: &Installation) -> Vec<WarningView> {
        self.read_warnings(installation).unwrap_or_else(|error| {
            let message = format!("what is known of its package cannot be read: {error}");
            vec![WarningView { kind: WarningKind::Unreadable, message, command: None }]
        })
    }

    fn read_warnings(&self, installation: &Installation) -> Result<Vec<WarningView>, AppError> {
        let (store, process) = (&self.store, &self.process);
        let mut warnings = Vec::new();
        let content = &installation.active.content;
        if let Some(recall) = store.recall(&content.digest)? {
            let message =
                format!("{} {} was recalled by its publisher: {}", content.package, content.version, recall.note);
            let command = Some(remediation(store, installation)?);
            warnings.push(WarningView { kind: WarningKind::Recalled, message, command });
        }
        let details = store.generation_details(installation.id, installation.active.generation)?;
        if let Some(Origin::Registry { registry, .. }) = details.as_ref().map(|details| &details.origin)
            && let Some(since) = process.config.recalls.lists_since(self.now())
            && let Some(list) = ListAge::of(store, registry, &content.package)?
            && let Some(message) = list.complaint(since, registry, &content.package)
        {
            warnings.push(WarningView { kind: WarningKind::ListOld, message, command: None });
        }
        if let Some(signer) = details.and_then(|details| details.signer)
            && let Some(reason) = crate::trust::list::revoked(store, &signer.publisher, &signer.key_id)?
        {
            let message =
                format!("the key of `{}` that signed {} was revoked: {reason}", signer.publisher, content.version);
            warnings.push(WarningView { kind: WarningKind::KeyRevoked, message, command: None });
        }
        if let Some(repeated) = store.repeated_events(installation.id)?
            && repeated.generation == installation.active.generation
            && repeated.differing > 0
        {
            let (events, version) = (count(repeated.differing, "event", "events"), &content.version);
            let message = format!(
                "{version} made {events} otherwise than the version that was rolled back: what was delivered again \
                 is not emitted again, so others have the older ones"
            );
            let command = repeated.first_differing.first().map(|position| format!("handoff trace {position}"));
            warnings.push(WarningView { kind: WarningKind::EventsDiffer, message, command });
        }
        Ok(warnings)
    }
}

/// The command that replaces a recalled version: a rollback to the newest earlier sound generation. If there is none, a
/// pause.
pub(crate) fn remediation(store: &Store, installation: &Installation) -> Result<String, AppError> {
    let name = &installation.name;
    let earlier = Generation(installation.active.generation.0.saturating_sub(1));
    if let Some(record) = newest_sound(store, installation, earlier)? {
        return Ok(rollback(installation, &record));
    }
    Ok(format!("handoff pause {name}"))
}

/// The short form if it means the same.
fn rollback(installation: &Installation, record: &GenerationRecord) -> String {
    let name = &installation.name;
    let is_previous = installation.previous.as_ref().is_some_and(|previous| previous.generation == record.generation);
    // Directly after a rollback, another one without a target is refused.
    if is_previous && !matches!(installation.active.reason, GenerationReason::Rollback { .. }) {
        return format!("handoff rollback {name}");
    }
    format!("handoff rollback {name} --to {}", record.generation)
}
