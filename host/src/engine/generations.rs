//! Prepared code of the generations in use: the active ones and, for rollbacks, the ones before them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::model::grants::Grants;
use crate::model::installation::{GenerationContent, Installation};
use crate::model::names::InstallationId;
use crate::runtime::RuntimeError;

use super::packages::PackageError;
use super::seams::{Code, CodeSource};

/// Why a generation cannot run.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Its component is not to be had.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// Its component cannot be prepared.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

impl LoadError {
    /// A stable kebab-case word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Package(_) => "package-unavailable",
            Self::Runtime(error) => error.code(),
        }
    }
}

/// A generation, ready to be called.
pub struct Loaded {
    /// Its code.
    pub prepared: Arc<dyn Code>,
    /// Its grants.
    pub grants: Arc<Grants>,
    /// Its config.
    pub config_json: Arc<str>,
}

/// Content makes the code, not the number: a rollback finds what the older generation left.
type Slot = (InstallationId, String, Arc<str>);

pub(super) struct Generations {
    source: Arc<dyn CodeSource>,
    loaded: Mutex<HashMap<Slot, Arc<Loaded>>>,
}

impl Generations {
    pub(super) fn new(source: Arc<dyn CodeSource>) -> Self {
        Self { source, loaded: Mutex::default() }
    }

    /// The generation's code: at once if it is loaded, else from the code cache or the compiler.
    pub(super) async fn load(&self, id: InstallationId, content: &GenerationContent) -> Result<Arc<Loaded>, LoadError> {
        let slot = slot(id, content);
        if let Some(loaded) = self.loaded.lock().get(&slot) {
            return Ok(loaded.clone());
        }
        let prepared = self.source.prepare(content).await?;
        let loaded =
            Arc::new(Loaded { prepared, grants: Arc::new(content.grants.clone()), config_json: slot.2.clone() });
        self.loaded.lock().insert(slot, loaded.clone());
        Ok(loaded)
    }

    /// Forgets what no installation can go back to at once. What somebody holds stays: a candidate that is tried out, or
    /// a generation with deliveries at work.
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
    // Grants are part of the content too: their JSON tells two of them apart.
    let grants = serde_json::to_string(&content.grants).unwrap_or_default();
    (id, format!("{}\n{grants}", content.digest), content.config_json.as_str().into())
}
