//! The engine: takes events from their queues to the runtime, passes the outcome to the store, sends outbox requests,
//! fires timers, and deletes old log segments.
//!
//! Decides when something is tried and when it is given up. Decides nothing about what is durable: the store does.

mod crashes;
mod delivery;
mod dispatcher;
mod generations;
mod migration;
mod outbox;
mod ports;
pub mod probation;
mod retention;
mod retry;
mod rollback_jobs;
mod running;
mod sends;
pub mod shadow;
mod tallies;
#[cfg(test)]
mod tests;
mod timers;
mod work;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::SeedableRng as _;
use rand_chacha::ChaCha12Rng;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use generations::Loaded;
pub use outbox::idempotency_key;
pub use ports::{Code, CodeSource, LoadError, Outbound};
pub use rollback_jobs::Finished;
pub use tallies::{ComponentTally, SendTally, Tally};
pub use work::{Leaving, Quiet};

use handoff_model::delivery::zone::TimeZone;
use handoff_model::installation::{GenerationContent, Installation};
use handoff_model::limits::EngineLimits;
use handoff_model::names::{Generation, InstallationId};
use handoff_model::scope::Scope;
use handoff_model::time::{Clock, Timestamp};
use handoff_store::{Store, StoreError};

use generations::Generations;
use rollback_jobs::RollbackJobs;
use sends::Sends;
use work::AllWork;

/// How long deliveries may continue after a request to stop them.
pub const QUIET_PATIENCE: Duration = Duration::from_millis(250);

/// What the engine works with.
pub struct EngineParts {
    /// The store.
    pub store: Store,
    /// The source of the code of generations.
    pub code: Arc<dyn CodeSource>,
    /// Sends outgoing requests.
    pub egress: Arc<dyn Outbound>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Seeds the jitter of retries.
    pub seed: u64,
    /// Limits.
    pub limits: EngineLimits,
    /// Time zones of the rooftops and groups.
    pub zones: BTreeMap<Scope, TimeZone>,
    /// How long the log is kept, in milliseconds and bytes.
    pub retention: (u64, u64),
}

/// What all tasks of the engine share.
struct Shared {
    store: Store,
    egress: Arc<dyn Outbound>,
    clock: Arc<dyn Clock>,
    random: Mutex<ChaCha12Rng>,
    limits: EngineLimits,
    zones: BTreeMap<Scope, TimeZone>,
    generations: Generations,
    retention: (u64, u64),
    work: AllWork,
    sends: Sends,
    /// Lets shadow runs see the values that live deliveries replace.
    taps: shadow::Taps,
    tallies: tallies::Tallies,
    probations: probation::Probations,
    trips: Arc<probation::Trips>,
    /// Allows one shadow run at a time.
    shadow_turn: tokio::sync::Semaphore,
    rollback_jobs: RollbackJobs,
    /// Allows one replay at a time.
    replay_turn: tokio::sync::Semaphore,
}

/// The running engine.
pub struct Engine {
    shared: Arc<Shared>,
    stop: CancellationToken,
    /// Ends shadow runs; they end before everything else.
    shadows_stop: CancellationToken,
    tasks: tokio::sync::Mutex<JoinSet<()>>,
}

impl Engine {
    /// Starts all tasks.
    #[must_use]
    pub fn start(parts: EngineParts) -> Self {
        let shared = Arc::new(Shared {
            generations: Generations::new(parts.code),
            store: parts.store,
            egress: parts.egress,
            clock: parts.clock,
            random: Mutex::new(ChaCha12Rng::seed_from_u64(parts.seed)),
            limits: parts.limits,
            zones: parts.zones,
            retention: parts.retention,
            work: AllWork::default(),
            sends: Sends::default(),
            taps: shadow::Taps::default(),
            tallies: tallies::Tallies::default(),
            probations: probation::Probations::default(),
            trips: Arc::default(),
            shadow_turn: tokio::sync::Semaphore::new(1),
            rollback_jobs: RollbackJobs::default(),
            replay_turn: tokio::sync::Semaphore::new(1),
        });
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(supervise(shared.clone(), stop.clone()));
        tasks.spawn(generations::keep_previous_ready(shared.clone(), stop.clone()));
        tasks.spawn(rollback_jobs::run(shared.clone(), stop.clone()));
        tasks.spawn(outbox::run(shared.clone(), stop.clone()));
        tasks.spawn(timers::run(shared.clone(), stop.clone()));
        tasks.spawn(retention::run(shared.clone(), stop.clone()));
        tasks.spawn(probation::run(shared.clone(), stop.clone()));
        let shadows_stop = stop.child_token();
        Self { shared, stop, shadows_stop, tasks: tokio::sync::Mutex::new(tasks) }
    }

