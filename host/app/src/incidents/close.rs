//! Closes an incident. The audit log keeps an entry for the incident and one for its closing.

use super::list::view;
use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::ChangeRequest;
use handoff_control::incidents::IncidentView;
use handoff_model::actor::Identity;
use handoff_store::NewAudit;

impl Shard {
    /// Closes an incident that does not close by itself.
    pub async fn close_incident(
        &self,
        caller: &Identity,
        id: &str,
        change: ChangeRequest,
    ) -> Result<IncidentView, AppError> {
        // A condition that began a moment ago is not stored yet.
        if self.require_running().is_ok() {
            self.watch_conditions().await;
        }
        let record = self.store.incident(id)?;
        let not_found = || AppError::NotFound { what: format!("open incident `{id}`: `handoff incidents` lists them") };
        let incident = record.map(|record| view(&self.store, id.to_owned(), record)).ok_or_else(not_found)?;
        if incident.closes_itself {
            let command = incident.command.map_or_else(String::new, |command| format!(": {command}"));
            let message = format!("this incident is still so, and closes by itself when it is over{command}");
            return Err(AppError::Conflict { message });
        }
        let detail = serde_json::json!({ "id": id, "message": incident.message, "reason": change.reason });
        let audit = NewAudit {
            at: self.now(),
            by: caller.acting(change.by.as_deref()),
            action: "incident-close",
            subject: incident.installation.as_ref().map_or("host", |name| name.as_str()).to_owned(),
            detail_json: detail.to_string(),
            scopes: incident.scope.iter().cloned().collect(),
        };
        self.store.remove_incident(id.to_owned(), Some(audit)).await?;
        Ok(incident)
    }
}
