//! Creates audit entries together with the changes that they describe, and writes host records. Makes no decisions
//! about the changes.

use std::collections::BTreeSet;

use serde_json::json;

use crate::audit::{AuditEntry, NewAudit};
use crate::changes::Change;
use crate::host_records::HostRecord;
use crate::{NewGeneration, StoreError};
use handoff_model::actor::Actor;
use handoff_model::installation::{GenerationReason, GenerationRecord, NewDetails};
use handoff_model::names::{InstallationId, Position};
use handoff_model::scope::Scope;

use super::Committer;

/// Dead letters or requests that an entry lists one by one; beyond that it only gives their number.
const NAMED_MAX: usize = 20;

impl Committer {
    /// The next entry of the chain, to be written with other changes. It becomes the head of the chain in
    /// [`Committer::write`].
    pub(super) fn entry(&self, new: NewAudit) -> Change {
        Change::AuditAppended(Box::new(AuditEntry::after(*self.shared.audit_head.lock(), new)))
    }

    pub(super) fn set_host_record(&mut self, record: HostRecord, audit: Option<NewAudit>) -> Result<(), StoreError> {
        let entry = audit.map(|new| self.entry(new));
        let changes = std::iter::once(Change::HostRecordSet(Box::new(record))).chain(entry).collect();
        self.write(changes).map(drop)
    }

    pub(super) fn add_audit(&mut self, new: NewAudit) -> Result<(), StoreError> {
        let entry = self.entry(new);
        self.write(vec![entry]).map(drop)
    }

    /// The audit entry for an action on several positions. Its subject lists their installations.
    pub(super) fn about_places(
        &self,
        action: &'static str,
        places: &[(InstallationId, Position)],
        by: &Actor,
        reason: &str,
        at: handoff_model::time::Timestamp,
    ) -> NewAudit {
        let installations: Vec<_> = places.iter().filter_map(|(id, _)| self.installation(*id)).collect();
        let names: BTreeSet<&str> = installations.iter().map(|installation| installation.name.as_str()).collect();
        let scopes: BTreeSet<Scope> = installations.iter().map(|installation| installation.scope.clone()).collect();
        let subject = names.into_iter().collect::<Vec<_>>().join(" ");
        let scopes = scopes.into_iter().collect();
        let positions: Vec<u64> = places.iter().take(NAMED_MAX).map(|(_, position)| position.0).collect();
        let detail_json = json!({ "count": places.len(), "positions": positions, "reason": reason }).to_string();
        NewAudit { at, by: by.clone(), action, subject, detail_json, scopes }
    }
}

/// The audit entry for a new generation.
pub(super) fn about_generation(new: &NewGeneration, record: &GenerationRecord, migrated: Option<usize>) -> NewAudit {
    let NewGeneration { name, content, details, leave, expected, .. } = new;
    let (action, restores) = match &new.reason {
        GenerationReason::Install => ("install", None),
        GenerationReason::Upgrade => ("upgrade", None),
        GenerationReason::Reconfigure => ("reconfigure", None),
        GenerationReason::Rollback { restores } if new.by.is_host() => ("automatic-rollback", Some(restores.0)),
        GenerationReason::Rollback { restores } => ("rollback", Some(restores.0)),
    };
    let NewDetails { signer, origin, .. } = details;
    let mut detail = json!({
        "generation": record.generation.0,
        "from": expected.map(|from| from.0),
        "package": content.package,
        "version": content.version.to_string(),
        "digest": content.digest,
        "signer": signer,
        "origin": origin,
        "note": new.note,
    });
    let mut more = |key: &str, value: serde_json::Value| {
        if let Some(fields) = detail.as_object_mut() {
            fields.insert(key.to_owned(), value);
        }
    };
    if let Some(restores) = restores {
        more("restores", restores.into());
    }
    if let Some(migrated) = migrated {
        more("keysMigrated", migrated.into());
    }
    if let Some(changes) = new.changes_json.as_deref().and_then(|text| serde_json::from_str(text).ok()) {
        more("changes", changes);
    }
    if let Some(leave) = leave {
        more("leavesAfter", leave.to_end_of.0.into());
        more("restoreState", leave.restore_state.into());
        more("replay", leave.replay.into());
    }
    let (subject, scopes) = (name.to_string(), vec![new.scope.clone()]);
    NewAudit { at: new.at, by: new.by.clone(), action, subject, detail_json: detail.to_string(), scopes }
}
