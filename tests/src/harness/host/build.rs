//! Builds and starts a host, with its connectors installed through the command line.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};

use toml::Table;

use super::process::{self, Process};
use super::{HostConfig, TestHost};
use crate::harness::build::{component, handoff_binary};
use crate::harness::settings;
use crate::simulators::crm::Crm;

/// Attempts to find free ports.
const PORT_ATTEMPTS: u32 = 5;

/// The host to build.
#[derive(Default)]
pub struct Builder {
    connectors: Vec<(String, PathBuf, Table)>,
    handoff_to: Option<Table>,
    events_token: bool,
    as_shipped: bool,
    ingress: String,
    engine: String,
    more: String,
    environment: Vec<(String, String)>,
    disk_shim: Option<PathBuf>,
    code: Option<PathBuf>,
    data: Option<PathBuf>,
}

impl Builder {
    /// Installs a package with a name.
    #[must_use]
    pub fn with_connector(mut self, name: &str, package: PathBuf, settings: Table) -> Self {
        self.connectors.push((name.to_owned(), package, settings));
        self
    }

    /// Installs `web-leads`, `identity` and `bdc-list` with their example settings: the whole path of a lead to a CRM.
    #[must_use]
    pub fn with_lead_handoff(self, crm: &Crm) -> Self {
        let settings = settings::bdc_list(crm);
        self.with_lead_handoff_to(settings)
    }

    /// The same with other settings of `bdc-list`.
    #[must_use]
    pub fn with_lead_handoff_to(mut self, bdc_list: Table) -> Self {
        self.handoff_to = Some(bdc_list);
        self
    }

    /// Requires a token for `POST /events`.
    #[must_use]
    pub fn with_events_token(mut self) -> Self {
        self.events_token = true;
        self
    }

    /// Additional lines of `[ingress]` and its tables.
    #[must_use]
    pub fn ingress(mut self, lines: &str) -> Self {
        self.ingress.push_str(lines);
        self
    }

    /// Additional lines of `[limits.engine]`.
    #[must_use]
    pub fn engine(mut self, lines: &str) -> Self {
        self.engine.push_str(lines);
        self
    }

    /// Additional sections of `handoff.toml`.
    #[must_use]
    pub fn config(mut self, sections: &str) -> Self {
        self.more.push_str(sections);
        self
    }

    /// Puts the storage shim library between the program and its data folder. [`TestHost::set_disk_faults`] sets the
    /// disk's faults.
    #[must_use]
    pub fn with_disk_shim(mut self, library: PathBuf) -> Self {
        self.disk_shim = Some(library);
        self
    }

    /// Reuses compiled code of an earlier host, see [`TestHost::copy_code`]; no effect if the folder does not exist
    /// yet.
    #[must_use]
    pub fn with_code_of(mut self, folder: &Path) -> Self {
        self.code = Some(folder.to_owned());
        self
    }

    /// Starts with the data folder from an archive instead of an empty one.
    #[must_use]
    pub fn with_data(mut self, archive: &Path) -> Self {
        self.data = Some(archive.to_owned());
        self
    }

    /// Default retries and breakers, and no precompiled connectors.
    #[must_use]
    pub fn as_shipped(mut self) -> Self {
        self.as_shipped = true;
        self
    }

    /// An environment variable of the host.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts the host and installs its connectors.
    ///
    /// # Panics
    /// If any step fails.
    pub async fn start(self) -> TestHost {
        handoff_binary();
        // Only one may exist per process; the first one wins.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let folder = temporary.path().to_owned();
        fs::create_dir_all(folder.join("inbox")).expect("an inbox");
        if let Some(archive) = &self.data {
            let tar = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(&folder).status();
            assert!(tar.is_ok_and(|done| done.success()), "{} is unpacked", archive.display());
        }
        let shim = self.disk_shim.map(|library| shim_variables(&folder, &library)).unwrap_or_default();
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let config = HostConfig {
            ingress_port: 0,
            control_port: 0,
            events_token: self.events_token,
            as_shipped: self.as_shipped,
            more: self.more,
            ingress: self.ingress,
            engine: self.engine,
        };
        let process = Process::with_environment(self.environment.into_iter().chain(shim).collect());
        let mut host = TestHost { folder, config, client, process, temporary };
        host.first_start().await;
        let mut connectors = self.connectors;
        if let Some(bdc_list) = self.handoff_to {
            let inbox = host.inbox();
            connectors.push(("web-leads".into(), component("adf-leads"), settings::web_leads(&inbox)));
            connectors.push(("identity".into(), component("identity"), settings::identity()));
            connectors.push(("bdc-list".into(), component("bdc-list"), bdc_list));
        }
        for (name, package, settings) in connectors {
            host.install(&name, &package, &settings).await.ok();
        }
        if !host.config.as_shipped {
            share_code(&host.folder);
        }
        // Not cached for all tests: only one test needs it.
        if let Some(code) = &self.code {
            copy_files(code, &host.folder.join("data/code"), |_| true);
        }
        host
    }
}