    /// Compiles and loads a generation's component ahead of its activation.
    pub async fn load(
        &self,
        installation: &Installation,
        content: &GenerationContent,
    ) -> Result<Arc<Loaded>, LoadError> {
        self.shared.generations.load(installation.id, content).await
    }

    /// Calls a generation's `validate`, without effects.
    pub async fn validate(
        &self,
        installation: &Installation,
        loaded: &Loaded,
    ) -> Result<(), handoff_model::failure::Failure> {
        delivery::validate(&self.shared, installation, loaded).await
    }

    /// The number of an installation's deliveries in flight.
    #[must_use]
    pub fn in_flight(&self, id: InstallationId) -> u32 {
        self.shared.work.of(id).active()
    }

    /// Failed attempts and attempts to send of an installation since the start of the process.
    #[must_use]
    pub fn tally(&self, id: InstallationId) -> Tally {
        self.shared.tallies.of(id)
    }

    /// The deliveries of a component, by its digest, since the start of the process.
    #[must_use]
    pub fn component_tally(&self, digest: &str) -> ComponentTally {
        self.shared.tallies.of_component(digest)
    }

    /// Stops deliveries of an installation until the guard is dropped, and waits until none is in flight. Deliveries in
    /// flight finish under their own generation. One that does not finish within [`QUIET_PATIENCE`] is aborted and
    /// delivered again.
    pub async fn quiesce(&self, id: InstallationId) -> Quiet {
        Quiet::begin(self.shared.work.of(id), self.shared.pause(QUIET_PATIENCE)).await
    }

    /// Aborts deliveries to a generation that is about to be replaced, and starts no others until the guard is dropped.
    /// Their results would be refused anyway, and they would use CPU time that the next generation needs. They are
    /// delivered again, to the generation that is active then. Does not wait.
    pub fn leave(&self, id: InstallationId, generation: Generation) -> Leaving {
        Leaving::begin(self.shared.work.of(id), generation)
    }

    /// Aborts outgoing requests of generations that a rollback abandoned. After it returns, none of their requests
    /// leaves the host. Call it once the store has recorded the rollback. Those that were aborted may have reached their
    /// target, and are held.
    pub async fn cut_sends(&self, id: InstallationId, left: (Generation, Generation)) {
        self.shared.sends.cut(id, left).await;
    }

    /// Aborts all outgoing requests of an installation that has ended. After it returns, nothing of it leaves the host.
    pub async fn cut_all_sends(&self, id: InstallationId) {
        self.shared.sends.cut(id, (Generation(0), Generation(u64::MAX))).await;
    }

    /// Runs the job of the last rollback of an installation, or waits until it is done. Returns `None` if there was no
    /// rollback. Dropping the future does not stop the job.
    pub async fn finish_rollback_job(&self, id: InstallationId) -> Result<Option<Finished>, StoreError> {
        self.shared.finish_rollback_job(id).await
    }

    /// Starts no more deliveries and waits for those in flight. Those that do not end in time are aborted: they are
    /// still in their queues and are delivered again.
    pub async fn drain(&self) {
        self.stop.cancel();
        let mut tasks = self.tasks.lock().await;
        let is_over = tokio::select! {
            biased;
            () = async { while tasks.join_next().await.is_some() {} } => true,
            () = self.shared.pause(Duration::from_millis(self.shared.limits.drain_ms)) => false,
        };
        if !is_over {
            tracing::warn!(
                "deliveries did not end in time; they are handed back and delivered again at the next start"
            );
            tasks.shutdown().await;
        }
    }
}

/// Keeps one dispatcher running for each installation.
async fn supervise(shared: Arc<Shared>, stop: CancellationToken) {
    let mut changes = shared.store.wakeups().installations();
    let mut known = HashSet::new();
    let mut dispatchers = JoinSet::new();
    loop {
        // Those of uninstalled installations end by themselves.
        while dispatchers.try_join_next().is_some() {}
        for installation in shared.store.installations() {
            if known.insert(installation.id) {
                dispatchers.spawn(dispatcher::run(shared.clone(), installation.id, stop.clone()));
            }
        }
        shared.generations.keep_only(&shared.store.installations());
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            true = changes.changed() => {}
        }
    }
    while dispatchers.join_next().await.is_some() {}
}

impl Shared {
    fn time_zone(&self, scope: &Scope) -> TimeZone {
        self.zones.get(scope).copied().unwrap_or(TimeZone(chrono_tz::UTC))
    }

    /// Waits until a time on the host's clock, or forever if there is none.
    async fn wait_until(&self, at: Option<Timestamp>) {
        match at {
            Some(at) => self.clock.wait_until(at).await,
            None => std::future::pending().await,
        }
    }

    /// Waits for a duration on the host's clock.
    async fn pause(&self, pause: Duration) {
        let ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self.clock.wait_until(self.clock.now().plus_ms(ms)).await;
    }
}
