//! Runs recorded deliveries again: same event, clock, seed, attempt and answers, another version or the same. Nothing that
//! comes of it takes effect. Decides nothing about what a difference means.
//!
//! Deliveries run one after another, in the order in which the journal has them, each on the state that the ones before
//! left *in this run*: what a version writes, its later deliveries read. `shadow/window.rs` says how the state before the
//! first is found; a version with another schema migrates that first. They have a place of their own in the runtime's pool,
//! and one run goes at a time; one replay may go beside it.

mod compare;
mod fields;
mod inputs;
mod window;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;

use crate::model::delivery::DeliveryInfo;
use crate::model::effects::{Effects, ReadSet};
use crate::model::event::Event;
use crate::model::failure::Failure;
use crate::model::installation::Installation;
use crate::model::names::{Generation, Position};
use crate::model::time::Timestamp;
use crate::runtime::{Call, Cause};
use crate::store::{Moment, RecordedDelivery, RecordedEffects, RecordingPlace, StoreError};

pub(super) use compare::is_hosts_own;
pub use compare::{Change, Difference, Kind, Strictness};
pub use fields::{FieldChange, of_bytes, of_event, of_request, of_timer};
pub use inputs::NotRecorded;
pub(super) use inputs::Taps;
pub use window::{DELIVERIES_MAX, Which};

use super::delivery::{panicked, seed};
use super::generations::Loaded;
use super::{Engine, Shared};
use inputs::{PastState, RecordedLookUps};
use window::{Step, Window, gather};

/// Bytes that a run may lay over the state: what all of its deliveries write.
const WRITTEN_BYTES_MAX: usize = 128 << 20;

/// A run takes no longer, whatever it was given.
const TIME_MAX: Duration = Duration::from_secs(24 * 3_600);

/// What is to run again.
pub struct ShadowAsk {
    /// Whose deliveries.
    pub installation: Arc<Installation>,
    /// The code that runs them.
    pub loaded: Arc<Loaded>,
    /// Which deliveries.
    pub which: Which,
    /// How closely to compare.
    pub strictness: Strictness,
    /// The schema of the state, if the code keeps state of a newer one: it migrates a copy first.
    pub from_schema: Option<u32>,
    /// Time for all of them. A delivery that has begun is ended at its own deadline.
    pub time: Duration,
}

/// One delivery that ran again.
#[derive(Clone, Debug)]
pub struct Rerun {
    /// What was recorded.
    pub recorded: RecordedDelivery,
    /// The event.
    pub event: Event,
    /// The seed of its random bytes.
    pub seed: [u8; 32],
    /// What it does now, without what the host would have dropped.
    pub outcome: Result<Effects, Failure>,
    /// How long the connector worked now.
    pub duration_us: u64,
    /// Where the two differ.
    pub differences: Vec<Difference>,
    /// It read state of which nobody knows for sure how it was.
    pub state_assumed: bool,
    /// It asked what the recorded delivery did not ask.
    pub not_recorded: NotRecorded,
    /// State that it read.
    pub read: BTreeMap<String, Option<Vec<u8>>>,
}

/// How far a run is.
#[derive(Debug)]
pub struct ShadowStep {
    /// Deliveries that are done.
    pub done: u64,
    /// Deliveries of the run.
    pub total: u64,
    /// The one that was done last; none at the start, and for those that cannot run again.
    pub rerun: Option<Box<Rerun>>,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShadowEnd {
    /// Deliveries of the window.
    pub total: u64,
    /// Deliveries that ran again.
    pub ran: u64,
    /// Deliveries whose event or record is not kept any more.
    pub gone: u64,
    /// Deliveries that had failed for a reason of the host's own: no version could have done better.
    pub hosts_own: u64,
    /// Why not all of them ran.
    pub cut: Option<Cut>,
    /// Why the state could not be migrated, so that none ran.
    pub migration_failure: Option<Failure>,
}

/// Why a run ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Its time was up.
    Time,
    /// Its deliveries wrote more than a run keeps in memory.
    State,
    /// The host stops.
    Stopping,
}

impl Engine {
    /// Forgets code that was loaded for a run and that no installation can go back to.
    pub fn forget_candidates(&self) {
        self.shared.generations.keep_only(&self.shared.store.installations());
    }

    /// An installation's time zone at its rooftop.
    #[must_use]
    pub fn time_zone(&self, installation: &Installation) -> crate::model::delivery::zone::TimeZone {
        self.shared.time_zone(&installation.rooftop)
    }

