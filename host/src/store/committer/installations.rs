//! Installations and generations: the pin, and with it the fence.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::model::installation::{
    GenerationDetails, GenerationReason, GenerationRecord, Installation, NewDetails, Pause,
};
use crate::model::names::{Generation, InstallationId, InstallationName, Position};
use crate::model::time::Timestamp;
use crate::store::keys;
use crate::store::records::{More, Record};
use crate::store::rows::decode;
use crate::store::{NewAudit, NewGeneration, StoreError};

use super::Committer;
use super::audit::about_generation;

impl Committer {
    pub(super) fn put_generation(&mut self, new: NewGeneration) -> Result<Arc<Installation>, StoreError> {
        let existing = self.by_name(&new.name);
        let active = existing.as_ref().map(|installation| installation.active.generation);
        if active != new.expected {
            let number = |generation: Option<Generation>| generation.map_or(0, |generation| generation.0);
            let (active, expected) = (number(active), number(new.expected));
            return Err(StoreError::GenerationMoved { name: new.name, active, expected });
        }
        let id = existing.as_ref().map_or(InstallationId(self.next_installation), |installation| installation.id);
        let generation = match &existing {
            Some(installation) => Generation(self.last_generation(installation.id)?.0 + 1),
            None => Generation(1),
        };
        let previous = match (&new.reason, &existing) {
            // What a rollback leaves is bad: going back once more means further back.
            (GenerationReason::Rollback { restores }, Some(installation)) => {
                self.generation_before(installation.id, *restores)?
            }
            (_, existing) => existing.as_ref().map(|installation| installation.active.clone()),
        };
        let record = GenerationRecord {
            generation,
            content: new.content.clone(),
            at: new.at,
            by: new.by.clone(),
            reason: new.reason.clone(),
            note: new.note.clone(),
        };
        let entry = self.entry(about_generation(&new, &record, None));
        let more = vec![self.details(id, generation, active, new.details), entry];
        let installation =
            Installation { id, name: new.name, rooftop: new.rooftop, active: record.clone(), previous, paused: None };
        let put = Record::InstallationPut {
            installation: Box::new(installation.clone()),
            generation: Some(Box::new(record)),
        };
        self.write_with(put, more)?;
        self.next_installation = self.next_installation.max(id.0 + 1);
        Ok(self.publish(installation))
    }

    fn details(
        &self,
        installation: InstallationId,
        generation: Generation,
        from: Option<Generation>,
        new: NewDetails,
    ) -> More {
        let NewDetails { settings_json, settings_folder, signer, origin } = new;
        let starts_at = Position(self.shared.next_position.load(Ordering::Relaxed));
        let details = GenerationDetails { settings_json, settings_folder, signer, origin, from, starts_at };
        let committed = self.shared.counts.read().of(installation).committed;
        More::Details { installation, generation, details: Box::new(details), committed }
    }

    pub(super) fn set_paused(
        &mut self,
        name: &InstallationName,
        paused: Option<Pause>,
        by: String,
        at: Timestamp,
    ) -> Result<Arc<Installation>, StoreError> {
        let existing = self.by_name(name).ok_or_else(|| StoreError::NoInstallation(name.to_string()))?;
        let mut installation = existing.as_ref().clone();
        let action = if paused.is_some() { "pause" } else { "resume" };
        let message = paused.as_ref().map(|pause| pause.message.as_str());
        let detail_json = serde_json::json!({ "message": message }).to_string();
        let entry = self.entry(NewAudit { at, by, action, subject: name.to_string(), detail_json });
        installation.paused = paused;
        let put = Record::InstallationPut { installation: Box::new(installation.clone()), generation: None };
        self.write_with(put, vec![entry])?;
        Ok(self.publish(installation))
    }

    /// Makes an installation the one that everyone sees. From here on the fence stands.
    pub(super) fn publish(&mut self, installation: Installation) -> Arc<Installation> {
        let installation = Arc::new(installation);
        self.shared.installations.write().insert(installation.id, installation.clone());
        self.index_subscriptions();
        installation
    }

    fn by_name(&self, name: &InstallationName) -> Option<Arc<Installation>> {
        self.shared.installations.read().values().find(|installation| installation.name == *name).cloned()
    }

    fn last_generation(&self, id: InstallationId) -> Result<Generation, StoreError> {
        Ok(self.shared.generations(id)?.last().map_or(Generation(0), |record| record.generation))
    }

    fn generation_before(
        &self,
        id: InstallationId,
        generation: Generation,
    ) -> Result<Option<GenerationRecord>, StoreError> {
        let Some(before) = generation.0.checked_sub(1).map(Generation) else { return Ok(None) };
        let key = keys::generation(id, before);
        self.shared.view.get(&key)?.map(|row| decode(&key, &row)).transpose()
    }
}
