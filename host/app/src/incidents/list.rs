//! Lists open incidents.

use super::raise::Incident;
use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::incidents::{IncidentList, IncidentView};
use handoff_store::{FactKind, Store};

impl Shard {
    /// Open incidents, newest first.
    pub fn list_incidents(&self) -> Result<IncidentList, AppError> {
        list(&self.store)
    }
}

/// Open incidents, newest first.
pub(crate) fn list(store: &Store) -> Result<IncidentList, AppError> {
    let all = store.facts(FactKind::Incident)?;
    Ok(IncidentList { incidents: all.into_iter().rev().filter_map(|(id, json)| view(id, &json)).collect() })
}

/// One that cannot be read is left out: a page for people must not fail for it.
pub(super) fn view(id: String, json: &[u8]) -> Option<IncidentView> {
    let Incident { at, kind, installation, message, command, evidence } = serde_json::from_slice(json).ok()?;
    Some(IncidentView { id, at: at.into(), kind, installation, message, command, evidence })
}
