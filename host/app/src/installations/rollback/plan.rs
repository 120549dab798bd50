//! Plans a rollback: the target generation and the state change. Reads only, and refuses what is impossible.

use std::sync::Arc;

use crate::count::count;
use crate::error::AppError;
use crate::installations::quarantine::quarantined;
use crate::installations::soundness::{newest_sound, objection};
use handoff_control::installations::rollback::{
    CannotBeUnsent, KeepOrRestore, RollbackReport, RollbackRequest, RollbackSide, RollbackState,
};
use handoff_model::actor::Identity;
use handoff_model::installation::{GenerationReason, GenerationRecord, Installation, NewDetails, Pause};
use handoff_model::names::{Generation, InstallationId, InstallationName};
use handoff_model::time::Timestamp;
use handoff_store::{Leave, NewGeneration, Store, StoreError, UndoReach};

/// A possible rollback.
pub(super) struct Plan {
    installation: Arc<Installation>,
    target: GenerationRecord,
    details: NewDetails,
    leave: Leave,
    state: RollbackState,
    /// Upper bounds of the keys and timers that a restore changes.
    changes: (u64, u64),
    warnings: Vec<String>,
}

impl Plan {
    pub(super) fn make(
        store: &Store,
        name: &InstallationName,
        request: &RollbackRequest,
        expected: Option<Generation>,
    ) -> Result<Self, AppError> {
        check(request)?;
        let installation = store.installation(name).ok_or_else(|| AppError::no_installation(name))?;
        let active = &installation.active;
        if let Some(expected) = expected.filter(|expected| *expected != active.generation) {
            let message = format!("`{name}` is at generation {} now, not {expected}: left as it is", active.generation);
            return Err(AppError::Conflict { message });
        }
        if expected.is_some() && installation.paused.as_ref().is_some_and(Pause::is_by_a_person) {
            return Err(StoreError::Paused(name.clone()).into());
        }
        let (target, instead) = target(store, &installation, request, expected.is_some())?;
        let (state, changes) = state(store, &installation, &target, request)?;
        let details = store.generation_details(installation.id, target.generation)?;
        let leave = Leave {
            to_end_of: target.generation,
            restore_state: state.does == KeepOrRestore::Restore,
            replay: request.replay,
            unless_paused: expected.is_some(),
        };
        let details = details.map(|details| details.again()).unwrap_or_default();
        let mut warnings = warnings(&installation, &target, &store.generations(installation.id)?);
        warnings.extend(instead);
        if leave.restore_state && !leave.replay {
            let events = store.committed_since(installation.id, Generation(target.generation.0.saturating_add(1)))?;
            warnings.extend(undone(events, &installation));
        }
        Ok(Self { installation, target, details, leave, state, changes, warnings })
    }

    /// The generation that executes the plan. Once it is durable, no result of a rolled-back generation takes effect.
    pub(super) fn new_generation(&self, caller: &Identity, request: &RollbackRequest, at: Timestamp) -> NewGeneration {
        NewGeneration {
            name: self.installation.name.clone(),
            scope: self.installation.scope.clone(),
            content: self.target.content.clone(),
            by: caller.acting(request.by.as_deref()),
            reason: GenerationReason::Rollback { restores: self.target.generation },
            note: request.reason.clone(),
            at,
            expected: Some(self.installation.active.generation),
            details: self.details.clone(),
            migration: None,
            changes_json: None,
            leave: Some(self.leave),
        }
    }

    pub(super) fn name(&self) -> &InstallationName {
        &self.installation.name
    }

    pub(super) fn id(&self) -> InstallationId {
        self.installation.id
    }

    pub(super) fn from(&self) -> &GenerationRecord {
        &self.installation.active
    }

    pub(super) fn to(&self) -> &GenerationRecord {
        &self.target
    }

    pub(super) fn replays(&self) -> bool {
        self.leave.replay
    }

