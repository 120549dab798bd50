//! Incidents that nobody has closed, and closing one. The audit log keeps both for ever.

use crate::error::AppError;
use handoff_control::ChangeRequest;
use handoff_control::incidents::{IncidentList, IncidentView};
use handoff_model::host_records::IncidentRecord;
use handoff_model::time::Timestamp;
use handoff_store::{NewAudit, Store};

/// All of them, newest first.
pub fn incidents(store: &Store) -> Result<IncidentList, AppError> {
    let all = store.incidents()?;
    Ok(IncidentList { incidents: all.into_iter().rev().map(|(id, incident)| view(id, incident)).collect() })
}

/// Closes one: whoever does so has looked at it.
pub async fn close(store: &Store, id: &str, change: ChangeRequest, at: Timestamp) -> Result<IncidentView, AppError> {
    let record = store.incident(id)?;
    let not_found = || AppError::NotFound { what: format!("open incident `{id}`: `handoff incidents` lists them") };
    let incident = record.map(|record| view(id.to_owned(), record)).ok_or_else(not_found)?;
    let detail = serde_json::json!({ "id": id, "message": incident.message, "reason": change.reason });
    let audit = NewAudit {
        at,
        by: change.by,
        action: "incident-close",
        subject: incident.installation.as_ref().map_or("host", |name| name.as_str()).to_owned(),
        detail_json: detail.to_string(),
    };
    store.remove_incident(id.to_owned(), Some(audit)).await?;
    Ok(incident)
}

fn view(id: String, incident: IncidentRecord) -> IncidentView {
    let IncidentRecord { at, kind, installation, message, command, evidence_json } = incident;
    let evidence = serde_json::from_str(&evidence_json).unwrap_or_default();
    IncidentView { id, at: at.into(), kind, installation, message, command, evidence }
}
