//! What operators write: `handoff.toml` for the host and one settings file for each installation. Read once, checked
//! as a whole, handed down as plain structs. Reads no secret: it only knows where secrets are.

mod example;
mod host;
mod json;
mod limits;
mod outside;
mod probation;
mod problem;
mod reader;
mod registries;
mod secret_source;
mod secretish;
mod settings;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use example::{example, example_settings};
pub use problem::{ConfigErrors, Place, Problem};
pub use registries::{RecallsConfig, Registries, RegistryAuth, RegistryConfig, TrustConfig, registry_place};
pub use secretish::hides;
pub use settings::{Asks, GrantRequests, HttpAsk, HttpGrantRequest, Settings, resolve_grants};

use crate::secret_source::{SecretSource, readers};
use handoff_model::delivery::zone::TimeZone;
use handoff_model::limits::{CallLimits, EngineLimits, MigrationLimits, ProbationLimits, RuntimeLimits, StoreLimits};
use handoff_model::names::{AuthProfileName, RooftopName};
use handoff_model::time::Clock;
use handoff_policy::egress::{ClientOptions, EgressOptions};
use handoff_policy::secrets::{SecretError, Secrets};

/// Everything of `handoff.toml`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The data folder: absolute if the file was loaded by its path.
    pub data: PathBuf,
    /// `[ingress]`.
    pub ingress: IngressConfig,
    /// `[control]`.
    pub control: ControlConfig,
    /// `[rooftops.NAME]`.
    pub rooftops: BTreeMap<RooftopName, Rooftop>,
    /// `[limits.call]`.
    pub call_limits: CallLimits,
    /// `[limits.migration]`.
    pub migration_limits: MigrationLimits,
    /// `[limits.runtime]`.
    pub runtime_limits: RuntimeLimits,
    /// `[limits.store]`.
    pub store_limits: StoreLimits,
    /// `[limits.engine]`.
    pub engine_limits: EngineLimits,
    /// `[retention]`.
    pub retention: Retention,
    /// `[probation]`.
    pub probation: ProbationLimits,
    /// `[log]`.
    pub log: LogConfig,
    /// `[registries.NAME]`.
    pub registries: Registries,
    /// `[trust]`.
    pub trust: TrustConfig,
    /// `[recalls]`.
    pub recalls: RecallsConfig,
    /// `[secrets.NAME]`, `[auth.NAME]`, `[hosts."NAME"]`, `[egress]`.
    outside: outside::Outside,
}

/// Where events from outside come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngressConfig {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// Name of the secret that senders to `POST /events` show as bearer token; none only on a loopback address.
    pub events_token_secret: Option<String>,
    /// Largest body of a webhook, in bytes.
    pub hook_body_bytes: usize,
    /// Largest body of `POST /events`, batches included, in bytes.
    pub events_body_bytes: usize,
    /// `[ingress.rate]`.
    pub rate: RateConfig,
}

/// How much the ingress takes from one sender before it answers 429.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateConfig {
    /// Requests a second that one client address may make in the long run.
    pub client_per_second: u32,
    /// Requests that one client address may make at once.
    pub client_burst: u32,
    /// Requests a second that one installation's webhook takes in the long run.
    pub hook_per_second: u32,
    /// Requests that one installation's webhook takes at once.
    pub hook_burst: u32,
}

/// How the host is steered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlConfig {
    /// Path of the Unix socket; who may open it is up to the file system.
    pub socket: PathBuf,
    /// A TCP address besides, only together with a token.
    pub listen: Option<SocketAddr>,
    /// Name of the secret that clients over TCP show as bearer token.
    pub token_secret: Option<String>,
}

/// A dealership location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rooftop {
    /// Its time zone.
    pub time_zone: TimeZone,
    /// What people call it.
    pub title: Option<String>,
}

/// How long handled events are kept. Whichever bound is reached first lets the oldest go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// In days.
    pub days: u32,
    /// In bytes of journal.
    pub bytes: u64,
}

