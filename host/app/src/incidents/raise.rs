//! What a person should look at: noticed by the host itself, kept until it is closed, shown by `status`. Does nothing about any of it.

use crate::error::AppError;
use handoff_model::host_records::IncidentRecord;
use handoff_model::installation::BY_HOST;
use handoff_model::names::InstallationName;
use handoff_model::time::Timestamp;
use handoff_store::{NewAudit, Store};

/// Incidents that are kept; the oldest beyond it go.
const KEPT: usize = 200;
/// Bytes of the evidence of one: far below what a fact may have.
const EVIDENCE_BYTES_MAX: usize = 32 << 10;

/// Something that a person should look at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Incident {
    /// When it was noticed.
    pub(crate) at: Timestamp,
    /// Kebab-case word: `recall`, `list-refused`, `automatic-rollback`.
    pub(crate) kind: String,
    /// Whom it is about, if it is one installation.
    pub(crate) installation: Option<InstallationName>,
    /// What happened, in a sentence.
    pub(crate) message: String,
    /// What to type.
    pub(crate) command: Option<String>,
    /// What it was concluded from.
    pub(crate) evidence: serde_json::Value,
}

/// Keeps an incident, with an audit entry, and logs it.
pub(crate) async fn raise(store: &Store, mut incident: Incident) -> Result<(), AppError> {
    if incident.evidence.to_string().len() > EVIDENCE_BYTES_MAX {
        incident.evidence = "too much to be kept; the host's log has it".into();
    }
    let subject = incident.installation.as_ref().map_or("host", InstallationName::as_str).to_owned();
    tracing::warn!(installation = subject, kind = incident.kind, command = incident.command, "{}", incident.message);
    // The kind is a word of ours, the rest a name: keys sort by time.
    let key = format!("{:015}-{}-{subject}", incident.at.0, incident.kind);
    let detail = serde_json::json!({ "kind": incident.kind, "message": incident.message });
    let audit = NewAudit {
        at: incident.at,
        by: BY_HOST.to_owned(),
        action: "incident",
        subject,
        detail_json: detail.to_string(),
    };
    let Incident { at, kind, installation, message, command, evidence } = incident;
    let evidence_json = evidence.to_string();
    let record = IncidentRecord { at, kind, installation, message, command, evidence_json };
    store.add_incident(key, record, audit).await?;
    let all = store.incidents()?;
    for (old, _) in all.iter().take(all.len().saturating_sub(KEPT)) {
        store.remove_incident(old.clone(), None).await?;
    }
    Ok(())
}
