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
mod scopes;
mod secret_patterns;
mod secret_source;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use example::{example, example_manifest, example_settings};
pub use front::{FrontConfig, TlsConfig};
pub use problem::{ConfigErrors, Location, Problem};
pub use registries::{RecallsConfig, Registries, RegistryAuth, RegistryConfig, TrustConfig, registry_location};
pub use secret_patterns::hides;
pub use settings::{
    Asks, GrantRequests, HttpAsk, HttpGrantRequest, Settings, ShareRequest, ShareRequests, missing_grants,
    resolve_grants,
};

use crate::secret_source::SecretSource;
use handoff_model::delivery::zone::TimeZone;
use handoff_model::limits::{CallLimits, EngineLimits, MigrationLimits, ProbationLimits, RuntimeLimits, StoreLimits};
use handoff_model::names::{AuthProfileName, GroupName, RooftopName};
use handoff_model::scope::{Groups, Scope};
use handoff_model::time::Clock;
use handoff_policy::egress::{AuthProfile, ClientOptions, EgressOptions};
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
    /// `[metrics]`.
    pub metrics: MetricsConfig,
    /// `[rooftops.NAME]`.
    pub rooftops: BTreeMap<RooftopName, Rooftop>,
    /// `[groups.NAME]`.
    pub groups: BTreeMap<GroupName, Group>,
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

    /// The rooftops of each group.
    #[must_use]
    pub fn members(&self) -> Groups {
        self.groups.iter().map(|(name, group)| (name.clone(), group.rooftops.clone())).collect()
    }

    /// The time zone of every rooftop and every group.
    #[must_use]
    pub fn zones(&self) -> BTreeMap<Scope, TimeZone> {
        let rooftops = self.rooftops.iter().map(|(name, rooftop)| (Scope::Rooftop(name.clone()), rooftop.time_zone));
        let groups = self.groups.iter().map(|(name, group)| (Scope::Group(name.clone()), group.time_zone));
        rooftops.chain(groups).collect()
    }

    /// The time zone of a scope, if it is configured.
    #[must_use]
    pub fn zone(&self, scope: &Scope) -> Option<TimeZone> {
        match scope {
            Scope::Rooftop(name) => self.rooftops.get(name).map(|rooftop| rooftop.time_zone),
            Scope::Group(name) => self.groups.get(name).map(|group| group.time_zone),
        }
    }
}

/// Where events from outside arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngressConfig {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// Name of the secret that senders of events to any rooftop use as bearer token. On an address that is not loopback,
    /// there is this one, or one for each rooftop.
    pub events_token_secret: Option<String>,
    /// Size limit of a webhook's body, in bytes.
    pub hook_body_bytes: usize,
    /// Size limit of the body of `POST /events`, batches included, in bytes.
    pub events_body_bytes: usize,
    /// `[ingress.rate]`.
    pub rate: RateConfig,
    /// Networks of reverse proxies whose `X-Forwarded-For` says who sent a request.
    pub trusted_proxies: Vec<ipnet::IpNet>,
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

/// A listener for `GET /metrics` alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetricsConfig {
    /// The address to listen on; none: only the control API has metrics.
    pub listen: Option<SocketAddr>,
    /// Name of the secret that scrapers use as bearer token; none only on a loopback address.
    pub token_secret: Option<String>,
}

/// A dealership location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rooftop {
    /// Its time zone.
    pub time_zone: TimeZone,
    /// Display name.
    pub title: Option<String>,
    /// Name of the secret that senders of events to this rooftop, and to no other, use as bearer token.
    pub events_token_secret: Option<String>,
}

/// Rooftops that an installation can work for together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its rooftops.
    pub rooftops: BTreeSet<RooftopName>,
    /// The time zone of its own schedules and events.
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
        Secrets::new(self.egress.readers(), clock)
    }

    /// The options of egress, with these secrets.
    #[must_use]
    pub fn egress_options(&self, secrets: Secrets) -> EgressOptions {
        let egress::EgressConfig { auth, auth_scopes, hosts, client, .. } = self.egress.clone();
        EgressOptions {
            auth,
            auth_scopes,
            secrets,
            hosts,
            client,
            limits: self.call_limits,
            stand_ins: BTreeMap::new(),
        }
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

    /// Position of a secret's definition.
    #[must_use]
    pub fn secret_location(&self, name: &str) -> Option<&Location> {
        self.egress.secret_locations.get(name)
    }

    /// The auth profiles that the file defines.
    pub fn auth_profiles(&self) -> impl Iterator<Item = (&str, &AuthProfile)> {
        self.egress.auth.iter().map(|(name, profile)| (name.as_str(), profile))
    }

    /// Secrets in files, and their paths.
    pub fn secret_files(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.egress.secrets.iter().filter_map(|(name, secret)| match &secret.source {
            SecretSource::File(path) => Some((name.as_str(), path.as_path())),
            SecretSource::Env(_) | SecretSource::Command(_) => None,
        })
    }

    /// The scopes whose installations may use a secret; none: all of them.
    #[must_use]
    pub fn secret_scopes(&self, name: &str) -> Option<&BTreeSet<Scope>> {
        self.egress.secrets.get(name).and_then(|secret| secret.scopes.as_ref())
    }

    /// The scopes whose installations may use an auth profile; none: all of them.
    #[must_use]
    pub fn auth_scopes(&self, name: &str) -> Option<&BTreeSet<Scope>> {
        name.parse::<AuthProfileName>().ok().and_then(|name| self.egress.auth_scopes.get(&name))
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
    /// Loads and checks an installation's settings file. Relative paths in it are relative to its folder. If a group is
    /// given, the installation is for that group, and the file names no other scope.
    pub fn load(path: &Path, group: Option<&GroupName>) -> Result<Self, ConfigErrors> {
        let (file, text) = read_file(
            path,
            "an installation's settings file; `handoff check --example=settings` explains every field",
        )?;
        Self::parse_at(&text, &file, &absolute_folder(path), group)
    }

    /// Checks a text. `file` is its name in problems, and relative paths are relative to its folder.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigErrors> {
        Self::parse_at(text, file, folder_of(file), None)
    }

    fn parse_at(text: &str, file: &str, folder: &Path, group: Option<&GroupName>) -> Result<Self, ConfigErrors> {
        reader::Source::parse(file, text, |root| settings::read(root, folder, group))
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
