//! The throw-away host: its folder, its process, and what `dev` asks of it. Nothing of it outlives the command.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use handoff_files::{PRIVATE_FILE, PRIVATE_FOLDER};
use serde_json::json;

use super::settings::{DevSettings, ROOFTOP};
use crate::args::ClockTarget;
use crate::commands::random;
use crate::exit::CliError;
use handoff_control::Time;
use handoff_control::client::{Client, Target};
use handoff_control::events::send::{SEND, SendReport, SendRequest};
use handoff_control::hooks;
use handoff_control::hooks::SendHookRequest;
use handoff_control::host::clock::{MOVE, MoveClockRequest, SHOW};
use handoff_control::host::status;
use handoff_control::installations::install::{INSTALL, InstallRequest};
use handoff_control::operation::Nothing;
use handoff_control::registry::packages;
use handoff_model::names::InstallationName;
use handoff_model::time::{Clock as _, SystemClock, Timestamp};

/// How long the host may take to start.
const START: Duration = Duration::from_secs(60);
/// How often the clock is moved.
const CLOCK_MS: u64 = 1_000;

/// A running host. Dropping it ends the process and removes the folder.
pub(super) struct DevHost {
    client: Client,
    child: tokio::process::Child,
    name: InstallationName,
    port: u16,
    /// The clock of the host is the system's, and what `t` has added.
    ahead_ms: std::sync::atomic::AtomicU64,
    moved_at: Timestamp,
    folder: tempfile::TempDir,
}