    /// Runs recorded deliveries again and hands each to `on`. Waits for a run that is on. Dropping the future ends it.
    pub async fn shadow(
        &self,
        ask: ShadowAsk,
        on: &mut (dyn FnMut(ShadowStep) + Send),
    ) -> Result<ShadowEnd, StoreError> {
        let until = Instant::now() + ask.time.min(TIME_MAX);
        // Never closed. Waiting counts too: whoever wants to upgrade must not wait for somebody's long run.
        let Ok(_turn) = tokio::time::timeout_at(until.into(), self.shared.shadow_turn.acquire()).await else {
            return Ok(ShadowEnd { cut: Some(Cut::Time), ..ShadowEnd::default() });
        };
        let mut run = Run::prepare(&self.shared, ask, None).await?;
        let mut end = ShadowEnd { total: run.total(), ..ShadowEnd::default() };
        on(ShadowStep { done: 0, total: end.total, rerun: None });
        if let Err(failure) = run.migrate().await {
            end.migration_failure = Some(failure);
            return Ok(end);
        }
        for step in std::mem::take(&mut run.window.steps) {
            end.cut = match () {
                () if self.stop.is_cancelled() => Some(Cut::Stopping),
                () if Instant::now() >= until => Some(Cut::Time),
                () => None,
            };
            if end.cut.is_some() {
                break;
            }
            let place = match step {
                Step::Apply(place) => {
                    run.apply(place)?;
                    continue;
                }
                Step::Run(place) => place,
            };
            let rerun = run.rerun(place, &mut end).await?;
            let done = end.ran + end.gone + end.hosts_own;
            on(ShadowStep { done, total: end.total, rerun: rerun.map(Box::new) });
            if run.written > WRITTEN_BYTES_MAX {
                end.cut = Some(Cut::State);
                break;
            }
            // Whoever delivers for real goes first.
            tokio::task::yield_now().await;
        }
        Ok(end)
    }

    /// Runs one recorded delivery again. None if it is not kept any more.
    ///
    /// It runs twice: first to see what state it reads, then on the state as it was for these keys.
    pub async fn replay(
        &self,
        installation: Arc<Installation>,
        loaded: Arc<Loaded>,
        place: RecordingPlace,
        strictness: Strictness,
    ) -> Result<Option<Rerun>, StoreError> {
        // Never closed, so there is always a permit in the end.
        let _turn = self.shared.replay_turn.acquire().await;
        let mut reads = ReadSet::default();
        let mut last = None;
        // What it reads may follow from what it read: a few rounds, until nothing new is asked for.
        for _ in 0..4 {
            let ask = ShadowAsk {
                installation: installation.clone(),
                loaded: loaded.clone(),
                which: Which::One(place),
                strictness,
                from_schema: None,
                time: Duration::MAX,
            };
            let mut run = Run::prepare(&self.shared, ask, Some(reads.clone())).await?;
            last = run.rerun(place, &mut ShadowEnd::default()).await?;
            if last.is_none() || !add(&mut reads, &run.reads) {
                break;
            }
        }
        Ok(last)
    }
}

/// Adds what was read; true if some of it is new.
fn add(reads: &mut ReadSet, more: &ReadSet) -> bool {
    let before = (reads.keys.len(), reads.scans.len());
    reads.keys.extend(more.keys.iter().cloned());
    for scan in &more.scans {
        if !reads.scans.iter().any(|known| known.prefix == scan.prefix) {
            reads.scans.push(scan.clone());
        }
    }
    before != (reads.keys.len(), reads.scans.len())
}

/// One run at work.
struct Run {
    shared: Arc<Shared>,
    ask: ShadowAsk,
    window: Window,
    state: Arc<PastState>,
    /// Timers as this run has set and cancelled them.
    timers: HashMap<String, Option<Timestamp>>,
    /// Keys of requests that this run wrote.
    requests: HashSet<String>,
    written: usize,
    /// The active generation when the run began.
    generation: Option<Generation>,
    /// What the last delivery read.
    reads: ReadSet,
}

