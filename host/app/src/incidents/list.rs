//! Lists open incidents. While the host runs, its conditions are looked at again; a stopped host shows those that were
//! open when it stopped.

use super::raise::scope_of;
use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::incidents::{IncidentList, IncidentQuery, IncidentView};
use handoff_model::host_records::IncidentRecord;
use handoff_model::names::InstallationName;
use handoff_store::Store;

impl Shard {
    /// Lists open incidents: conditions first, then those that people close, each newest first.
    pub fn list_incidents(&self, query: &IncidentQuery) -> Result<IncidentList, AppError> {
        let is_running = self.require_running().is_ok();
        let mut incidents = Vec::new();
        if is_running {
            self.look_at_conditions();
            incidents.extend(self.conditions.lock().open().iter().map(|open| open.view(&self.store)));
        }
        // Ids begin with the time.
        let stored = self.store.incidents()?.into_iter().rev();
        let (conditions, others): (Vec<_>, Vec<_>) = stored.partition(|(_, incident)| incident.closes_itself);
        let conditions = conditions.into_iter().filter(|_| !is_running);
        incidents.extend(conditions.chain(others).map(|(id, incident)| view(&self.store, id, incident)));
        if let Some(wanted) = &query.rooftop {
            incidents.retain(|incident| incident.scope.as_ref() == Some(wanted));
        }
        Ok(IncidentList { incidents })
    }

    /// Number of open conditions.
    #[must_use]
    pub fn open_conditions(&self) -> usize {
        self.conditions.lock().open().len()
    }

    /// Open conditions that hold up the work of an installation.
    pub(crate) fn conditions_of(&self, name: &InstallationName) -> Vec<IncidentView> {
        let open = self.conditions.lock().open();
        open.iter().filter(|open| open.condition.affects.contains(name)).map(|open| open.view(&self.store)).collect()
    }

    /// Open conditions of the host as a whole.
    pub(crate) fn conditions_of_host(&self) -> Vec<IncidentView> {
        let open = self.conditions.lock().open();
        open.iter().filter(|open| open.condition.affects.is_empty()).map(|open| open.view(&self.store)).collect()
    }
}

pub(super) fn view(store: &Store, id: String, incident: IncidentRecord) -> IncidentView {
    let IncidentRecord { at, kind, subject, closes_itself, count, installation, message, command, evidence_json } =
        incident;
    let evidence = serde_json::from_str(&evidence_json).unwrap_or_default();
    let scope = scope_of(store, installation.as_ref());
    IncidentView {
        id,
        at: at.into(),
        kind,
        subject,
        installation,
        scope,
        message,
        waits: None,
        command,
        closes_itself,
        count,
        evidence,
    }
}
