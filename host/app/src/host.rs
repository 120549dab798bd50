//! The running host: store, engine and ways in, put together once at the start. Each use case is a method here or in a
//! file beside this one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use handoff_registry_client::KnownIndexes;
use parking_lot::Mutex;
use subtle::ConstantTimeEq as _;

use crate::code::{Components, Out};
use crate::packages::Packages;
use handoff_config::Config;
use handoff_egress::Egress;
use handoff_engine::{Engine, EngineParts};
use handoff_ingress::hook;
use handoff_ingress::hook::HookError;
use handoff_ingress::sink::Incoming;
use handoff_ingress::verify::{Verifier, VerifyError};
use handoff_model::installation::{Installation, Pause};
use handoff_model::names::{Generation, InstallationId, InstallationName};
use handoff_model::time::{Clock, Timestamp};
use handoff_policy::ingress::IngressSettings;
use handoff_policy::secrets::{Secret, Secrets};
use handoff_runtime::{CompilerCommand, Runtime, RuntimeOptions};
use handoff_store::{Appended, NewEvent, Recipients, Store, StoreOptions};

use super::error::AppError;
use super::queries::Live;
use handoff_control::ChangeRequest;
use handoff_control::installations::InstallationView;
use handoff_control::status::HostState;

/// How long a stopping host waits for the last checkpoint.
const CLOSE_PATIENCE: Duration = Duration::from_secs(30);

/// Everything of a running host.
pub struct Host {
    pub(super) store: Store,
    pub(super) engine: Engine,
    pub(super) packages: Packages,
    pub(super) config: Config,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) secrets: Secrets,
    /// Lists of versions that registries showed and that were believed.
    pub(super) lists: KnownIndexes,
    /// One change of an installation at a time, so that checks and change belong together.
    pub(super) changes: tokio::sync::Mutex<()>,
    /// Where work goes on that nobody waits for at once: not on the threads that hear whoever takes a release back.
    pub background: tokio::runtime::Handle,
    verifiers: Mutex<HashMap<InstallationId, (Generation, Arc<Verifier>)>>,
    started_at: Timestamp,
    stopping: AtomicBool,
}

impl Host {
    /// Opens the data folder, recovers, and starts deliveries. `seed` makes the jitter of retries.
    pub async fn start(config: Config, clock: Arc<dyn Clock>, seed: u64) -> Result<Arc<Self>, AppError> {
        let options = store_options(&config);
        let store = blocking(move || Store::open(options)).await??;
        // The store's lock is held: what is half-made now was left by a process that is gone.
        let data = config.data.clone();
        blocking(move || super::leftovers::remove(&data)).await?;
        Self::over(store, config, clock, seed)
    }

    /// Starts deliveries over an open store.
    pub fn over(store: Store, config: Config, clock: Arc<dyn Clock>, seed: u64) -> Result<Arc<Self>, AppError> {
        let secrets = config.secrets(clock.clone()).map_err(|error| unavailable("secrets", &error))?;
        let egress = Egress::new(config.egress_options(secrets.clone()), clock.clone());
        let egress = egress.map_err(|error| unavailable("the way out", &error))?;
        let compiler = CompilerCommand::current_program().map_err(|error| unavailable("the compiler", &error))?;
        let runtime = Runtime::new(RuntimeOptions {
            limits: config.runtime_limits,
            call: config.call_limits,
            migration: config.migration_limits,
            cache_dir: config.data.join("code"),
            compiler,
        });
        let runtime = runtime.map_err(|error| unavailable("the runtime", &error))?;
        let packages = Packages::open(config.data.join("packages"));
        let packages = packages.map_err(|error| unavailable("the packages", &error))?;
        let engine = Engine::start(EngineParts {
            store: store.clone(),
            code: Arc::new(Components { runtime, packages: packages.clone() }),
            egress: Arc::new(Out(egress)),
            clock: clock.clone(),
            seed,
            limits: config.engine_limits,
            rooftops: config.rooftops.iter().map(|(name, rooftop)| (name.clone(), rooftop.time_zone)).collect(),
            retention: (u64::from(config.retention.days).saturating_mul(86_400_000), config.retention.bytes),
        });
        let host = Arc::new(Self {
            started_at: clock.now(),
            store,
            engine,
            packages,
            config,
            clock,
            secrets,
            lists: KnownIndexes::default(),
            changes: tokio::sync::Mutex::default(),
            background: tokio::runtime::Handle::current(),
            verifiers: Mutex::default(),
            stopping: AtomicBool::new(false),
        });
        let (changes, clock) = (host.store.signals().installations(), host.clock.clone());
        tokio::spawn(super::probation::run(Arc::downgrade(&host), changes, clock));
        Ok(host)
    }

