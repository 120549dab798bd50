//! The operators' files: `handoff.toml` for the host and one settings file per installation. They are read once,
//! checked as a whole, and passed on as plain structs. It reads no secret, only where secrets are.

mod egress;
mod example;
mod front;
mod host;
mod json;
mod limits;
mod probation;
mod problem;
mod reader;
mod registries;
mod secret_patterns;
mod secret_source;
mod settings;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use example::{example, example_settings};
pub use front::{FrontConfig, TlsConfig};
pub use problem::{ConfigErrors, Location, Problem};
pub use registries::{RecallsConfig, Registries, RegistryAuth, RegistryConfig, TrustConfig, registry_location};
pub use secret_patterns::hides;
pub use settings::{Asks, GrantRequests, HttpAsk, HttpGrantRequest, Settings, resolve_grants};

use crate::secret_source::{SecretSource, readers};
use handoff_model::delivery::zone::TimeZone;
use handoff_model::limits::{CallLimits, EngineLimits, MigrationLimits, ProbationLimits, RuntimeLimits, StoreLimits};
use handoff_model::names::{AuthProfileName, RooftopName};
use handoff_model::time::Clock;
use handoff_policy::egress::{ClientOptions, EgressOptions};
use handoff_policy::secrets::{SecretError, Secrets};

/// The content of `handoff.toml`.
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
    /// `[host] allow-shared-data`: other users may write the data folder.
    pub allow_shared_data: bool,
    /// `[secrets.NAME]`, `[auth.NAME]`, `[hosts."NAME"]`, `[egress]`.
    egress: egress::EgressConfig,
}

impl Config {
    /// The rooftop, if exactly one is configured.
    #[must_use]
    pub fn only_rooftop(&self) -> Option<&RooftopName> {
        let mut names = self.rooftops.keys();
        names.next().filter(|_| names.next().is_none())
    }
}

/// Where events from outside arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngressConfig {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// Name of the secret that senders to `POST /events` use as bearer token; none only on a loopback address.
    pub events_token_secret: Option<String>,
    /// Size limit of a webhook's body, in bytes.
    pub hook_body_bytes: usize,
    /// Size limit of the body of `POST /events`, batches included, in bytes.
    pub events_body_bytes: usize,
    /// `[ingress.rate]`.
    pub rate: RateConfig,
    /// Certificate and public URL.
    pub front: FrontConfig,
}

/// Rate limits per sender before ingress answers 429.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateConfig {
    /// Sustained requests per second of one client address.
    pub client_per_second: u32,
    /// Burst of one client address, in requests.
    pub client_burst: u32,
    /// Sustained requests per second to one installation's webhook.
    pub hook_per_second: u32,
    /// Burst to one installation's webhook, in requests.
    pub hook_burst: u32,
}

/// The control API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlConfig {
    /// Path of the Unix socket; file permissions decide who may open it.
    pub socket: PathBuf,
    /// An additional TCP address, only together with a token.
    pub listen: Option<SocketAddr>,
    /// Name of the secret that clients over TCP use as bearer token.
    pub token_secret: Option<String>,
    /// Certificate and public URL of the TCP address.
    pub front: FrontConfig,
}

/// A dealership location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rooftop {
    /// Its time zone.
    pub time_zone: TimeZone,
    /// Display name.
    pub title: Option<String>,
}

/// How long handled events are kept. The first limit to be reached removes the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// In days.
    pub days: u32,
    /// In bytes of the journal.
    pub bytes: u64,
}

/// The host's own log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// Format of the lines.
    pub format: LogFormat,
    /// The least severe level that is written.
    pub level: LogLevel,
}

/// Format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Levels of the host's own log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the levels are the usual ones")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Config {
    /// The secrets that the file defines; none is read yet.
    pub fn secrets(&self, clock: std::sync::Arc<dyn Clock>) -> Result<Secrets, SecretError> {
        Secrets::new(readers(&self.egress.secrets), clock)
    }

    /// The options of egress, with these secrets.
    #[must_use]
    pub fn egress_options(&self, secrets: Secrets) -> EgressOptions {
        let egress::EgressConfig { auth, hosts, client, .. } = self.egress.clone();
        EgressOptions { auth, secrets, hosts, client, limits: self.call_limits }
    }

    /// `[egress]`: its certificate authorities apply to registries too.
    #[must_use]
    pub fn client_options(&self) -> &ClientOptions {
        &self.egress.client
    }

    /// Names of the secrets that the file defines.
    pub fn secret_names(&self) -> impl Iterator<Item = &str> {
        self.egress.secrets.keys().map(String::as_str)
    }

    /// Secrets in files, and their paths.
    pub fn secret_files(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.egress.secrets.iter().filter_map(|(name, source)| match source {
            SecretSource::File(path) => Some((name.as_str(), path.as_path())),
            SecretSource::Env(_) | SecretSource::Command(_) => None,
        })
    }

    /// Names of the auth profiles that the file defines.
    pub fn auth_names(&self) -> impl Iterator<Item = &str> {
        self.egress.auth.keys().map(AuthProfileName::as_str)
    }

    /// Loads and checks a file. Relative paths in it are relative to its folder.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        let (file, text) = read_file(path, "a `handoff.toml`; `handoff check --example` prints an example")?;
        Self::parse_at(&text, &file, &absolute_folder(path))
    }

    /// Checks a text. `file` is its name in problems, and relative paths are relative to its folder.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigErrors> {
        Self::parse_at(text, file, folder_of(file))
    }

    fn parse_at(text: &str, file: &str, folder: &Path) -> Result<Self, ConfigErrors> {
        reader::Source::parse(file, text, |root| host::read(root, folder))
            .and_then(|config| config.ok_or_else(|| incomplete(file)))
    }
}

impl Settings {
    /// Loads and checks an installation's settings file. Relative paths in it are relative to its folder.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        let (file, text) = read_file(
            path,
            "an installation's settings file; `handoff check --example=settings` explains every field",
        )?;
        Self::parse_at(&text, &file, &absolute_folder(path))
    }

    /// Checks a text. `file` is its name in problems, and relative paths are relative to its folder.
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
            Err(ConfigErrors::whole_file(&file, error.to_string(), expected, "check the path and its permissions"))
        }
    }
}

/// A reader that returns nothing has already reported why; this only satisfies the types.
fn incomplete(file: &str) -> ConfigErrors {
    ConfigErrors::whole_file(file, "incomplete settings".to_owned(), "every required field", "add the missing fields")
}

/// Independent of later changes of the working directory.
fn absolute_folder(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.parent().map(Path::to_owned).unwrap_or_default()
}

fn folder_of(file: &str) -> &Path {
    Path::new(file).parent().unwrap_or_else(|| Path::new(""))
}

#[cfg(test)]
mod tests;
