//! Connects to the host, from options or from the socket in the configuration. If the host is stopped, opens its data
//! folder and answers in process with the same routes. Reads only the necessary part of the configuration, so that
//! mistakes elsewhere in it never prevent a rollback.

use std::ops::Deref;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::GlobalArgs;
use super::exit::{CliError, Exit};
use handoff_app::process::Process;
use handoff_app::shard::Shard;
use handoff_config::Config;
use handoff_control::client::{Client, Target, Token};
use handoff_model::time::SystemClock;
use handoff_server::control::InProcessHost;
use handoff_store::{Store, StoreError, StoreOptions};

/// Maximum size of a configuration or token file.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// A client of the selected host, or of its data folder while it is stopped.
pub(super) struct Connection {
    client: Option<Client>,
    stopped: Option<Arc<Shard>>,
}

impl Connection {
    /// Connects. Opens the data folder only if nothing listens on the host's socket. Never creates a data folder.
    pub(super) async fn open(global: &GlobalArgs) -> Result<Self, CliError> {
        let target = target(global)?;
        match stopped(global, &target).await? {
            Some(shard) => {
                let host = Arc::new(InProcessHost::new(shard.clone()));
                Ok(Self { client: Some(Client::in_process(target, host)?), stopped: Some(shard) })
            }
            None => Ok(Self { client: Some(Client::new(target)?), stopped: None }),
        }
    }
}

impl Deref for Connection {
    type Target = Client;

    fn deref(&self) -> &Client {
        // It is `Some` until the connection is dropped.
        self.client.as_ref().unwrap_or_else(|| unreachable!("the connection is open"))
    }
}

/// All acknowledged data is durable already. Closing the store writes a checkpoint, so that the host starts fast.
impl Drop for Connection {
    fn drop(&mut self) {
        drop(self.client.take());
        if let Some(shard) = self.stopped.take().and_then(Arc::into_inner) {
            shard.close();
        }
    }
}

/// The data folder of a stopped host. `None` if the host may be running or there is no store: then the client reports
/// why nothing answers.
async fn stopped(global: &GlobalArgs, target: &Target) -> Result<Option<Arc<Shard>>, CliError> {
    let Target::Socket(socket) = target else { return Ok(None) };
    let Ok(places) = places(&global.config) else { return Ok(None) };
    // A socket other than the configuration's belongs to another host, whose data folder is unknown.
    if *socket != places.socket || is_listening(socket) || !places.data.join("journal").is_dir() {
        return Ok(None);
    }
    refuse_other_users(&places.data)?;
    // A mistake in the configuration must not prevent reading; only names and time zones are missing then.
    let file = global.config.display().to_string();
    let config = Config::load(&global.config).or_else(|_| Config::parse("", &file));
    let mut config = config.map_err(|errors| CliError::invalid(errors.to_string()))?;
    config.data.clone_from(&places.data);
    let opened = tokio::task::spawn_blocking(move || Store::open(StoreOptions::new(places.data))).await;
    match opened.map_err(|error| CliError::failed(error.to_string()))? {
        Ok(store) => Ok(Some(Shard::stopped(store, Process::stopped(config, Arc::new(SystemClock))?))),
        Err(StoreError::InUse(folder)) => Err(in_use(&folder, socket)),
        Err(error) => Err(CliError::failed(format!("the store does not open: {error}"))),
    }
}

/// Files that another user creates in the data folder are not writable by the host afterwards.
fn refuse_other_users(data: &Path) -> Result<(), CliError> {
    let Ok(facts) = std::fs::metadata(data) else { return Ok(()) };
    let (owner, user) = (facts.uid(), rustix::process::geteuid().as_raw());
    if owner == user {
        return Ok(());
    }
    let detail = format!(
        "the host is stopped, and its data folder {} belongs to another user (uid {owner}): what this user (uid {user}) \
         writes there, the host could not use",
        data.display()
    );
    let hint = format!("run the command as the folder's owner: sudo -u '#{owner}' handoff …; or start the host first");
    Err(CliError::new(Exit::Refused, "other-user", "Another user's data", detail).hint(hint))
}

fn is_listening(socket: &Path) -> bool {
    use std::io::ErrorKind::{ConnectionRefused, NotFound};
    match std::os::unix::net::UnixStream::connect(socket) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), NotFound | ConnectionRefused),
    }
}

fn in_use(folder: &Path, socket: &Path) -> CliError {
    let detail = format!(
        "a host is running on the data folder {}, but nothing answers on the socket {}",
        folder.display(),
        socket.display()
    );
    CliError::new(Exit::Unreachable, "host-unreachable", "The host does not answer", detail).hint(
        "if it has just been started, try again in a moment; else check that --config and --socket name the same host",
    )
}

/// The data folder and the socket of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Places {
    /// The data folder.
    pub(super) data: PathBuf,
    /// The host's socket.
    pub(super) socket: PathBuf,
}

/// The address of the selected host.
pub(super) fn target(global: &GlobalArgs) -> Result<Target, CliError> {
    if let Some(url) = &global.url {
        let path = global.token_file.as_deref().ok_or_else(|| CliError::usage("--url needs --token-file"))?;
        let token = read(path, "the token file")?;
        if token.trim().is_empty() || token.trim().contains(char::is_whitespace) {
            return Err(CliError::invalid(format!("{}: expected one token, nothing else", path.display())));
        }
        return Ok(Target::Tcp { url: url.clone(), token: Token::new(&token) });
    }
    if let Some(socket) = &global.socket {
        return Ok(Target::Socket(socket.clone()));
    }
    Ok(Target::Socket(places(&global.config)?.socket))
}

/// Reads the data folder and the socket from a configuration. Relative paths start from the file's folder, as in the
/// host. A missing file means the defaults.
pub(super) fn places(config: &Path) -> Result<Places, CliError> {
    let folder = config.parent().unwrap_or(Path::new(""));
    let table: toml::Table = if config.exists() {
        let text = read(config, "the configuration")?;
        text.parse().map_err(|error: toml::de::Error| {
            CliError::invalid(format!("{}: {}", config.display(), error.message()))
                .hint("`handoff check` shows the place; --socket PATH works without a configuration")
        })?
    } else {
        toml::Table::new()
    };
    let path = |section: &str, key: &str| {
        table
            .get(section)
            .and_then(|section| section.get(key))
            .and_then(toml::Value::as_str)
            .map(|text| folder.join(text))
    };
    let data = path("host", "data").unwrap_or_else(|| folder.join("data"));
    let socket = path("control", "socket").unwrap_or_else(|| data.join("control.sock"));
    Ok(Places { data, socket })
}

/// Reads a text file of limited size.
pub(super) fn read(path: &Path, what: &str) -> Result<String, CliError> {
    let fail =
        |reason: &dyn std::fmt::Display| CliError::invalid(format!("cannot read {what} {}: {reason}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| fail(&error))?.len();
    if size > FILE_BYTES_MAX {
        return Err(fail(&format!("{size} bytes; expected at most {FILE_BYTES_MAX}")));
    }
    std::fs::read_to_string(path).map_err(|error| fail(&error))
}
