//! Lists open incidents.

use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::incidents::{IncidentList, IncidentView};
use handoff_model::host_records::IncidentRecord;
use handoff_store::Store;

impl Shard {
    /// Lists open incidents, newest first.
    pub fn list_incidents(&self) -> Result<IncidentList, AppError> {
        list(&self.store)
    }
}

/// Reads open incidents, newest first.
pub(crate) fn list(store: &Store) -> Result<IncidentList, AppError> {
    let all = store.incidents()?;
    Ok(IncidentList { incidents: all.into_iter().rev().map(|(id, incident)| view(id, incident)).collect() })
}

pub(super) fn view(id: String, incident: IncidentRecord) -> IncidentView {
    let IncidentRecord { at, kind, installation, message, command, evidence_json } = incident;
    let evidence = serde_json::from_str(&evidence_json).unwrap_or_default();
    IncidentView { id, at: at.into(), kind, installation, message, command, evidence }
}
