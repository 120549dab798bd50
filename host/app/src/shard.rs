//! One open data folder: its store, and the engine that delivers from it while the host runs. Every use case is a
//! method of [`Shard`], in the folder of its noun.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use handoff_config::Config;
use handoff_control::host::status::HostState;
use handoff_engine::{Engine, EngineParts, Tally};
use handoff_ingress::verify::Verifier;
use handoff_model::installation::Installation;
use handoff_model::names::{Generation, InstallationId, InstallationName};
use handoff_model::time::Timestamp;
use handoff_policy::ingress::IngressSettings;
use handoff_store::{Store, StoreOptions};

use crate::error::AppError;
use crate::events::repeats::Repeats;
use crate::hooks::record::HookRecords;
use crate::incidents::FolderStates;
use crate::incidents::keeper::Keeper;
use crate::installations::approval::ShadowFailures;
use crate::packages::Packages;
use crate::ports::{Components, Out};
use crate::process::Process;
use crate::registry::failure_counts::FailureCounts;

/// How long shutdown waits for the last checkpoint.
const CLOSE_PATIENCE: Duration = Duration::from_secs(30);

/// An open data folder.
pub struct Shard {
    pub(crate) process: Arc<Process>,
    pub(crate) store: Store,
    pub(crate) packages: Packages,
    /// `None` while the host is stopped.
    engine: Option<Engine>,
    /// Serializes changes of installations, so that the checks of a change still hold when it is made.
    pub(crate) changes: tokio::sync::Mutex<()>,
    pub(crate) shadow_failures: ShadowFailures,
    pub(crate) verifiers: Mutex<HashMap<InstallationId, (Generation, Arc<Verifier>)>>,
    /// What the host finds wrong.
    pub(crate) conditions: Mutex<Keeper>,
    /// Troubles of watched folders.
    pub(crate) folders: FolderStates,
    /// Webhooks that were accepted and refused since the start.
    pub(crate) hooks: HookRecords,
    /// Ids that came again with another body.
    pub(crate) repeats: Repeats,
    /// What publishers were told.
    pub(crate) failure_counts: FailureCounts,
    /// One scrape of metrics at a time.
    pub(crate) scrapes: tokio::sync::Mutex<()>,
    stopping: AtomicBool,
}

impl Shard {
    /// Opens the data folder, recovers, and starts deliveries. `seed` seeds the jitter of retries.
    pub async fn start(process: Arc<Process>, seed: u64) -> Result<Arc<Self>, AppError> {
        let store = open(&process.config).await?;
        // This process holds the store's lock, so no other process is writing: temporary files belong to killed
        // processes.
        let data = process.config.data.clone();
        blocking(move || crate::leftovers::remove(&data)).await?;
        Self::over(store, process, seed)
    }

    /// Starts deliveries from an open store.
    pub fn over(store: Store, process: Arc<Process>, seed: u64) -> Result<Arc<Self>, AppError> {
        let machinery = process.machinery.as_ref().ok_or(AppError::HostStopped)?;
        let config = &process.config;
        // Before anything is sent.
        crate::gates::restore(&store, &machinery.egress)?;
        let engine = Engine::start(EngineParts {
            store: store.clone(),
            code: Arc::new(Components { runtime: machinery.runtime.clone(), packages: Packages::of(&store) }),
            egress: Arc::new(Out(machinery.egress.clone())),
            clock: process.clock.clone(),
            seed,
            limits: config.engine_limits,
            zones: config.zones(),
            retention: (u64::from(config.retention.days).saturating_mul(86_400_000), config.retention.bytes),
        });
        let shard = Arc::new(Self::new(process, store, Some(engine)));
        shard.conditions.lock().restore(shard.store.incidents()?);
        let (changes, clock) = (shard.store.wakeups().installations(), shard.process.clock.clone());
        tokio::spawn(crate::installations::probation::run(Arc::downgrade(&shard), changes, clock));
        Ok(shard)
    }

    /// A shard of a stopped host: delivers nothing.
    pub fn stopped(store: Store, process: Arc<Process>) -> Arc<Self> {
        Arc::new(Self::new(process, store, None))
    }

    fn new(process: Arc<Process>, store: Store, engine: Option<Engine>) -> Self {
        Self {
            packages: Packages::of(&store),
            process,
            store,
            engine,
            changes: tokio::sync::Mutex::default(),
            shadow_failures: ShadowFailures::default(),
            verifiers: Mutex::default(),
            conditions: Mutex::default(),
            folders: FolderStates::default(),
            hooks: HookRecords::default(),
            repeats: Repeats::default(),
            failure_counts: FailureCounts::default(),
            scrapes: tokio::sync::Mutex::default(),
            stopping: AtomicBool::new(false),
        }
    }