impl TestHost {
    /// Copies this host's compiled code, beyond the shared cache, into a folder of the test.
    pub fn copy_code(&self, to: &Path) {
        let shared = shared_code();
        copy_files(&self.folder.join("data/code"), to, |name| !shared.join(name).exists() && !to.join(name).exists());
    }

    /// Ports are chosen here, not by the system, so that a restarted host has the same ones.
    async fn first_start(&mut self) {
        if !self.config.as_shipped {
            warm_code_cache(&self.folder);
        }
        for attempt in 1..=PORT_ATTEMPTS {
            (self.config.ingress_port, self.config.control_port) = (free_port(), free_port());
            self.config.write(&self.folder);
            self.process.start(&self.folder);
            if attempt < PORT_ATTEMPTS && self.lost_its_port().await {
                self.process.kill();
                continue;
            }
            return self.ready().await;
        }
    }

    /// Whether the program exited because another process took the port.
    async fn lost_its_port(&mut self) -> bool {
        let url = self.url("/healthz");
        loop {
            if self.client.get(&url).send().await.is_ok() && self.process.ended().is_none() {
                return false;
            }
            if self.process.ended().is_some() {
                return process::log(&self.folder).contains("in use");
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}

/// The shim's variables: its folder, which must exist, and the faults file.
fn shim_variables(folder: &Path, library: &Path) -> Vec<(String, String)> {
    fs::create_dir_all(folder.join("data")).expect("a data folder");
    let variables = [
        ("LD_PRELOAD", library.to_owned()),
        ("HANDOFF_SHIM_ROOT", folder.join("data")),
        ("HANDOFF_SHIM_FAULTS", folder.join("disk-faults")),
    ];
    variables.map(|(name, value)| (name.to_owned(), value.display().to_string())).to_vec()
}

/// Below the range of ephemeral ports, so that the port is not taken by a connection.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 997).unwrap_or(0) * 20;
    loop {
        let port = 11_000 + start + NEXT.fetch_add(1, Ordering::Relaxed) % 20;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Each test has its own host; compiling the same three connectors in each would take most of the time. The cache
/// format is the program's own: it verifies what it loads.
fn warm_code_cache(folder: &Path) {
    copy_files(&shared_code(), &folder.join("data/code"), |_| true);
}

fn shared_code() -> PathBuf {
    component("adf-leads").with_file_name("code")
}

/// The files of a folder, if it exists, with matching names.
fn copy_files(from: &Path, to: &Path, is_wanted: impl Fn(&std::ffi::OsStr) -> bool) {
    let Ok(files) = fs::read_dir(from) else { return };
    fs::create_dir_all(to).expect("a folder for code");
    for file in files.flatten().filter(|file| is_wanted(&file.file_name())) {
        // A file that another test removed meanwhile is compiled again.
        let _ = fs::copy(file.path(), to.join(file.file_name()));
    }
}

/// Adds this host's compiled code to the shared cache.
fn share_code(folder: &Path) {
    let shared = shared_code();
    let Ok(files) = fs::read_dir(folder.join("data/code")) else { return };
    fs::create_dir_all(&shared).expect("a folder for code");
    for file in files.flatten() {
        let target = shared.join(file.file_name());
        // Moved into place atomically: another process may read it at the same time.
        let young = shared.join(format!(".{}.{}", std::process::id(), file.file_name().display()));
        if !target.exists() && fs::copy(file.path(), &young).is_ok() {
            let _ = fs::rename(young, target);
        }
    }
}
