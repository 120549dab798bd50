//! An active run: its view of the state, and each delivery in turn on it. Writes nothing that outlives the run. The
//! caller chooses the deliveries and decides when the run ends.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;

use crate::Shared;
use crate::delivery::{panicked, seed};
use handoff_model::call::{Call, Cause};
use handoff_model::delivery::DeliveryInfo;
use handoff_model::effects::{Effects, ReadSet};
use handoff_model::failure::Failure;
use handoff_model::names::{Generation, Position};
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;
use handoff_store::{RecordedDelivery, RecordingPlace, StoreError};

use super::compare;
use super::inputs::{PastState, RecordedLookUps};
use super::window::{Step, Window, gather};
use super::{Rerun, ShadowAsk, ShadowEnd};

/// An active run.
pub(super) struct Run {
    shared: Arc<Shared>,
    ask: ShadowAsk,
    window: Window,
    state: Arc<PastState>,
    /// Timers that this run has set and cancelled.
    timers: HashMap<String, Option<Timestamp>>,
    /// Keys of requests that this run wrote.
    requests: HashSet<String>,
    written: usize,
    /// The generation that was active when the run began.
    generation: Option<Generation>,
    /// What the last delivery read.
    reads: ReadSet,
}

impl Run {
    /// Collects what a run needs. `only` limits the keys that matter, if they are known.
    pub(super) async fn prepare(
        shared: &Arc<Shared>,
        ask: ShadowAsk,
        only: Option<ReadSet>,
    ) -> Result<Self, StoreError> {
        let id = ask.installation.id;
        // Before anything is read: from here on, values that deliveries replace are kept.
        let tap = shared.taps.open(id);
        let (store, which) = (shared.store.clone(), ask.which);
        let gathered = tokio::task::spawn_blocking(move || {
            let is_of_interest = |key: &str| {
                only.as_ref().is_none_or(|reads| {
                    reads.keys.contains(key) || reads.scans.iter().any(|scan| key.starts_with(&scan.prefix))
                })
            };
            gather(&store, id, which, &is_of_interest)
        });
        let mut window = gathered.await.map_err(|error| StoreError::Stopped(error.to_string()))??;
        let values = std::mem::take(&mut window.values);
        let unknown = std::mem::take(&mut window.unknown);
        let place = (shared.store.clone(), id);
        let state = Arc::new(PastState::new(place, tap, values, unknown, window.present_is_unsure));
        Ok(Self {
            generation: shared.store.installation_by_id(id).map(|known| known.active.generation),
            shared: shared.clone(),
            ask,
            window,
            state,
            timers: HashMap::new(),
            requests: HashSet::new(),
            written: 0,
            reads: ReadSet::default(),
        })
    }

    /// The size of all overlaid writes so far, in bytes.
    pub(super) fn written(&self) -> usize {
        self.written
    }

    /// What the last delivery read.
    pub(super) fn reads(&self) -> &ReadSet {
        &self.reads
    }

    /// The steps of the run, in order.
    pub(super) fn take_steps(&mut self) -> Vec<Step> {
        std::mem::take(&mut self.window.steps)
    }

    /// The number of deliveries to run.
    pub(super) fn total(&self) -> u64 {
        let runs = self.window.steps.iter().filter(|step| matches!(step, Step::Run(_)));
        u64::try_from(runs.count()).unwrap_or(u64::MAX)
    }

    /// Migrates the state from before the first delivery, if the code has another schema.
    pub(super) async fn migrate(&mut self) -> Result<(), Failure> {
        let Some(from_schema) = self.ask.from_schema else { return Ok(()) };
        let installation = &self.ask.installation;
        let info = DeliveryInfo {
            installation: installation.name.clone(),
            generation: installation.active.generation,
            position: Position(0),
            attempt: 0,
            time: self.shared.clock.now(),
            scope: installation.scope.clone(),
            time_zone: self.shared.time_zone(&installation.scope),
            dry_run: true,
        };
        let call = Call {
            info,
            config_json: self.ask.loaded.config_json.clone(),
            grants: self.ask.loaded.grants.clone(),
            seed: [0; 32],
            cause: Cause { source: format!("/installations/{}", installation.name), id: "migrate".to_owned(), hops: 0 },
            state: self.state.clone(),
            look_ups: Arc::new(RecordedLookUps::new(Vec::new())),
            on_start: None,
        };
        let called = AssertUnwindSafe(self.ask.loaded.prepared.migrate(call, from_schema)).catch_unwind().await;
        let effects = called.unwrap_or_else(|_| panicked()).outcome?;
        self.written = self.state.write(effects.state_writes);
        self.state.take_notes();
        Ok(())
    }

    /// Applies the recorded effects of a delivery that does not run again.
    pub(super) fn apply(&mut self, place: RecordingPlace) -> Result<(), StoreError> {
        if let Some(changes) = self.shared.store.recorded_changes(place)? {
            self.written = self.state.write(changes.state_writes);
            self.timers.extend(changes.timers);
            // Skip those of an event that runs again later: its own recording says whether they existed by then.
            if !self.window.positions.contains(&place.position) {
                self.requests.extend(changes.requests);
            }
        }
        Ok(())
    }