    /// The first and the last rolled-back generation.
    pub(super) fn left(&self) -> (Generation, Generation) {
        (Generation(self.target.generation.0.saturating_add(1)), self.installation.active.generation)
    }

    /// The report with what is known before the rollback.
    pub(super) fn report(&self) -> RollbackReport {
        let side = |record: &GenerationRecord| RollbackSide {
            generation: record.generation,
            version: record.content.version.to_string(),
        };
        RollbackReport {
            name: self.installation.name.clone(),
            from: side(&self.installation.active),
            to: side(&self.target),
            new_generation: Generation(self.installation.active.generation.0.saturating_add(1)),
            applied: false,
            took_ms: 0,
            took_us: 0,
            deliverable_us: None,
            state: self.state.clone(),
            keys_restored: self.changes.0,
            timers_restored: self.changes.1,
            events_redelivered: 0,
            events_replayed: 0,
            events_forgotten: 0,
            events_withdrawn: 0,
            emitted_handled: Vec::new(),
            dead_letters_redriven: 0,
            retries_made_due: 0,
            requests_held: 0,
            unsent: CannotBeUnsent::default(),
            unfinished: None,
            warnings: self.warnings.clone(),
            host_running: false,
        }
    }
}

/// Warnings about the target generation.
fn warnings(installation: &Installation, target: &GenerationRecord, known: &[GenerationRecord]) -> Vec<String> {
    let (content, active) = (&target.content, &installation.active.content);
    let mut warnings = Vec::new();
    if content.digest != active.digest && quarantined(known).contains(content.digest.as_str()) {
        warnings.push(format!(
            "a rollback left version {} before; now version {} counts as left",
            content.version, active.version,
        ));
    }
    warnings.extend(installation.stays_paused());
    warnings
}

/// What a restore without a replay leaves behind.
fn undone(events: u64, installation: &Installation) -> Option<String> {
    let version = &installation.active.content.version;
    (events > 0).then(|| {
        let events = count(events, "event", "events");
        format!(
            "the state of {events} that version {version} handled is undone with its timers, and the events are not \
             delivered again: answers to its requests are recorded without reaching the connector, also after `handoff outbox \
             release`. Consistent are --replay, which delivers the events again, or no --restore-state"
        )
    })
}

fn check(request: &RollbackRequest) -> Result<(), AppError> {
    if request.to_generation.is_some() && request.to_version.is_some() {
        return Err(AppError::invalid("toVersion", "expected at most one of `toGeneration` and `toVersion`"));
    }
    if request.restore_state && request.keep_state {
        return Err(AppError::invalid("keepState", "expected at most one of `restoreState` and `keepState`"));
    }
    Ok(())
}

/// The target, with a warning if something speaks against it, or against the one that would be expected.
fn target(
    store: &Store,
    installation: &Installation,
    request: &RollbackRequest,
    is_automatic: bool,
) -> Result<(GenerationRecord, Option<String>), AppError> {
    let target = wanted(store, installation, request)?;
    let Some(objection) = objection(store, installation, &target)? else { return Ok((target, None)) };
    let is_chosen = request.to_generation.is_some() || request.to_version.is_some();
    if is_chosen && !is_automatic {
        return Ok((target, Some(objection)));
    }
    let earlier = Generation(target.generation.0.saturating_sub(1));
    let name = &installation.name;
    match newest_sound(store, installation, earlier)? {
        Some(sound) => {
            let (number, version) = (target.generation, &sound.content.version);
            let warning = format!(
                "{objection}: version {version} of generation {} is taken instead; `handoff rollback {name} --to {number}` takes \
                 the former all the same",
                sound.generation,
            );
            Ok((sound, Some(warning)))
        }
        None if is_automatic => Err(AppError::Refused {
            code: "no-sound-version",
            message: format!("{objection}, and `{name}` has no older sound version"),
        }),
        None => Ok((target, Some(format!("{objection}; `{name}` has no older sound version")))),
    }
}

