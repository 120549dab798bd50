//! Incidents that nobody has closed, and closing one. The audit log keeps both for ever.

use crate::error::AppError;
use crate::incidents::Incident;
use handoff_control::ChangeRequest;
use handoff_control::incidents::{IncidentList, IncidentView};
use handoff_model::time::Timestamp;
use handoff_store::{FactKind, NewAudit, Store};

/// All of them, newest first.
pub fn incidents(store: &Store) -> Result<IncidentList, AppError> {
    let all = store.facts(FactKind::Incident)?;
    Ok(IncidentList { incidents: all.into_iter().rev().filter_map(|(id, json)| view(id, &json)).collect() })
}

/// Closes one: whoever does so has looked at it.
pub async fn close(store: &Store, id: &str, change: ChangeRequest, at: Timestamp) -> Result<IncidentView, AppError> {
    let fact = store.fact(FactKind::Incident, id)?;
    let not_found = || AppError::NotFound { what: format!("open incident `{id}`: `handoff incidents` lists them") };
    let incident = fact.and_then(|json| view(id.to_owned(), &json)).ok_or_else(not_found)?;
    let detail = serde_json::json!({ "id": id, "message": incident.message, "reason": change.reason });
    let audit = NewAudit {
        at,
        by: change.by,
        action: "incident-close",
        subject: incident.installation.as_ref().map_or("host", |name| name.as_str()).to_owned(),
        detail_json: detail.to_string(),
    };
    store.put_fact(FactKind::Incident, id.to_owned(), None, Some(audit)).await?;
    Ok(incident)
}

/// One that cannot be read is left out: a page for people must not fail for it.
fn view(id: String, json: &[u8]) -> Option<IncidentView> {
    let Incident { at, kind, installation, message, command, evidence } = serde_json::from_slice(json).ok()?;
    Some(IncidentView { id, at: at.into(), kind, installation, message, command, evidence })
}
