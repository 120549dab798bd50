//! Creates and changes installations and generations: sets the active generation, which fences all others.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::changes::{AddedGeneration, Change, StateWrites};
use crate::keys;
use crate::rows::decode;
use crate::{Migration, NewAudit, NewGeneration, StoreError};
use handoff_model::actor::Actor;
use handoff_model::installation::{
    GenerationDetails, GenerationReason, GenerationRecord, Installation, NewDetails, Pause,
};
use handoff_model::names::{Generation, InstallationId, InstallationName, Position};
use handoff_model::time::Timestamp;

use super::Committer;
use super::audit::about_generation;
use super::undo::{ActiveUndo, Was};

impl Committer {
    pub(super) fn put_generation(&mut self, mut new: NewGeneration) -> Result<Arc<Installation>, StoreError> {
        let existing = self.by_name(&new.name);
        let active = existing.as_ref().map(|installation| installation.active.generation);
        if active != new.expected {
            let number = |generation: Option<Generation>| generation.map_or(0, |generation| generation.0);
            let (active, expected) = (number(active), number(new.expected));
            return Err(StoreError::GenerationMoved { name: new.name, active, expected });
        }
        // State, events and requests of an installation belong to its scope.
        if let Some(existing) = existing.as_ref().filter(|existing| existing.scope != new.scope) {
            let (scope, wanted) = (existing.scope.clone(), new.scope);
            return Err(StoreError::OtherScope { name: new.name, scope, wanted });
        }
        let pause = existing.as_ref().and_then(|installation| installation.paused.as_ref());
        if pause.is_some_and(Pause::is_by_a_person) && new.leave.is_some_and(|leave| leave.unless_paused) {
            return Err(StoreError::Paused(new.name));
        }
        let id = existing.as_ref().map_or(self.next_installation(), |installation| installation.id);
        let generation = match &existing {
            // The active generation is always the newest.
            Some(installation) => Generation(installation.active.generation.0.saturating_add(1)),
            None => Generation(1),
        };
        let previous = match (&new.reason, &existing) {
            // A rollback rolls back bad generations: a second rollback must go further back.
            (GenerationReason::Rollback { restores }, Some(installation)) => {
                self.generation_before(installation.id, *restores)?
            }
            // A new generation with the same content does not become its own rollback target.
            (_, Some(existing)) if existing.active.content == new.content => existing.previous.clone(),
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
        if new.leave.is_some() {
            self.complete_restore(id)?;
        }
        let marker = self.marker_of(&new, existing.as_deref(), generation)?;
        let undo = ActiveUndo::begin(generation);
        let writes = self.migrated(id, new.migration.take(), &new.name)?;
        let migrated = writes.iter().flatten().map(|(key, _)| (key, Was::InIndex));
        let mut kept = self.keep_first(&undo, id, migrated)?;
        let entry = self.entry(about_generation(&new, &record, writes.as_ref().map(Vec::len)));
        let added = self.added_generation(id, record.clone(), active, new.details);
        let mut changes = vec![Change::GenerationAdded(Box::new(added)), entry];
        if generation > Generation(1) {
            changes.push(Change::UndoBegun { installation: id, generation, at: new.at });
        }
        changes.append(&mut kept.changes);
        let restored = new.leave.filter(|_| marker.as_ref().is_some_and(|marker| marker.restore));
        let begins_with = match restored {
            Some(leave) => self.generation(id, leave.to_end_of)?,
            None => existing.as_ref().map(|existing| existing.active.clone()),
        };
        changes.extend(self.shared.other_schema(id, &record, begins_with.as_ref())?);
        let migrates = writes.is_some();
        let keys: Vec<String> = writes.iter().flatten().map(|(key, _)| key.clone()).collect();
        changes.extend(writes.map(|writes| Change::StateWritten { installation: id, writes }));
        let mut window = None;
        match marker {
            Some(marker) if migrates => changes.push(Change::RollbackMoved(Box::new(marker))),
            Some(marker) => {
                let first = self.first_steps(marker, new.at)?;
                changes.extend(first.changes);
                window = first.window;
            }
            None => {
                changes.extend(self.shared.marker(id).map(|_| Change::RollbackForgotten { installation: id }));
            }
        }
        // A pause by the host does not apply to the next version. A pause by a person stays until a person resumes.
        let paused = existing.and_then(|existing| existing.paused.clone()).filter(Pause::is_by_a_person);
        let installation = Installation { id, name: new.name, scope: new.scope, active: record, previous, paused };
        changes.push(Change::InstallationPut(Box::new(installation)));
        self.write(changes)?;
        match window {
            Some(window) => drop(self.shared.replays.lock().insert(id, window)),
            None => drop(self.shared.replays.lock().remove(&id)),
        }
        self.undos.insert(id, undo);
        self.kept(id, kept);
        if !keys.is_empty() {
            self.note_written(id, &keys);
        }
        self.published(id)
    }

    fn next_installation(&self) -> InstallationId {
        InstallationId(self.shared.next_installation.load(Ordering::Relaxed))
    }

    /// An installation as readers see it now.
    pub(super) fn published(&self, id: InstallationId) -> Result<Arc<Installation>, StoreError> {
        self.installation(id).ok_or_else(|| StoreError::NoInstallation(format!("number {}", id.0)))
    }

    /// The writes of a migration; fails if what it read has changed since.
    fn migrated(
        &self,
        id: InstallationId,
        migration: Option<Migration>,
        name: &InstallationName,
    ) -> Result<Option<StateWrites>, StoreError> {
        let Some(Migration { snapshot, reads, writes }) = migration else { return Ok(None) };
        if self.recent.conflict(id, &reads, &snapshot) {
            return Err(StoreError::MigrationConflict(name.clone()));
        }
        Ok(Some(writes.into_iter().collect()))
    }

    fn added_generation(
        &self,
        installation: InstallationId,
        record: GenerationRecord,
        from: Option<Generation>,
        new: NewDetails,
    ) -> AddedGeneration {
        let NewDetails { settings_json, settings_folder, signer, origin } = new;
        let starts_at = Position(self.shared.next_position.load(Ordering::Relaxed));
        let details = GenerationDetails { settings_json, settings_folder, signer, origin, from, starts_at };
        let committed = self.shared.counts.read().of(installation).committed;
        AddedGeneration { installation, record, details, committed }
    }

    pub(super) fn set_paused(
        &mut self,
        name: &InstallationName,
        paused: Option<Pause>,
        by: Actor,
        at: Timestamp,
    ) -> Result<Arc<Installation>, StoreError> {
        let existing = self.by_name(name).ok_or_else(|| StoreError::NoInstallation(name.to_string()))?;
        // What is so already is no change, and has no entry.
        let is_by_a_person = |pause: &Option<Pause>| pause.as_ref().is_some_and(Pause::is_by_a_person);
        let stays = paused.is_none() && existing.paused.is_none();
        if stays || is_by_a_person(&paused) && is_by_a_person(&existing.paused) {
            return Ok(existing);
        }
        let mut installation = existing.as_ref().clone();
        let action = if paused.is_some() { "pause" } else { "resume" };
        let message = paused.as_ref().map(|pause| pause.message.as_str());
        let detail_json = serde_json::json!({ "message": message }).to_string();
        let (subject, scopes) = (name.to_string(), vec![installation.scope.clone()]);
        let entry = self.entry(NewAudit { at, by, action, subject, detail_json, scopes });
        installation.paused = paused;
        let id = installation.id;
        self.write(vec![Change::InstallationPut(Box::new(installation)), entry])?;
        self.published(id)
    }

    pub(super) fn by_name(&self, name: &InstallationName) -> Option<Arc<Installation>> {
        self.shared.installations.read().values().find(|installation| installation.name == *name).cloned()
    }

    /// The generation before the one whose content this generation has.
    fn generation_before(
        &self,
        id: InstallationId,
        generation: Generation,
    ) -> Result<Option<GenerationRecord>, StoreError> {
        let mut generation = generation;
        while let Some(record) = self.generation(id, generation)?
            && let GenerationReason::Rollback { restores } = record.reason
            && restores < generation
        {
            generation = restores;
        }
        match generation.0.checked_sub(1) {
            Some(before) => self.generation(id, Generation(before)),
            None => Ok(None),
        }
    }

    pub(super) fn generation(
        &self,
        id: InstallationId,
        generation: Generation,
    ) -> Result<Option<GenerationRecord>, StoreError> {
        let key = keys::generation(id, generation);
        self.shared.view.get(&key)?.map(|row| decode(&key, &row)).transpose()
    }
}