    /// Runs a delivery again. Returns `None` if that is impossible; `end` counts the reasons.
    pub(super) async fn rerun(
        &mut self,
        place: RecordingPlace,
        end: &mut ShadowEnd,
    ) -> Result<Option<Rerun>, StoreError> {
        let store = &self.shared.store;
        let (recorded, stored) = (store.recorded(place)?, store.event(place.position)?);
        let (Some(recorded), Some(stored)) = (recorded, stored) else {
            end.gone += 1;
            return Ok(None);
        };
        if recorded.outcome.as_ref().err().is_some_and(Failure::is_hosts_own) {
            end.hosts_own += 1;
            return Ok(None);
        }
        let now_active = store.installation_by_id(self.ask.installation.id).map(|known| known.active.generation);
        if now_active != self.generation {
            // The swap may have migrated or restored state.
            self.state.distrust_present();
        }
        let scope = store.handled_scope(&self.ask.installation, &stored.scope);
        let event = stored.event;
        let look_ups = Arc::new(RecordedLookUps::new(recorded.exchanges.clone()));
        let info = self.info(&recorded, scope.clone());
        let seed = seed(&event, &info);
        let call = Call {
            info,
            config_json: self.ask.loaded.config_json.clone(),
            grants: self.ask.loaded.grants.clone(),
            seed,
            cause: Cause { source: event.source.clone(), id: event.id.clone(), hops: event.hop_count() },
            state: self.state.clone(),
            look_ups: look_ups.clone(),
            on_start: None,
        };
        let called = AssertUnwindSafe(self.ask.loaded.prepared.handle(call, &event)).catch_unwind().await;
        let called = called.unwrap_or_else(|_| panicked());
        let (state_assumed, read) = self.state.take_notes();
        let mut outcome = called.outcome;
        if let Ok(effects) = &mut outcome {
            self.settle(effects, &recorded)?;
        }
        let differences = compare::compare(&recorded.outcome, &outcome, self.ask.strictness);
        if let Ok(effects) = &outcome {
            self.take(effects);
        }
        self.reads = called.trace.reads;
        end.ran += 1;
        Ok(Some(Rerun {
            event,
            scope,
            seed,
            outcome,
            duration_us: called.trace.duration_us,
            differences,
            state_assumed,
            not_recorded: look_ups.not_recorded(),
            read,
            recorded,
        }))
    }

    /// The generation number is the recorded one too, because connectors can read it.
    fn info(&self, recorded: &RecordedDelivery, scope: Scope) -> DeliveryInfo {
        let installation = &self.ask.installation;
        DeliveryInfo {
            installation: installation.name.clone(),
            generation: recorded.generation,
            position: recorded.position,
            attempt: recorded.attempt,
            time: recorded.time,
            time_zone: self.shared.time_zone(&scope),
            scope,
            dry_run: true,
        }
    }

    /// Applies the committer's rules to the effects: drops cancellations of timers that are not set, and requests that
    /// were sent before. What was emitted before is in the recording.
    fn settle(&self, effects: &mut Effects, recorded: &RecordedDelivery) -> Result<(), StoreError> {
        let time = recorded.time;
        let Ok(before) = &recorded.outcome else { return Ok(()) };
        let id = self.ask.installation.id;
        let mut cancelled = Vec::new();
        for key in std::mem::take(&mut effects.timers_cancelled) {
            if before.timers_cancelled.contains(&key) || self.is_timer_set(&key, time)? {
                cancelled.push(key);
            }
        }
        effects.timers_cancelled = cancelled;
        let mut requests = Vec::new();
        for request in std::mem::take(&mut effects.outbox) {
            let is_known = self.requests.contains(&request.key)
                || (!self.window.requests.contains(&request.key)
                    && self
                        .shared
                        .store
                        .request_written_at(id, &request.key)?
                        .is_some_and(|at| at <= self.window.ended_at));
            let is_repeated =
                before.requests_repeated.contains(&request.key) && !self.window.requests.contains(&request.key);
            if !is_known && !is_repeated {
                requests.push(request);
            }
        }
        effects.outbox = requests;
        Ok(())
    }

    /// Whether a timer was set for a time: by this run, by an earlier delivery, or by one that is no longer recorded.
    fn is_timer_set(&self, key: &str, time: Timestamp) -> Result<bool, StoreError> {
        if let Some(due) = self.timers.get(key).or_else(|| self.window.timers.get(key)) {
            return Ok(due.is_some_and(|due| due > time));
        }
        let now = self.shared.store.timer_set(self.ask.installation.id, key)?;
        Ok(now.is_some_and(|(due, set_by)| due > time && !self.window.positions.contains(&set_by)))
    }

    /// Makes the effects of this delivery visible to the next deliveries of the run.
    fn take(&mut self, effects: &Effects) {
        self.written = self.state.write(effects.state_writes.clone());
        self.timers.extend(effects.timers_cancelled.iter().map(|key| (key.clone(), None)));
        self.timers.extend(effects.timers_set.iter().map(|(key, timer)| (key.clone(), Some(timer.at))));
        self.requests.extend(effects.outbox.iter().map(|request| request.key.clone()));
    }
}