    /// Cancels long runs that clients wait for, so that their connections end before shutdown.
    pub fn prepare_to_stop(&self) {
        if let Some(engine) = &self.engine {
            engine.end_shadows();
        }
    }

    /// Stops accepting, finishes or returns running deliveries, makes everything durable, and closes the store. The
    /// data folder can be opened again afterwards.
    pub async fn stop(self: Arc<Self>) {
        // While it still stores: a stopped host shows the conditions that were open when it stopped.
        if self.engine.is_some() {
            self.watch_conditions().await;
        }
        self.stopping.store(true, Ordering::Relaxed);
        if let Some(engine) = &self.engine {
            engine.drain().await;
        }
        match Arc::try_unwrap(self) {
            Ok(shard) => {
                let store = shard.store;
                drop(shard.engine);
                // Off the async threads, because it waits for the last checkpoint.
                if tokio::time::timeout(CLOSE_PATIENCE, blocking(move || store.close())).await.is_err() {
                    tracing::warn!("the last checkpoint takes too long; the next start replays the journal");
                }
            }
            Err(_) => tracing::warn!("requests are still running; the next start replays the journal"),
        }
    }

    /// Closes the store of a stopped host. Waits for its last checkpoint.
    pub fn close(self) {
        self.store.close();
    }

    /// The process of this shard.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Whether the shard accepts work.
    #[must_use]
    pub fn state(&self) -> HostState {
        match (self.store.stopped(), &self.engine) {
            (_, None) => HostState::Stopped,
            _ if self.is_stopping() => HostState::Stopping,
            (Some(_), _) => HostState::Failed,
            _ if self.store.blocked().is_some() => HostState::Blocked,
            (None, _) => HostState::Ready,
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// The engine, or an error if the host is stopped.
    pub(crate) fn engine(&self) -> Result<&Engine, AppError> {
        self.engine.as_ref().ok_or(AppError::HostStopped)
    }

    /// Returns an error if the host is stopped.
    pub fn require_running(&self) -> Result<(), AppError> {
        self.engine().map(drop)
    }

    /// Number of running deliveries of an installation.
    pub(crate) fn in_flight(&self, id: InstallationId) -> u64 {
        self.engine.as_ref().map_or(0, |engine| u64::from(engine.in_flight(id)))
    }

    /// Failed attempts and attempts to send of an installation since the start.
    pub(crate) fn tally(&self, id: InstallationId) -> Tally {
        self.engine.as_ref().map(|engine| engine.tally(id)).unwrap_or_default()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.process.clock.now()
    }

    pub(crate) fn find(&self, name: &InstallationName) -> Result<Arc<Installation>, AppError> {
        self.store.installation(name).ok_or_else(|| AppError::no_installation(name))
    }
}

/// Opens the store of a configuration.
async fn open(config: &Config) -> Result<Store, AppError> {
    let options = store_options(config);
    Ok(blocking(move || Store::open(options)).await??)
}

/// The settings for events from outside.
pub(crate) fn ingress_settings(installation: &Installation) -> Result<IngressSettings, AppError> {
    IngressSettings::from_json(&installation.active.content.ingress_json)
        .map_err(|error| AppError::Internal(format!("the settings of `{}` cannot be read: {error}", installation.name)))
}

/// The folder and size limits of the store, from the configuration. Also for a stopped host.
#[must_use]
pub fn store_options(config: &Config) -> StoreOptions {
    let mut options = StoreOptions::new(&config.data);
    options.segment_bytes = config.store_limits.segment_bytes;
    options.buffer_bytes = config.store_limits.buffer_bytes;
    options.inline_body_bytes = config.store_limits.inline_body_bytes;
    options.groups = config.members();
    let scopes = u64::try_from(config.rooftops.len().saturating_add(config.groups.len())).unwrap_or(u64::MAX).max(1);
    options.scope_queue_entries_max = (config.engine_limits.queue_entries_max / scopes).max(1);
    options.installation_queue_entries_max = config.engine_limits.installation_queue_entries_max;
    options.installation_timers_max = config.engine_limits.installation_timers_max;
    options.installation_outbox_pending_max = config.engine_limits.installation_outbox_pending_max;
    options.installation_metrics_max = config.engine_limits.installation_metrics_max;
    options
}

/// Runs blocking work off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, AppError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| AppError::Internal(error.to_string()))
}
