//! Lists open incidents.

use super::raise::scope_of;
use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::incidents::{IncidentList, IncidentQuery, IncidentView};
use handoff_model::host_records::IncidentRecord;
use handoff_store::Store;

impl Shard {
    /// Lists open incidents, newest first.
    pub fn list_incidents(&self, query: &IncidentQuery) -> Result<IncidentList, AppError> {
        let mut list = list(&self.store)?;
        if let Some(wanted) = &query.rooftop {
            list.incidents.retain(|incident| incident.scope.as_ref() == Some(wanted));
        }
        Ok(list)
    }
}

/// Reads open incidents, newest first.
pub(crate) fn list(store: &Store) -> Result<IncidentList, AppError> {
    let all = store.incidents()?;
    Ok(IncidentList { incidents: all.into_iter().rev().map(|(id, incident)| view(store, id, incident)).collect() })
}

pub(super) fn view(store: &Store, id: String, incident: IncidentRecord) -> IncidentView {
    let IncidentRecord { at, kind, installation, message, command, evidence_json } = incident;
    let evidence = serde_json::from_str(&evidence_json).unwrap_or_default();
    let scope = scope_of(store, installation.as_ref());
    IncidentView { id, at: at.into(), kind, installation, scope, message, command, evidence }
}
