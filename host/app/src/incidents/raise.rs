//! Raises incidents that stay until someone closes them: stores what the host detected. `status` shows it. Takes no
//! action on an incident.

use crate::error::AppError;
use handoff_model::actor::Actor;
use handoff_model::host_records::IncidentRecord;
use handoff_model::names::InstallationName;
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;
use handoff_store::{NewAudit, Store};

/// Maximum number of stored incidents that people close. Raising another one removes the oldest.
const KEPT: usize = 200;
/// Maximum size of an incident's evidence in bytes: far below the limit of a host record.
const EVIDENCE_BYTES_MAX: usize = 32 << 10;

/// A condition that an operator should look at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Incident {
    /// When the host detected it.
    pub(crate) at: Timestamp,
    /// The kind as a kebab-case word: `recall`, `list-refused`, `automatic-rollback`.
    pub(crate) kind: String,
    /// The installation, if it concerns one.
    pub(crate) installation: Option<InstallationName>,
    /// What happened, in one sentence.
    pub(crate) message: String,
    /// The command to run.
    pub(crate) command: Option<String>,
    /// The data on which the host based it.
    pub(crate) evidence: serde_json::Value,
}

/// The scope of the installation that an incident concerns.
pub(super) fn scope_of(store: &Store, installation: Option<&InstallationName>) -> Option<Scope> {
    Some(store.installation(installation?)?.scope.clone())
}

/// Stores an incident with an audit entry, and logs it.
pub(crate) async fn raise(store: &Store, incident: Incident) -> Result<(), AppError> {
    add(store, incident, true).await
}

/// The same for something that has its own audit entry.
pub(crate) async fn raise_audited(store: &Store, incident: Incident) -> Result<(), AppError> {
    add(store, incident, false).await
}

async fn add(store: &Store, mut incident: Incident, needs_entry: bool) -> Result<(), AppError> {
    if incident.evidence.to_string().len() > EVIDENCE_BYTES_MAX {
        incident.evidence = "too much to be kept; the host's log has it".into();
    }
    let subject = incident.installation.as_ref().map_or("host", InstallationName::as_str).to_owned();
    tracing::warn!(installation = subject, kind = incident.kind, command = incident.command, "{}", incident.message);
    // The time comes first, so that keys sort by time.
    let key = format!("{:015}-{}-{subject}", incident.at.0, incident.kind);
    let detail = serde_json::json!({ "kind": incident.kind, "message": incident.message });
    let audit = NewAudit {
        at: incident.at,
        by: Actor::host(),
        action: "incident",
        subject: subject.clone(),
        detail_json: detail.to_string(),
        scopes: scope_of(store, incident.installation.as_ref()).into_iter().collect(),
    };
    let Incident { at, kind, installation, message, command, evidence } = incident;
    let evidence_json = evidence.to_string();
    let closes_itself = false;
    let record =
        IncidentRecord { at, kind, subject, closes_itself, count: 1, installation, message, command, evidence_json };
    store.add_incident(key, record, needs_entry.then_some(audit)).await?;
    let mut all = store.incidents()?;
    all.retain(|(_, incident)| !incident.closes_itself);
    for (old, _) in all.iter().take(all.len().saturating_sub(KEPT)) {
        store.remove_incident(old.clone(), None).await?;
    }
    Ok(())
}
