//! From bytes to prepared code: checks, cache, compiler process, linking. Also the entry point for calls.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use super::bindings::ConnectorPre;
use super::cache::{CodeCache, deserialize};
use super::call::{Export, run};
use super::compiler::{CompilerCommand, compile};
use super::convert::event_to_guest;
use super::engine::{DRY_SLOTS, EpochTicker, Purpose, engine};
use super::error::RuntimeError;
use super::host_state::{HostState, add_to_linker};
use handoff_model::call::{Call, Called};
use handoff_model::event::Event;
use handoff_model::limits::{CallLimits, MigrationLimits, RuntimeLimits};
use handoff_policy::component::Class;

/// Options of a runtime.
#[derive(Clone, Debug)]
pub struct RuntimeOptions {
    /// Limits of the whole runtime.
    pub limits: RuntimeLimits,
    /// Limits of one call.
    pub call: CallLimits,
    /// Limits of a call of `migrate`.
    pub migration: MigrationLimits,
    /// Folder of compiled code. Created if missing; needs no backup.
    pub cache_dir: PathBuf,
    /// How components are compiled.
    pub compiler: CompilerCommand,
}

/// Prepares and runs connectors. Cheap to clone; dropping the last clone (or [`Prepared`]) stops its thread.
#[derive(Clone)]
pub struct Runtime {
    shared: Arc<Shared>,
}

struct Shared {
    small: Pool,
    large: Pool,
    limits: RuntimeLimits,
    call: CallLimits,
    migration: MigrationLimits,
    cache: CodeCache,
    compiler: CompilerCommand,
    /// One compiler process at a time: its memory limit is the host's limit.
    compiling: Semaphore,
    /// Components in use, so that installations of one connector share its code.
    prepared: Mutex<HashMap<String, Weak<Linked>>>,
    _ticker: EpochTicker,
}

/// The engine of a class, with its pool of instances.
struct Pool {
    engine: Engine,
    linker: Linker<HostState>,
    /// Slots of the pool. A call without a free slot waits here, before its deadline starts.
    slots: Semaphore,
    /// Slots for dry runs, separate so that dry runs do not delay deliveries.
    dry_slots: Semaphore,
}

impl Pool {
    fn new(class: Class, instances: u32, options: &RuntimeOptions) -> wasmtime::Result<Self> {
        let engine = engine(&Purpose::Run(class, &options.limits, &options.call))?;
        let mut linker = Linker::new(&engine);
        add_to_linker(&mut linker)?;
        let slots = Semaphore::new(usize::try_from(instances.max(1)).unwrap_or(1));
        let dry_slots = Semaphore::new(usize::try_from(DRY_SLOTS).unwrap_or(1));
        Ok(Self { engine, linker, slots, dry_slots })
    }
}

/// A linked component and the class whose engine holds its code.
struct Linked {
    class: Class,
    connector: ConnectorPre<HostState>,
}

/// One component, compiled and linked: a call creates an instance of it in microseconds. Cheap to clone.
#[derive(Clone)]
pub struct Prepared {
    shared: Arc<Shared>,
    linked: Arc<Linked>,
}