/// The host's own log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// How lines are written.
    pub format: LogFormat,
    /// The least serious level that is written.
    pub level: LogLevel,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Levels of the host's own log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the levels are the well-known ones")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Config {
    /// The secrets that the file defines, none read yet.
    pub fn secrets(&self, clock: std::sync::Arc<dyn Clock>) -> Result<Secrets, SecretError> {
        Secrets::new(readers(&self.outside.secrets), clock)
    }

    /// What egress is made from, sharing these secrets.
    #[must_use]
    pub fn egress_options(&self, secrets: Secrets) -> EgressOptions {
        let outside::Outside { auth, hosts, client, .. } = self.outside.clone();
        EgressOptions { auth, secrets, hosts, client, limits: self.call_limits }
    }

    /// `[egress]`: certificate authorities count for registries too.
    #[must_use]
    pub fn client_options(&self) -> &ClientOptions {
        &self.outside.client
    }

    /// Names of the secrets that the file defines.
    pub fn secret_names(&self) -> impl Iterator<Item = &str> {
        self.outside.secrets.keys().map(String::as_str)
    }

    /// Secrets that lie in files, and where.
    pub fn secret_files(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.outside.secrets.iter().filter_map(|(name, source)| match source {
            SecretSource::File(path) => Some((name.as_str(), path.as_path())),
            SecretSource::Env(_) | SecretSource::Command(_) => None,
        })
    }

    /// Names of the auth profiles that the file defines.
    pub fn auth_names(&self) -> impl Iterator<Item = &str> {
        self.outside.auth.keys().map(AuthProfileName::as_str)
    }

    /// Reads and checks a file. Relative paths in it count from its folder.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        let (file, text) = read_file(path, "a `handoff.toml`; `handoff check --example` prints one to start from")?;
        Self::parse_at(&text, &file, &absolute_folder(path))
    }

    /// Checks a text. `file` names it in problems, and relative paths count from its folder.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigErrors> {
        Self::parse_at(text, file, folder_of(file))
    }

    fn parse_at(text: &str, file: &str, folder: &Path) -> Result<Self, ConfigErrors> {
        reader::Source::parse(file, text, |root| host::read(root, folder))
            .and_then(|config| config.ok_or_else(|| incomplete(file)))
    }
}

impl Settings {
    /// Reads and checks an installation's settings file. Relative paths in it count from its folder.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        let (file, text) = read_file(
            path,
            "an installation's settings file; `handoff check --example=settings` explains every field",
        )?;
        Self::parse_at(&text, &file, &absolute_folder(path))
    }

    /// Checks a text. `file` names it in problems, and relative paths count from its folder.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigErrors> {
        Self::parse_at(text, file, folder_of(file))
    }

    fn parse_at(text: &str, file: &str, folder: &Path) -> Result<Self, ConfigErrors> {
        reader::Source::parse(file, text, |root| settings::read(root, folder))
            .and_then(|settings| settings.ok_or_else(|| incomplete(file)))
    }
}

fn read_file(path: &Path, expected: &str) -> Result<(String, String), ConfigErrors> {
    let file = path.display().to_string();
    match std::fs::read(path).map(String::from_utf8) {
        Ok(Ok(text)) => Ok((file, text)),
        Ok(Err(_)) => Err(ConfigErrors::whole_file(
            &file,
            "bytes that are not UTF-8".to_owned(),
            expected,
            "save the file as UTF-8",
        )),
        Err(error) => {
            Err(ConfigErrors::whole_file(&file, error.to_string(), expected, "check the path and who may read it"))
        }
    }
}

/// A reader that returns nothing has reported why; this only keeps the types honest.
fn incomplete(file: &str) -> ConfigErrors {
    ConfigErrors::whole_file(file, "incomplete settings".to_owned(), "every required field", "add what is missing")
}

/// Independent of where the process goes later.
fn absolute_folder(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.parent().map(Path::to_owned).unwrap_or_default()
}

fn folder_of(file: &str) -> &Path {
    Path::new(file).parent().unwrap_or_else(|| Path::new(""))
}

#[cfg(test)]
mod tests;