    /// Ends what somebody waits for and what may take long, so that connections end: the host is about to stop.
    pub fn is_about_to_stop(&self) {
        self.engine.end_shadows();
    }

    /// Takes nothing more, lets deliveries end or hands them back, and makes everything durable.
    pub async fn stop(self: Arc<Self>) {
        self.stopping.store(true, Ordering::Relaxed);
        self.engine.drain().await;
        match Arc::try_unwrap(self) {
            Ok(host) => {
                let store = host.store;
                drop(host.engine);
                // Off the async threads: it waits for the last checkpoint.
                if tokio::time::timeout(CLOSE_PATIENCE, blocking(move || store.close())).await.is_err() {
                    tracing::warn!("the last checkpoint takes too long; the next start replays the journal");
                }
            }
            Err(_) => tracing::warn!("requests are still at work; the next start replays the journal"),
        }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The time.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// What only the running host knows.
    #[must_use]
    pub fn live(&self) -> Live {
        let in_flight =
            |installation: &Arc<Installation>| (installation.id, u64::from(self.engine.in_flight(installation.id)));
        let is_stopping = self.stopping.load(Ordering::Relaxed);
        Live {
            state: match self.store.stopped() {
                _ if is_stopping => HostState::Stopping,
                Some(_) => HostState::Failed,
                None => HostState::Ready,
            },
            started_at: Some(self.started_at),
            lists_since: self.config.recalls.lists_since(self.clock.now()),
            in_flight: self.store.installations().iter().map(in_flight).collect(),
        }
    }

    /// Takes events; durable on return.
    pub async fn accept(&self, events: Vec<Incoming>) -> Result<Vec<Appended>, AppError> {
        if self.stopping.load(Ordering::Relaxed) {
            return Err(AppError::Stopping);
        }
        let mut new = Vec::with_capacity(events.len());
        for Incoming { to, event } in events {
            let to = match to {
                None => Recipients::Subscribers,
                Some(name) => Recipients::Installation(self.find(&name)?.id),
            };
            new.push(NewEvent { event, to });
        }
        Ok(self.store.append(new, self.clock.now(), None).await?)
    }

    /// Whether webhooks go to an installation of this name.
    pub fn takes_hooks(&self, name: &InstallationName) -> Result<bool, AppError> {
        let Some(installation) = self.store.installation(name) else { return Ok(false) };
        match self.verifier(&installation) {
            Ok(_) => Ok(true),
            Err(AppError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Verifies a webhook and takes it; durable on return.
    pub async fn hook(
        &self,
        name: &InstallationName,
        headers: &http::HeaderMap,
        body: bytes::Bytes,
    ) -> Result<Appended, AppError> {
        let installation = self.find(name)?;
        let verifier = self.verifier(&installation)?;
        let mut secrets = Vec::new();
        for secret in verifier.hook().secrets() {
            secrets.push(self.secrets.read(secret).await.map_err(|error| unavailable("verification", &error))?);
        }
        let bytes: Vec<&[u8]> = secrets.iter().map(Secret::expose).collect();
        let most = self.config.ingress.hook_body_bytes;
        let event =
            hook::receive(name, &verifier, &bytes, headers, &body, most, self.clock.now()).map_err(not_taken)?;
        let appended = self.accept(vec![Incoming { to: Some(name.clone()), event }]).await?;
        appended.first().copied().ok_or_else(|| AppError::Internal("the store answered nothing".to_owned()))
    }

    /// Pauses or resumes deliveries to an installation.
    pub async fn set_paused(
        &self,
        name: &InstallationName,
        pause: bool,
        change: ChangeRequest,
    ) -> Result<InstallationView, AppError> {
        let at = self.clock.now();
        let paused = pause.then(|| Pause::by(&change.by, change.reason.as_deref(), at));
        self.store.set_paused(name.clone(), paused, change.by, at).await?;
        super::queries::installations::installation(&self.store, &self.config, &self.live(), name)
    }

    /// Whether a control client over TCP shows the right token.
    pub async fn is_control_token(&self, presented: Option<&str>) -> bool {
        match &self.config.control.token_secret {
            Some(name) => self.is_secret(name, presented).await,
            None => false,
        }
    }

    /// Whether a sender of events shows the right token, if one is asked for.
    pub async fn is_events_token(&self, presented: Option<&str>) -> bool {
        match &self.config.ingress.events_token_secret {
            Some(name) => self.is_secret(name, presented).await,
            None => true,
        }
    }

    async fn is_secret(&self, name: &str, presented: Option<&str>) -> bool {
        let Some(presented) = presented else { return false };
        match self.secrets.read(name).await {
            Ok(secret) => bool::from(secret.expose().ct_eq(presented.as_bytes())),
            Err(error) => {
                tracing::error!(%error, "a token cannot be checked");
                false
            }
        }
    }

    pub(super) fn find(&self, name: &InstallationName) -> Result<Arc<Installation>, AppError> {
        self.store.installation(name).ok_or_else(|| AppError::no_installation(name))
    }

    fn verifier(&self, installation: &Installation) -> Result<Arc<Verifier>, AppError> {
        let generation = installation.active.generation;
        if let Some((known, verifier)) = self.verifiers.lock().get(&installation.id)
            && *known == generation
        {
            return Ok(verifier.clone());
        }
        let settings = ways_in(installation)?;
        // As for a name that nobody has: names are not for guessing.
        let what = || AppError::NotFound { what: "webhook at this path".to_owned() };
        let verifier = Arc::new(Verifier::new(settings.hook.ok_or_else(what)?));
        self.verifiers.lock().insert(installation.id, (generation, verifier.clone()));
        Ok(verifier)
    }
}

/// How events reach an installation.
pub(super) fn ways_in(installation: &Installation) -> Result<IngressSettings, AppError> {
    IngressSettings::from_json(&installation.active.content.ingress_json)
        .map_err(|error| AppError::Internal(format!("the settings of `{}` cannot be read: {error}", installation.name)))
}

fn not_taken(error: HookError) -> AppError {
    match error {
        HookError::Verify(VerifyError::Unable { problem }) => {
            AppError::Unavailable { message: "webhooks cannot be verified at the moment".to_owned(), cause: problem }
        }
        HookError::Verify(error) => AppError::Unauthorized { message: error.to_string() },
        HookError::TooLarge { .. } => AppError::TooLarge { message: error.to_string() },
        HookError::Event(error) => AppError::invalid(error.attribute.clone(), error.to_string()),
    }
}

/// Where and how large the store is, after the configuration. Also for a store whose host is stopped.
#[must_use]
pub fn store_options(config: &Config) -> StoreOptions {
    let mut options = StoreOptions::new(&config.data);
    options.segment_bytes = config.store_limits.segment_bytes;
    options.buffer_bytes = config.store_limits.buffer_bytes;
    options.inline_body_bytes = config.store_limits.inline_body_bytes;
    options.queue_entries_max = config.engine_limits.queue_entries_max;
    options.installation_queue_entries_max = config.engine_limits.installation_queue_entries_max;
    options.installation_timers_max = config.engine_limits.installation_timers_max;
    options.installation_outbox_pending_max = config.engine_limits.installation_outbox_pending_max;
    options.installation_metrics_max = config.engine_limits.installation_metrics_max;
    options
}

/// Runs blocking work off the async threads.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, AppError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| AppError::Internal(error.to_string()))
}

fn unavailable(what: &str, error: &dyn std::error::Error) -> AppError {
    AppError::Unavailable { message: format!("{what} cannot work"), cause: error.to_string() }
}