impl DevHost {
    pub(super) async fn start(settings: &DevSettings, name: &str) -> Result<Self, CliError> {
        let failed = |error: &dyn std::fmt::Display| CliError::failed(format!("the host cannot start: {error}"));
        let name: InstallationName = name.parse().map_err(|error| failed(&error))?;
        let folder = tempfile::Builder::new().prefix("handoff-dev-").tempdir().map_err(|error| failed(&error))?;
        // Free when it is asked for; the host binds it right after.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = port.map_err(|error| failed(&error))?.port();
        configure(folder.path(), settings, port).map_err(|error| failed(&error))?;
        let clock = folder.path().join("clock");
        let now = SystemClock.now();
        std::fs::write(&clock, now.to_string()).map_err(|error| failed(&error))?;
        let log = std::fs::File::create(folder.path().join("host.log")).map_err(|error| failed(&error))?;
        let program = std::env::current_exe().map_err(|error| failed(&error))?;
        let child = tokio::process::Command::new(program)
            .args(["serve", "--config", "handoff.toml", "--test-clock"])
            .arg(&clock)
            .arg("--until-stdin-closes")
            .args(settings.stand_ins.iter().map(|(host, url)| format!("--stand-in={host}={url}")))
            .current_dir(folder.path())
            .env_remove("HANDOFF_CONFIG")
            .env_remove("HANDOFF_TEST_CLOCK")
            .env("NO_COLOR", "1")
            // Held by `child` until the command ends, in whichever way.
            .stdin(Stdio::piped())
            .stdout(log.try_clone().map_err(|error| failed(&error))?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(&error))?;
        let client = Client::new(Target::Socket(folder.path().join("data/control.sock")))?;
        let ahead_ms = std::sync::atomic::AtomicU64::new(0);
        let mut host = Self { client, child, name, port, ahead_ms, moved_at: now, folder };
        let started = Instant::now();
        while host.client.get(&status::SHOW, &[], &Nothing {}).await.is_err() {
            host.check()?;
            if started.elapsed() > START {
                return Err(CliError::failed(format!("the host does not answer:\n{}", host.log())));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(host)
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn name(&self) -> &InstallationName {
        &self.name
    }

    /// Where events come in, for the developer.
    pub(super) fn addresses(&self, settings: &DevSettings) -> String {
        let mut all = vec![format!("events: http://127.0.0.1:{}/events", self.port)];
        if settings.settings.get("hook").is_some() {
            all.push(format!("webhooks: http://127.0.0.1:{}/hooks/{}", self.port, self.name));
        }
        let folders = settings.folders.iter().map(|name| self.folder.path().join("folders").join(name));
        all.extend(folders.map(|path| format!("files: {}", path.display())));
        all.join(", ")
    }

    /// Whether the process still runs.
    pub(super) fn check(&mut self) -> Result<(), CliError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            _ => Err(CliError::failed(format!("the host has ended:\n{}", self.log()))),
        }
    }

    /// Installs a component, or swaps it in. False if nothing is different.
    pub(super) async fn install(&mut self, component: Bytes, settings: &DevSettings) -> Result<bool, CliError> {
        let kept = self.client.put(&packages::PUT, component).await?;
        let request = InstallRequest {
            name: self.name.clone(),
            digest: kept.digest,
            settings: settings.settings.clone(),
            settings_folder: self.folder.path().to_str().map(str::to_owned),
            by: None,
            reason: None,
            dry_run: false,
            force: true,
        };
        let report = self.client.post(&INSTALL, &[], &request).await?;
        if let Some(failure) = report.validation.failure.filter(|_| !report.validation.passed) {
            return Err(CliError::invalid(format!("the connector refuses its config: {}", failure.message)));
        }
        Ok(report.applied)
    }

    pub(super) async fn now(&self) -> Result<Time, CliError> {
        Ok(self.client.get(&SHOW, &[], &Nothing {}).await?.now)
    }

    /// The host's clock, without asking it.
    pub(super) fn clock(&self) -> Timestamp {
        SystemClock.now().plus_ms(self.ahead_ms.load(std::sync::atomic::Ordering::Relaxed))
    }

    /// Moves the clock ahead of the system's.
    pub(super) async fn shift_clock(&self, to: ClockTarget) -> Result<Time, CliError> {
        let now = self.now().await?;
        let to = to.from(now);
        self.ahead_ms.fetch_add(to.0.since_ms(now.0), std::sync::atomic::Ordering::Relaxed);
        Ok(self.client.post(&MOVE, &[], &MoveClockRequest { to }).await?.now)
    }

    /// Lets the host's clock follow the system's.
    pub(super) async fn move_clock(&mut self) -> Result<(), CliError> {
        let now = SystemClock.now();
        if now.since_ms(self.moved_at) < CLOCK_MS {
            return Ok(());
        }
        self.moved_at = now;
        self.client.post(&MOVE, &[], &MoveClockRequest { to: self.clock().into() }).await?;
        Ok(())
    }

    pub(super) async fn send(&self, file: &Path, type_name: &str) -> Result<SendReport, CliError> {
        let data = read(file)?;
        let mut event = json!({
            "specversion": "1.0", "id": format!("dev-{:016x}", random()), "source": "urn:handoff:dev",
            "type": type_name,
        });
        match serde_json::from_slice::<serde_json::Value>(&data) {
            Ok(value) => {
                event["datacontenttype"] = "application/json".into();
                event["data"] = value;
            }
            Err(_) => event["data_base64"] = STANDARD.encode(&data).into(),
        }
        let request = SendRequest { event: event.to_string(), rooftop: None, by: None, reason: None };
        Ok(self.client.post(&SEND, &[], &request).await?)
    }

    pub(super) async fn send_hook(&self, file: &Path) -> Result<SendReport, CliError> {
        let body = STANDARD.encode(read(file)?);
        let request = SendHookRequest { body, content_type: None, id: None, by: None, reason: None };
        Ok(self.client.post(&hooks::SEND, &[self.name.as_str()], &request).await?)
    }

    /// The end of the host's log.
    fn log(&self) -> String {
        let text = std::fs::read_to_string(self.folder.path().join("host.log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
    }
}

fn read(file: &Path) -> Result<Vec<u8>, CliError> {
    std::fs::read(file).map_err(|error| CliError::invalid(format!("cannot read {}: {error}", file.display())))
}

/// Writes the configuration and the secrets.
fn configure(folder: &Path, settings: &DevSettings, port: u16) -> std::io::Result<()> {
    let mut text = format!(
        "[host]\ndata = \"data\"\n\n[limits.runtime]\ncompile-time-ms = 900000\n\n[ingress]\nlisten = \"127.0.0.1:{port}\"\n\n[probation]\nenabled = false\n\n\
         [rooftops.{ROOFTOP}]\ntime-zone = \"America/Chicago\"\n\n"
    );
    for name in &settings.auth {
        text.push_str(&format!("[auth.{name}]\nkind = \"api-key\"\nheader = \"x-api-key\"\nsecret = \"{name}\"\n\n"));
    }
    for name in settings.secrets.union(&settings.auth) {
        // The form of Standard Webhooks serves every other kind, too.
        let secret = format!(
            "whsec_{}",
            STANDARD.encode([random(), random(), random(), random()].map(u64::to_be_bytes).concat())
        );
        let path: PathBuf = folder.join("secrets").join(name);
        handoff_files::replace(&path, secret.as_bytes(), PRIVATE_FILE, PRIVATE_FOLDER)?;
        text.push_str(&format!("[secrets.{name}]\nfile = \"secrets/{name}\"\n\n"));
    }
    for name in &settings.folders {
        std::fs::create_dir_all(folder.join("folders").join(name))?;
    }
    std::fs::write(folder.join("handoff.toml"), text)
}
