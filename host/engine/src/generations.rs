//! Loaded code of the generations in use: the active ones and, for rollbacks, the previous ones. Decides nothing about
//! which generation is active.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use handoff_model::grants::Grants;
use handoff_model::installation::{GenerationContent, Installation};
use handoff_model::names::InstallationId;

use super::Shared;
use super::ports::{Code, CodeSource, LoadError};

/// A generation, ready to be called.
pub struct Loaded {
    /// Its code.
    pub prepared: Arc<dyn Code>,
    /// Its grants.
    pub grants: Arc<Grants>,
    /// Its config.
    pub config_json: Arc<str>,
}

/// Keyed by content, not by number: a rollback finds the code of the older generation.
type Slot = (InstallationId, String, Arc<str>);

pub(super) struct Generations {
    source: Arc<dyn CodeSource>,
    loaded: Mutex<HashMap<Slot, Arc<Loaded>>>,
    /// Notified when another generation is loaded.
    bell: Notify,
}

/// Keeps the generation before each active one loaded too, so that a rollback does not wait for its code, also after a
/// restart. A generation that cannot be loaded is reported once; a rollback to it reports the error again.
pub(super) async fn keep_previous_ready(shared: Arc<Shared>, stop: CancellationToken) {
    let mut changes = shared.store.wakeups().installations();
    let mut failed = HashSet::new();
    loop {
        for installation in shared.store.installations() {
            let (id, active) = (installation.id, &installation.active.content);
            let Some(previous) = installation.previous.as_ref().map(|record| &record.content) else { continue };
            let generations = &shared.generations;
            if !generations.is_loaded(id, active) || failed.contains(&slot(id, previous)) {
                continue;
            }
            let loaded = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                loaded = generations.load(id, previous) => loaded,
            };
            if let Err(error) = loaded {
                tracing::warn!(installation = %installation.name, version = %previous.version, %error, "the previous version cannot be made ready for a rollback");
                failed.insert(slot(id, previous));
            }
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            true = changes.changed() => {}
            () = shared.generations.bell.notified() => {}
        }
    }
}

impl Generations {
    pub(super) fn new(source: Arc<dyn CodeSource>) -> Self {
        Self { source, loaded: Mutex::default(), bell: Notify::new() }
    }

    /// The generation's code: immediately if it is loaded, otherwise from the code cache or the compiler.
    pub(super) async fn load(&self, id: InstallationId, content: &GenerationContent) -> Result<Arc<Loaded>, LoadError> {
        let slot = slot(id, content);
        if let Some(loaded) = self.loaded.lock().get(&slot) {
            return Ok(loaded.clone());
        }
        let prepared = self.source.prepare(content).await?;
        let loaded =
            Arc::new(Loaded { prepared, grants: Arc::new(content.grants.clone()), config_json: slot.2.clone() });
        self.loaded.lock().insert(slot, loaded.clone());
        self.bell.notify_one();
        Ok(loaded)
    }

    fn is_loaded(&self, id: InstallationId, content: &GenerationContent) -> bool {
        self.loaded.lock().contains_key(&slot(id, content))
    }

    /// Drops code that no installation can roll back to immediately. Code that is still referenced stays: a candidate
    /// under test, or a generation with deliveries in flight.
    pub(super) fn keep_only(&self, installations: &[Arc<Installation>]) {
        let kept: HashSet<Slot> = installations
            .iter()
            .flat_map(|installation| {
                let previous = installation.previous.as_ref().map(|record| &record.content);
                [Some(&installation.active.content), previous]
                    .into_iter()
                    .flatten()
                    .map(|content| slot(installation.id, content))
            })
            .collect();
        self.loaded.lock().retain(|slot, loaded| kept.contains(slot) || Arc::strong_count(loaded) > 1);
    }
}

fn slot(id: InstallationId, content: &GenerationContent) -> Slot {
    // Grants are part of the content too: their JSON distinguishes them.
    let grants = serde_json::to_string(&content.grants).unwrap_or_default();
    (id, format!("{}\n{grants}", content.digest), content.config_json.as_str().into())
}
