//! Runs recorded deliveries again with the same event, clock, seed, attempt and answers, on another version or the
//! same. The results never take effect. Decides nothing about what a difference means.
//!
//! Deliveries run one after another, in the order of the journal. Each sees the state that the earlier ones produced
//! *in this run*: what a version writes, its later deliveries read. `shadow/window.rs` says how the state before the
//! first delivery is found; a version with another schema migrates that state first. Runs have a slot of their own in
//! the runtime's pool. One run is active at a time; one replay may be active beside it.

mod compare;
mod fields;
mod inputs;
mod run;
mod swaps;
mod window;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use handoff_model::effects::{Effects, ReadSet};
use handoff_model::event::Event;
use handoff_model::failure::Failure;
use handoff_model::installation::Installation;
use handoff_model::scope::Scope;
use handoff_store::{Moment, RecordedDelivery, RecordingPlace, StoreError};

pub use compare::{Change, Difference, Kind, Strictness};
pub use fields::{FieldChange, between_events, of_bytes, of_event, of_request, of_timer};
pub use inputs::NotRecorded;
pub(super) use inputs::Taps;
pub use window::{DELIVERIES_MAX, Which};

use super::Engine;
use super::generations::Loaded;
use run::Run;
use window::Step;

/// Most bytes that all deliveries of a run may write over the state.
const WRITTEN_BYTES_MAX: usize = 128 << 20;

/// Longest time of a run, whatever the caller asks for.
const TIME_MAX: Duration = Duration::from_secs(24 * 3_600);

/// The deliveries to run again.
pub struct ShadowAsk {
    /// The installation of the deliveries.
    pub installation: Arc<Installation>,
    /// The code that runs them.
    pub loaded: Arc<Loaded>,
    /// Which deliveries.
    pub which: Which,
    /// How closely to compare.
    pub strictness: Strictness,
    /// The schema of the state, if the code has a newer one: the run migrates a copy first.
    pub from_schema: Option<u32>,
    /// Time for all of them. A delivery that has started ends at its own deadline.
    pub time: Duration,
}

/// One delivery that ran again.
#[derive(Clone, Debug)]
pub struct Rerun {
    /// What was recorded.
    pub recorded: RecordedDelivery,
    /// The event.
    pub event: Event,
    /// The scope in which it was handled.
    pub scope: Scope,
    /// The seed of its random bytes.
    pub seed: [u8; 32],
    /// Its outcome now, without effects that the host would have dropped.
    pub outcome: Result<Effects, Failure>,
    /// How long the connector ran now, in microseconds.
    pub duration_us: u64,
    /// Where the two differ.
    pub differences: Vec<Difference>,
    /// It read state that could not be reconstructed with certainty.
    pub state_assumed: bool,
    /// Its look-ups that the recorded delivery did not make.
    pub not_recorded: NotRecorded,
    /// State that it read.
    pub read: BTreeMap<String, Option<Vec<u8>>>,
}

/// Progress of a run.
#[derive(Debug)]
pub struct ShadowStep {
    /// Deliveries that are done.
    pub done: u64,
    /// Deliveries of the run.
    pub total: u64,
    /// The delivery that was done last; none at the start, and for those that cannot run again.
    pub rerun: Option<Box<Rerun>>,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShadowEnd {
    /// Deliveries of the window.
    pub total: u64,
    /// Deliveries that ran again.
    pub ran: u64,
    /// Deliveries whose event or recording is no longer kept.
    pub gone: u64,
    /// Deliveries that had failed because of the host: no version could have succeeded.
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
    /// The host is stopping.
    Stopping,
}

impl Engine {
    /// Drops code that was loaded for a run and that no installation can roll back to.
    pub fn forget_candidates(&self) {
        self.shared.generations.keep_only(&self.shared.store.installations());
    }

    /// The time zone of a scope.
    #[must_use]
    pub fn time_zone(&self, scope: &Scope) -> handoff_model::delivery::zone::TimeZone {
        self.shared.time_zone(scope)
    }

    /// Ends all runs and lets none begin: the host is about to stop, and callers that wait for a run are notified
    /// immediately.
    pub fn end_shadows(&self) {
        self.shadows_stop.cancel();
    }

    /// Runs recorded deliveries again and passes each to `on`. Waits while another run is active. Dropping the future
    /// ends the run.
    pub async fn shadow(
        &self,
        ask: ShadowAsk,
        on: &mut (dyn FnMut(ShadowStep) + Send),
    ) -> Result<ShadowEnd, StoreError> {
        let mut end = ShadowEnd::default();
        end.cut = tokio::select! {
            biased;
            // Also in the middle of a delivery: one that hangs does so until its deadline.
            () = self.shadows_stop.cancelled() => Some(Cut::Stopping),
            cut = self.run_through(ask, on, &mut end) => cut?,
        };
        Ok(end)
    }

    /// Runs the deliveries. Returns why not all of them ran.
    async fn run_through(
        &self,
        ask: ShadowAsk,
        on: &mut (dyn FnMut(ShadowStep) + Send),
        end: &mut ShadowEnd,
    ) -> Result<Option<Cut>, StoreError> {
        let until = Instant::now() + ask.time.min(TIME_MAX);
        // The semaphore is never closed. Waiting counts too: an upgrade must not wait for another user's long run.
        let Ok(_turn) = tokio::time::timeout_at(until.into(), self.shared.shadow_turn.acquire()).await else {
            return Ok(Some(Cut::Time));
        };
        let mut run = Run::prepare(&self.shared, ask, None).await?;
        end.total = run.total();
        on(ShadowStep { done: 0, total: end.total, rerun: None });
        if let Err(failure) = run.migrate().await {
            end.migration_failure = Some(failure);
            return Ok(None);
        }
        for step in run.take_steps() {
            if Instant::now() >= until {
                return Ok(Some(Cut::Time));
            }
            let place = match step {
                Step::Apply(place) => {
                    run.apply(place)?;
                    continue;
                }
                Step::Run(place) => place,
            };
            let rerun = run.rerun(place, end).await?;
            let done = end.ran + end.gone + end.hosts_own;
            on(ShadowStep { done, total: end.total, rerun: rerun.map(Box::new) });
            if run.written() > WRITTEN_BYTES_MAX {
                return Ok(Some(Cut::State));
            }
            // Live deliveries have priority.
            tokio::task::yield_now().await;
        }
        Ok(None)
    }

    /// Runs one recorded delivery again. Returns `None` if it is no longer kept.
    ///
    /// It runs twice: first to find out which state it reads, then on the state as it was for these keys.
    pub async fn replay(
        &self,
        installation: Arc<Installation>,
        loaded: Arc<Loaded>,
        place: RecordingPlace,
        strictness: Strictness,
    ) -> Result<Option<Rerun>, StoreError> {
        // The semaphore is never closed, so a permit is always granted eventually.
        let _turn = self.shared.replay_turn.acquire().await;
        let mut reads = ReadSet::default();
        let mut last = None;
        // What it reads may depend on what it read: repeat a few times, until it reads nothing new.
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
            if last.is_none() || !add(&mut reads, run.reads()) {
                break;
            }
        }
        Ok(last)
    }
}

/// Adds what was read. Returns true if some of it is new.
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

/// The last recorded attempt at an event, or a given one.
pub fn attempt_of(places: &[RecordingPlace], attempt: Option<u32>) -> Option<RecordingPlace> {
    let moment = |place: &&RecordingPlace| -> Moment { place.at };
    match attempt {
        Some(wanted) => places.iter().copied().find(|place| place.attempt == wanted),
        None => places.iter().max_by_key(moment).copied(),
    }
}
