//! Exports the host's installations as a lock that can be stored and applied again. Reads the store only; `apply`
//! applies locks.

use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::installations::lock::{LockView, LockedInstallation};
use handoff_control::registry::SignerView;
use handoff_model::installation::{Installation, Origin};
use handoff_store::Store;

impl Shard {
    /// Describes exactly what is installed.
    pub fn lock(&self) -> Result<LockView, AppError> {
        let mut installations = Vec::new();
        for installation in self.store.installations() {
            installations.push(locked(&self.store, &installation)?);
        }
        installations.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(LockView { installations })
    }
}

/// An installation whose settings are not on record.
pub(super) fn no_settings(installation: &Installation) -> AppError {
    let message = format!(
        "the settings of `{0}` were not kept when it was installed: give them once more, with `handoff install {0} \
         --digest {1} --settings FILE`",
        installation.name, installation.active.content.digest,
    );
    AppError::Refused { code: "no-settings", message }
}

fn locked(store: &Store, installation: &Installation) -> Result<LockedInstallation, AppError> {
    let active = &installation.active;
    let details = store.generation_details(installation.id, active.generation)?;
    let Some(details) = details.filter(|details| !details.settings_json.is_empty()) else {
        return Err(no_settings(installation));
    };
    let unreadable = |error: String| AppError::Internal(format!("the settings of `{}`: {error}", installation.name));
    let mut settings: serde_json::Value =
        serde_json::from_str(&details.settings_json).map_err(|error| unreadable(error.to_string()))?;
    // The lock has the scope already. A second copy could differ. It has no folder: that is one of this machine, and
    // relative paths count from the lock's folder where it is applied.
    let table = settings.as_object_mut().ok_or_else(|| unreadable("no table".to_owned()))?;
    table.retain(|key, _| !matches!(key.as_str(), "rooftop" | "group"));
    let registry = match details.origin {
        Origin::Registry { registry, .. } => Some(registry),
        Origin::File => None,
    };
    Ok(LockedInstallation {
        name: installation.name.clone(),
        package: active.content.package.clone(),
        version: active.content.version.to_string(),
        digest: active.content.digest.clone(),
        signer: details.signer.map(|signer| SignerView { publisher: signer.publisher, key_id: signer.key_id }),
        registry,
        scope: installation.scope.clone(),
        settings_folder: None,
        settings,
    })
}