impl Run {
    async fn prepare(shared: &Arc<Shared>, ask: ShadowAsk, only: Option<ReadSet>) -> Result<Self, StoreError> {
        let id = ask.installation.id;
        // Before anything is read: from here on, what deliveries replace is kept.
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

    fn total(&self) -> u64 {
        let runs = self.window.steps.iter().filter(|step| matches!(step, Step::Run(_)));
        u64::try_from(runs.count()).unwrap_or(u64::MAX)
    }

    /// Has the state of before the first delivery rewritten, where the code keeps state of another schema.
    async fn migrate(&mut self) -> Result<(), Failure> {
        let Some(from_schema) = self.ask.from_schema else { return Ok(()) };
        let installation = &self.ask.installation;
        let info = DeliveryInfo {
            installation: installation.name.clone(),
            generation: installation.active.generation,
            position: Position(0),
            attempt: 0,
            time: self.shared.clock.now(),
            rooftop: installation.rooftop.clone(),
            time_zone: self.shared.time_zone(&installation.rooftop),
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

    /// Lets a delivery that does not run again have had its effects.
    fn apply(&mut self, place: RecordingPlace) -> Result<(), StoreError> {
        if let Some(changes) = self.shared.store.recorded_changes(place)? {
            self.written = self.state.write(changes.state_writes);
            self.timers.extend(changes.timers);
            self.requests.extend(changes.requests);
        }
        Ok(())
    }

    async fn rerun(&mut self, place: RecordingPlace, end: &mut ShadowEnd) -> Result<Option<Rerun>, StoreError> {
        let store = &self.shared.store;
        let (recorded, stored) = (store.recorded(place)?, store.event(place.position)?);
        let (Some(mut recorded), Some(stored)) = (recorded, stored) else {
            end.gone += 1;
            return Ok(None);
        };
        if recorded.outcome.as_ref().err().is_some_and(is_hosts_own) {
            end.hosts_own += 1;
            return Ok(None);
        }
        let now_active = store.installation_by_id(self.ask.installation.id).map(|known| known.active.generation);
        if now_active != self.generation {
            // Whoever swapped may have migrated or restored state.
            self.state.distrust_present();
        }
        let event = stored.event;
        let look_ups = Arc::new(RecordedLookUps::new(recorded.exchanges.clone()));
        let info = self.info(&recorded);
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
            self.settle(effects, &mut recorded, place.position)?;
        }
        let differences = compare::compare(&recorded.outcome, &outcome, self.ask.strictness);
        if let Ok(effects) = &outcome {
            self.take(effects);
        }
        self.reads = called.trace.reads;
        end.ran += 1;
        Ok(Some(Rerun {
            event,
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

    /// The generation's number too is the recorded one: a connector may look at it.
    fn info(&self, recorded: &RecordedDelivery) -> DeliveryInfo {
        let installation = &self.ask.installation;
        DeliveryInfo {
            installation: installation.name.clone(),
            generation: recorded.generation,
            position: recorded.position,
            attempt: recorded.attempt,
            time: recorded.time,
            rooftop: installation.rooftop.clone(),
            time_zone: self.shared.time_zone(&installation.rooftop),
            dry_run: true,
        }
    }

    /// Does with the effects what the committer does before it writes them: timers that are not set are not cancelled,
    /// and what was emitted or sent before is dropped.
    fn settle(
        &self,
        effects: &mut Effects,
        recorded: &mut RecordedDelivery,
        position: Position,
    ) -> Result<(), StoreError> {
        let time = recorded.time;
        let Ok(before) = &mut recorded.outcome else { return Ok(()) };
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
        self.add_repeated(effects, before, position)
    }

    /// An event that was in the log already is not in the recording: the delivery had run before. It is the recorded one.
    fn add_repeated(
        &self,
        effects: &Effects,
        before: &mut RecordedEffects,
        position: Position,
    ) -> Result<(), StoreError> {
        let store = &self.shared.store;
        for (index, event) in effects.emitted.iter().enumerate() {
            let is_known = |known: &Event| known.id == event.id && known.source == event.source;
            if before.emitted.iter().any(is_known) {
                continue;
            }
            let Some(place) = store.position_of(&event.source, &event.id)? else { continue };
            let Some(stored) = store.event(place)? else { continue };
            if stored.cause.is_some_and(|cause| cause.position == position) {
                before.emitted.insert(index.min(before.emitted.len()), stored.event);
            }
        }
        Ok(())
    }

    /// Whether a timer was set at a time: by this run, by a delivery before it, or by one that nobody remembers.
    fn is_timer_set(&self, key: &str, time: Timestamp) -> Result<bool, StoreError> {
        if let Some(due) = self.timers.get(key).or_else(|| self.window.timers.get(key)) {
            return Ok(due.is_some_and(|due| due > time));
        }
        let now = self.shared.store.timer_set(self.ask.installation.id, key)?;
        Ok(now.is_some_and(|(due, set_by)| due > time && !self.window.positions.contains(&set_by)))
    }

    /// Lets the next deliveries of the run find what this one did.
    fn take(&mut self, effects: &Effects) {
        self.written = self.state.write(effects.state_writes.clone());
        self.timers.extend(effects.timers_cancelled.iter().map(|key| (key.clone(), None)));
        self.timers.extend(effects.timers_set.iter().map(|(key, timer)| (key.clone(), Some(timer.at))));
        self.requests.extend(effects.outbox.iter().map(|request| request.key.clone()));
    }
}

/// The last recorded attempt at an event, or a given one.
pub fn attempt_of(places: &[RecordingPlace], attempt: Option<u32>) -> Option<RecordingPlace> {
    let moment = |place: &&RecordingPlace| -> Moment { place.at };
    match attempt {
        Some(wanted) => places.iter().copied().find(|place| place.attempt == wanted),
        None => places.iter().max_by_key(moment).copied(),
    }
}
