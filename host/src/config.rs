//! What operators write: `handoff.toml` for the host and one settings file for each installation. Read once, checked
//! as a whole, handed down as plain structs. Reads no secret: it only knows where secrets are.

mod example;
mod host;
mod json;
mod limits;
mod problem;
mod reader;
mod secretish;
mod settings;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use example::EXAMPLE;
pub use problem::{ConfigErrors, Place, Problem};
pub use settings::{Asks, GrantRequests, HttpAsk, HttpGrantRequest, Settings, resolve_grants};

use crate::model::delivery::zone::TimeZone;
use crate::model::limits::{CallLimits, EngineLimits, RuntimeLimits};
use crate::model::names::RooftopName;

/// Everything of `handoff.toml`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The data folder, absolute or relative to the process as the file's path was.
    pub data: PathBuf,
    /// `[ingress]`.
    pub ingress: IngressConfig,
    /// `[control]`.
    pub control: ControlConfig,
    /// `[rooftops.NAME]`.
    pub rooftops: BTreeMap<RooftopName, Rooftop>,
    /// `[limits.call]`.
    pub call_limits: CallLimits,
    /// `[limits.runtime]`.
    pub runtime_limits: RuntimeLimits,
    /// `[limits.engine]`.
    pub engine_limits: EngineLimits,
    /// `[retention]`.
    pub retention: Retention,
    /// `[log]`.
    pub log: LogConfig,
    secrets: std::collections::BTreeSet<String>,
    auth: std::collections::BTreeSet<String>,
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
    /// Names of the secrets that the file defines.
    pub fn secret_names(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(String::as_str)
    }

    /// Names of the auth profiles that the file defines.
    pub fn auth_names(&self) -> impl Iterator<Item = &str> {
        self.auth.iter().map(String::as_str)
    }

    /// Reads and checks a file. Relative paths in it count from its folder.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        let (file, text) = read_file(path, "a `handoff.toml`; `handoff check --example` prints one to start from")?;
        Self::parse(&text, &file)
    }

    /// Checks a text. `file` names it in problems, and relative paths count from its folder.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigErrors> {
        reader::Source::parse(file, text, |root| host::read(root, folder_of(file)))
            .and_then(|config| config.ok_or_else(|| incomplete(file)))
    }
}

impl Settings {
    /// Reads and checks an installation's settings file. Relative paths in it count from its folder.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        let (file, text) = read_file(path, "an installation's settings file, as in the connector's documentation")?;
        Self::parse(&text, &file)
    }

    /// Checks a text. `file` names it in problems, and relative paths count from its folder.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigErrors> {
        reader::Source::parse(file, text, |root| settings::read(root, folder_of(file)))
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

fn folder_of(file: &str) -> &Path {
    Path::new(file).parent().unwrap_or_else(|| Path::new(""))
}