fn wanted(store: &Store, installation: &Installation, request: &RollbackRequest) -> Result<GenerationRecord, AppError> {
    let (name, active) = (&installation.name, &installation.active);
    let none = |what: String| AppError::NotFound { what: format!("{what} of `{name}`: see `handoff show {name}`") };
    if let Some(wanted) = request.to_generation {
        if wanted == active.generation {
            return Err(AppError::invalid("toGeneration", format!("generation {wanted} is the active one")));
        }
        let mut known = store.generations(installation.id)?.into_iter();
        return known.find(|record| record.generation == wanted).ok_or_else(|| none(format!("generation {wanted}")));
    }
    if let Some(wanted) = &request.to_version {
        let version: semver::Version = wanted
            .parse()
            .map_err(|error| AppError::invalid("toVersion", format!("`{wanted}` is not a version: {error}")))?;
        let mut known = store.generations(installation.id)?.into_iter().rev();
        let is_it =
            |record: &GenerationRecord| record.generation != active.generation && record.content.version == version;
        return known.find(is_it).ok_or_else(|| none(format!("other generation with version {version}")));
    }
    if let GenerationReason::Rollback { .. } = active.reason {
        return Err(rolled_back_already(installation, &store.generations(installation.id)?));
    }
    installation.previous.clone().ok_or_else(|| AppError::Refused {
        code: "nothing-to-roll-back-to",
        message: format!("`{name}` has no generation before {}: there is nothing to go back to", active.generation),
    })
}

/// Two operators, or one and the host itself, must not roll back twice by accident.
fn rolled_back_already(installation: &Installation, known: &[GenerationRecord]) -> AppError {
    let (name, active) = (&installation.name, &installation.active);
    let left = quarantined(known);
    let is_further =
        |record: &&GenerationRecord| record.content != active.content && !left.contains(record.content.digest.as_str());
    let further = match known.iter().rev().find(is_further) {
        Some(record) => format!("handoff rollback {name} --to {}", record.generation),
        None => "there is no other good one".to_owned(),
    };
    let message = format!(
        "{} rolled `{name}` back to version {} at {} already. To go further back: {further}",
        active.by, active.content.version, active.at,
    );
    AppError::Refused { code: "rolled-back-already", message }
}

fn state(
    store: &Store,
    installation: &Installation,
    target: &GenerationRecord,
    request: &RollbackRequest,
) -> Result<(RollbackState, (u64, u64)), AppError> {
    let (schema, schema_known) =
        (store.state_schema(installation.id, &installation.active)?, target.content.state_schema);
    let is_other = schema != schema_known;
    let mut state = RollbackState { does: KeepOrRestore::Keep, schema, schema_known };
    if !request.restore_state && (request.keep_state || !is_other) {
        return Ok((state, (0, 0)));
    }
    state.does = KeepOrRestore::Restore;
    match store.undo_reach(installation.id, target.generation)? {
        UndoReach::Whole { keys, timers } => Ok((state, (keys, timers))),
        UndoReach::Gone { oldest } => Err(undo_gone(installation, target, oldest, is_other.then_some(schema))),
    }
}

/// The undo log no longer reaches back far enough. `schema` is that of the state, if the target's version has a
/// different one.
fn undo_gone(
    installation: &Installation,
    target: &GenerationRecord,
    oldest: Generation,
    schema: Option<u32>,
) -> AppError {
    let (name, wanted) = (&installation.name, target.generation);
    let version = &target.content.version;
    let reach = if oldest < installation.active.generation {
        format!("; they can be put back to the end of generation {oldest} (--to {oldest})")
    } else {
        String::new()
    };
    let keep = match schema {
        Some(schema) => {
            format!(
                "with --keep-state version {version} starts with records of schema {schema}, which it was not made for"
            )
        }
        None => "without --restore-state its records stay as they are".to_owned(),
    };
    let message = format!(
        "what `{name}` had kept when generation {wanted} ended is not known any more, so its records cannot be put \
         back{reach}; {keep}"
    );
    AppError::Refused { code: "undo-gone", message }
}