impl Runtime {
    /// Reserves the pools, opens the folder of compiled code and starts the epoch thread.
    pub fn new(options: RuntimeOptions) -> Result<Self, RuntimeError> {
        let problem = |error: String| RuntimeError::Engine { problem: error };
        let pool =
            |class, instances| Pool::new(class, instances, &options).map_err(|error| problem(format!("{error:#}")));
        let small = pool(Class::Small, options.limits.instances)?;
        let large = pool(Class::Large, options.limits.large_instances)?;
        let tick = Duration::from_millis(options.call.yield_after_ms.max(1));
        let ticker =
            EpochTicker::start([&small.engine, &large.engine], tick).map_err(|error| problem(error.to_string()))?;
        // Code does not depend on the pool: one cache serves both.
        let cache = CodeCache::open(options.cache_dir, options.limits.code_cache_bytes, &small.engine)?;
        let shared = Shared {
            small,
            large,
            limits: options.limits,
            call: options.call,
            migration: options.migration,
            cache,
            compiler: options.compiler,
            compiling: Semaphore::new(1),
            prepared: Mutex::new(HashMap::new()),
            _ticker: ticker,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Compiles in a child process if the code is not cached, loads, links and pre-instantiates.
    ///
    /// `digest` is `sha256:<hex>` and is checked against the bytes. Takes milliseconds for cached code, and up to
    /// `compile-time-ms` otherwise. Runs no code of the component.
    pub async fn prepare(&self, digest: &str, component: &[u8]) -> Result<Prepared, RuntimeError> {
        let shared = &self.shared;
        if component.len() > shared.limits.component_bytes {
            return Err(RuntimeError::TooLarge { bytes: component.len(), limit: shared.limits.component_bytes });
        }
        let digest_hex = hex::encode(Sha256::digest(component));
        if digest.strip_prefix("sha256:") != Some(digest_hex.as_str()) {
            let expected = digest.chars().take(80).collect();
            return Err(RuntimeError::Digest { expected, found: format!("sha256:{digest_hex}") });
        }
        if let Some(linked) = shared.in_use(&digest_hex) {
            return Ok(Prepared { shared: Arc::clone(shared), linked });
        }
        let class = handoff_policy::component::check(component, &shared.call)?;
        let component = match shared.load(class, &digest_hex).await {
            Some(component) => component,
            None => shared.compile(class, &digest_hex, component).await?,
        };
        let linked = Arc::new(Linked { class, connector: shared.pool(class).link(&component)? });
        let mut prepared = shared.prepared.lock();
        prepared.retain(|_, linked| linked.strong_count() > 0);
        prepared.insert(digest_hex, Arc::downgrade(&linked));
        drop(prepared);
        Ok(Prepared { shared: Arc::clone(shared), linked })
    }
}

impl Shared {
    fn pool(&self, class: Class) -> &Pool {
        match class {
            Class::Small => &self.small,
            Class::Large => &self.large,
        }
    }

    fn in_use(&self, digest_hex: &str) -> Option<Arc<Linked>> {
        self.prepared.lock().get(digest_hex)?.upgrade()
    }

    async fn load(self: &Arc<Self>, class: Class, digest_hex: &str) -> Option<Component> {
        let (shared, digest_hex) = (Arc::clone(self), digest_hex.to_owned());
        let load = move || shared.cache.load(&shared.pool(class).engine, &digest_hex);
        tokio::task::spawn_blocking(load).await.ok().flatten()
    }

    async fn compile(
        self: &Arc<Self>,
        class: Class,
        digest_hex: &str,
        component: &[u8],
    ) -> Result<Component, RuntimeError> {
        // Never closed, so a permit always becomes available.
        let _turn = self.compiling.acquire().await;
        // Another task may have compiled it while this one waited.
        if let Some(component) = self.load(class, digest_hex).await {
            return Ok(component);
        }
        let code = compile(&self.compiler, &self.limits, component).await?;
        let (shared, digest_hex) = (Arc::clone(self), digest_hex.to_owned());
        let loaded = tokio::task::spawn_blocking(move || {
            let component = deserialize(&shared.pool(class).engine, &code).map_err(|error| problem(&error))?;
            if let Err(error) = shared.cache.store(&digest_hex, &code) {
                // It still runs; the next start compiles again.
                tracing::warn!(%error, "cannot cache compiled code");
            }
            Ok(component)
        });
        match loaded.await {
            Ok(Ok(component)) => Ok(component),
            Ok(Err(problem)) => Err(RuntimeError::Load { problem }),
            Err(error) => Err(RuntimeError::Load { problem: error.to_string() }),
        }
    }
}

impl Pool {
    fn link(&self, component: &Component) -> Result<ConnectorPre<HostState>, RuntimeError> {
        let contract = |error: wasmtime::Error| RuntimeError::Contract { problem: problem(&error) };
        let instance = self.linker.instantiate_pre(component).map_err(contract)?;
        ConnectorPre::new(instance).map_err(contract)
    }
}

impl Prepared {
    /// Delivers an event to a fresh instance.
    pub async fn handle(&self, call: Call, event: &Event) -> Called {
        self.call(call, Export::Handle(Box::new(event_to_guest(event))), self.shared.call).await
    }

    /// Checks whether the config is usable. State reads and look-ups are allowed; effects are refused, and the returned
    /// effects are empty.
    pub async fn validate(&self, call: Call) -> Called {
        self.call(call, Export::Validate, self.shared.call).await
    }

    /// Migrates state of an older schema, with its own limits. Other effects and look-ups are refused: the installation
    /// is stopped meanwhile.
    pub async fn migrate(&self, call: Call, from_schema: u32) -> Called {
        let limits = self.shared.migration.over(self.shared.call);
        self.call(call, Export::Migrate { from_schema }, limits).await
    }

    async fn call(&self, call: Call, export: Export, limits: CallLimits) -> Called {
        let pool = self.shared.pool(self.linked.class);
        // Never closed, so a permit always becomes available.
        let slots = if call.info.dry_run { &pool.dry_slots } else { &pool.slots };
        let _place = slots.acquire().await;
        run(&pool.engine, &self.linked.connector, call, export, limits).await
    }
}

/// An engine error as one bounded line.
fn problem(error: &wasmtime::Error) -> String {
    format!("{error:#}").chars().take(400).collect()
}
