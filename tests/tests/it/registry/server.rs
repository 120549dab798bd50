//! Registries for tests: a folder, and the program's own server.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use handoff_tests::harness::{eventually, handoff_binary};
use tempfile::TempDir;

/// A registry; its server is killed and its folder removed when the test ends.
pub(crate) struct Registry {
    url: String,
    server: Option<Child>,
    folder: TempDir,
}

impl Registry {
    /// An address without a listener.
    pub(crate) fn nowhere() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // The port of the discard protocol: no program listens there.
        Self { url: "http://127.0.0.1:9".to_owned(), server: None, folder }
    }

    /// Its URL for `[registries.NAME]`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The folder of its files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Registry {
    /// Kills the server.
    pub(crate) fn kill(&mut self) {
        if let Some(server) = &mut self.server {
            // It may have exited by itself.
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    /// Serves the same data at the same address again, with open access.
    pub(crate) async fn start_again(&mut self) {
        let listen = self.url.trim_start_matches("http://").to_owned();
        self.server = Some(start(self.folder.path(), &listen, &["--open"]).await.0);
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A folder registry.
pub(crate) fn folder_registry() -> Registry {
    let folder = tempfile::tempdir().expect("a temporary folder");
    Registry { url: folder.path().join("packages").display().to_string(), server: None, folder }
}

/// `handoff registry serve` on a free port with open access.
pub(crate) async fn served_registry() -> Registry {
    serve(&["--open"]).await
}

/// The same with only the user `handoff` and the password `myPassword`, with tokens.
pub(crate) async fn served_to_users() -> Registry {
    serve(&["--users", "users", "--private", "--auth", "token"]).await
}

/// That password in the format of `htpasswd -B`.
const USERS: &str = "handoff:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC\n";

async fn serve(options: &[&str]) -> Registry {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("users"), USERS).expect("written");
    let (server, url) = start(folder.path(), "127.0.0.1:0", options).await;
    Registry { url, server: Some(server), folder }
}

async fn start(folder: &Path, listen: &str, options: &[&str]) -> (Child, String) {
    let log = folder.join("registry.log");
    let out = File::create(&log).expect("a log file");
    let server = Command::new(handoff_binary())
        .args(["registry", "serve", "--data", "data", "--listen", listen])
        .args(options)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(out.try_clone().expect("a second handle"))
        .stderr(out)
        .spawn()
        .expect("the program starts");
    let url = eventually("the registry is ready", || async {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        text.split("ready: ").nth(1)?.split(' ').next().map(str::to_owned)
    })
    .await;
    (server, url)
}
