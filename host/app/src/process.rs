//! Shared parts of a host process: configuration, clock, secrets, egress, runtime. Serves its shards but knows none of
//! them.

use std::collections::BTreeMap;
use std::sync::Arc;

use handoff_registry_client::KnownIndexes;
use subtle::ConstantTimeEq as _;
use url::Url;

use handoff_config::Config;
use handoff_egress::Egress;
use handoff_model::time::{Clock, Timestamp};
use handoff_policy::egress::EgressOptions;
use handoff_policy::secrets::Secrets;
use handoff_runtime::{CompilerCommand, Runtime, RuntimeOptions};

use crate::error::AppError;
use crate::test_clock::TestClock;

/// Everything that the shards of a process share.
pub struct Process {
    pub(crate) config: Config,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) secrets: Secrets,
    /// Verified package indexes that registries have served.
    pub(crate) indexes: KnownIndexes,
    /// What deliveries need. `None` while the host is stopped: then stores are read and changed, but nothing is
    /// delivered.
    pub(crate) machinery: Option<Machinery>,
    /// The same clock as `clock`, if the operator asked for a manually moved one.
    test_clock: Option<Arc<TestClock>>,
    /// The runtime for long work, separate from the threads that answer control requests.
    background: tokio::runtime::Handle,
    started_at: Timestamp,
}

/// What deliveries need.
pub(crate) struct Machinery {
    pub(crate) egress: Egress,
    pub(crate) runtime: Runtime,
}

impl Process {
    /// A process that delivers. Reads certificate authorities and reserves the instance pool.
    pub fn start(config: Config, clock: Arc<dyn Clock>) -> Result<Arc<Self>, AppError> {
        Self::start_with(config, clock, BTreeMap::new())
    }

    fn start_with(
        config: Config,
        clock: Arc<dyn Clock>,
        stand_ins: BTreeMap<String, Url>,
    ) -> Result<Arc<Self>, AppError> {
        let secrets = secrets(&config, &clock)?;
        let options = EgressOptions { stand_ins, ..config.egress_options(secrets.clone()) };
        let egress = Egress::new(options, clock.clone());
        let egress = egress.map_err(|error| unavailable("egress", &error))?;
        let compiler = CompilerCommand::current_program().map_err(|error| unavailable("the compiler", &error))?;
        let runtime = Runtime::new(RuntimeOptions {
            limits: config.runtime_limits,
            call: config.call_limits,
            migration: config.migration_limits,
            cache_dir: config.data.join("code"),
            compiler,
        });
        let runtime = runtime.map_err(|error| unavailable("the runtime", &error))?;
        Ok(Self::with(config, clock, secrets, Some(Machinery { egress, runtime })))
    }

    /// A process that delivers nothing, for commands that work while the host is stopped.
    pub fn stopped(config: Config, clock: Arc<dyn Clock>) -> Result<Arc<Self>, AppError> {
        let secrets = secrets(&config, &clock)?;
        Ok(Self::with(config, clock, secrets, None))
    }

    fn with(config: Config, clock: Arc<dyn Clock>, secrets: Secrets, machinery: Option<Machinery>) -> Arc<Self> {
        Arc::new(Self {
            started_at: clock.now(),
            config,
            clock,
            secrets,
            indexes: KnownIndexes::default(),
            machinery,
            test_clock: None,
            background: tokio::runtime::Handle::current(),
        })
    }

    /// A process that delivers with a manually moved clock; requests to the hosts that `stand_ins` names go to its URLs.
    /// Only for a host that no other machine can reach.
    pub fn start_with_test_clock(
        config: Config,
        clock: Arc<TestClock>,
        stand_ins: BTreeMap<String, Url>,
    ) -> Result<Arc<Self>, AppError> {
        let addresses = [Some(config.ingress.listen), config.control.listen, config.metrics.listen];
        if addresses.into_iter().flatten().any(|address| !address.ip().is_loopback()) {
            let message = "a test clock goes with loopback listeners only: change `listen` of `[ingress]`, `[control]` and `[metrics]`";
            return Err(AppError::invalid("test-clock", message));
        }
        let mut process = Self::start_with(config, clock.clone(), stand_ins)?;
        if let Some(process) = Arc::get_mut(&mut process) {
            process.test_clock = Some(clock);
        }
        Ok(process)
    }

    /// The manually moved clock, if there is one.
    #[must_use]
    pub fn test_clock(&self) -> Option<&TestClock> {
        self.test_clock.as_deref()
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The runtime for long work, separate from the threads that answer control requests.
    #[must_use]
    pub fn background(&self) -> &tokio::runtime::Handle {
        &self.background
    }

    /// When the process started to deliver. `None` while the host is stopped.
    pub(crate) fn started_at(&self) -> Option<Timestamp> {
        self.machinery.as_ref().map(|_| self.started_at)
    }

    /// Whether a control client over TCP presents the correct token.
    pub async fn is_control_token(&self, presented: Option<&str>) -> bool {
        match &self.config.control.token_secret {
            Some(name) => self.is_secret(name, presented).await,
            None => false,
        }
    }

    /// Whether a scraper of the metrics listener presents the correct token, if one is required.
    pub async fn is_metrics_token(&self, presented: Option<&str>) -> bool {
        match &self.config.metrics.token_secret {
            Some(name) => self.is_secret(name, presented).await,
            None => true,
        }
    }

    /// Whether a caller presents a secret.
    pub(crate) async fn is_secret(&self, name: &str, presented: Option<&str>) -> bool {
        let Some(presented) = presented else { return false };
        match self.secrets.read(name).await {
            Ok(secret) => bool::from(secret.expose().ct_eq(presented.as_bytes())),
            Err(error) => {
                tracing::error!(%error, "a token cannot be checked");
                false
            }
        }
    }
}

fn secrets(config: &Config, clock: &Arc<dyn Clock>) -> Result<Secrets, AppError> {
    config.secrets(clock.clone()).map_err(|error| unavailable("secrets", &error))
}

pub(crate) fn unavailable(what: &str, error: &dyn std::error::Error) -> AppError {
    AppError::Unavailable { message: format!("{what} cannot be used"), cause: error.to_string() }
}
