//! Headless Chromium, driven over WebDriver. It knows no page.
//!
//! The protocol is JSON over HTTP, so the client that everything else here uses is enough.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};

use crate::harness::SOON;

/// Time for one command, with the page that it loads.
const COMMAND_TIME: Duration = Duration::from_secs(60);
/// How an element is named in the protocol.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with an empty profile. Closed when dropped.
#[derive(Debug)]
pub struct Browser {
    client: reqwest::Client,
    session: String,
    driver: Child,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts a browser, with or without script. None where Chromium is missing, outside of continuous integration.
    pub async fn start(with_script: bool) -> Option<Self> {
        if !Path::new("/usr/bin/chromedriver").exists() {
            assert!(std::env::var_os("CI").is_none(), "chromium-driver is missing: .ci/setup installs it");
            eprintln!("chromium-driver is missing, so this test shows nothing: .ci/setup installs it");
            return None;
        }
        let profile = tempfile::tempdir().expect("a profile");
        let mut driver = Command::new("/usr/bin/chromedriver")
            .args(["--port=0", "--log-level=WARNING"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let port = port(&mut driver);
        let script = if with_script { 1 } else { 2 };
        let folder = format!("--user-data-dir={}", profile.path().display());
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--no-proxy-server",
            "--hide-scrollbars",
            "--lang=en-US",
            "--window-size=1440,900",
            &folder,
        ];
        let options = json!({
            "args": arguments, "prefs": {"profile.managed_default_content_settings.javascript": script},
        });
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        // Only one may exist per process; the first one wins.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().timeout(COMMAND_TIME).build().expect("a client");
        let base = format!("http://127.0.0.1:{port}");
        let made = send(&client, &format!("{base}/session"), &wanted).await;
        let id = made["sessionId"].as_str().expect("a session").to_owned();
        Some(Self { client, session: format!("{base}/session/{id}"), driver, _profile: profile })
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        send(&self.client, &format!("{}/{path}", self.session), &body).await
    }

    /// Opens a page and waits until it is loaded.
    pub async fn open(&self, url: &str) {
        self.post("url", json!({ "url": url })).await;
    }

    /// The page as it is now.
    pub async fn source(&self) -> String {
        let answer = self.client.get(format!("{}/source", self.session)).send().await.expect("the driver answers");
        let value: Value = answer.json().await.expect("JSON");
        value["value"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the page shows a text; returns the page.
    ///
    /// # Panics
    /// If it does not within a limited time.
    pub async fn shows(&self, text: &str) -> String {
        let deadline = Instant::now() + SOON;
        loop {
            let page = self.source().await;
            if page.contains(text) {
                return page;
            }
            assert!(Instant::now() < deadline, "no `{text}` in {page}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn element(&self, css: &str) -> String {
        let found = self.post("element", json!({"using": "css selector", "value": css})).await;
        found[ELEMENT].as_str().unwrap_or_else(|| panic!("no {css}")).to_owned()
    }

    /// Clicks an element. What it opens may take a moment: [`Self::shows`] waits for it.
    pub async fn click(&self, css: &str) {
        let element = self.element(css).await;
        self.post(&format!("element/{element}/click"), json!({})).await;
    }

    /// Types into a field.
    pub async fn fill(&self, css: &str, text: &str) {
        let element = self.element(css).await;
        self.post(&format!("element/{element}/clear"), json!({})).await;
        self.post(&format!("element/{element}/value"), json!({ "text": text })).await;
    }

    /// Runs a function's body in the page; answers what it returns, or its promise.
    pub async fn run(&self, script: &str) -> Value {
        self.post("execute/sync", json!({"script": script, "args": []})).await
    }

    async fn devtools(&self, command: &str, parameters: Value) {
        self.post("goog/cdp/execute", json!({"cmd": command, "params": parameters})).await;
    }

    /// Sets the size of the page, and whether it is dark.
    pub async fn look(&self, width: u32, height: u32, is_dark: bool) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        let scheme = if is_dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    /// Writes a picture of what the window shows.
    pub async fn picture(&self, file: &Path) {
        let answer = self.client.get(format!("{}/screenshot", self.session)).send().await.expect("the driver answers");
        let value: Value = answer.json().await.expect("JSON");
        let text = value["value"].as_str().unwrap_or_default();
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).expect("a picture");
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(file, bytes).expect("written");
    }

    /// Errors in the browser's console since the last call.
    pub async fn errors(&self) -> Vec<String> {
        let log = self.post("se/log", json!({"type": "browser"})).await;
        let errors = log.as_array().into_iter().flatten().filter(|entry| entry["level"] == "SEVERE");
        errors.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver closes its browser when the session ends, not when it is killed itself.
        let end = || {
            let (address, path) = self.session.strip_prefix("http://")?.split_once('/')?;
            let mut driver = TcpStream::connect(address).ok()?;
            driver.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
            let head = format!("DELETE /{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
            driver.write_all(head.as_bytes()).ok()?;
            driver.read(&mut [0; 512]).ok()
        };
        end();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

async fn send(client: &reqwest::Client, url: &str, body: &Value) -> Value {
    let answer = client.post(url).json(body).send().await.expect("the driver answers");
    let is_done = answer.status().is_success();
    let mut value: Value = answer.json().await.expect("JSON");
    assert!(is_done, "{url}: {}", value["value"]["message"]);
    value["value"].take()
}

/// The driver says where it listens.
fn port(driver: &mut Child) -> u16 {
    let mut lines = BufReader::new(driver.stdout.take().expect("its output")).lines();
    let found = lines.find_map(|line| {
        let line = line.ok()?;
        line.split_once("successfully on port ")?.1.trim_end_matches('.').parse::<u16>().ok()
    });
    let port = found.expect("chromedriver says its port");
    // Nobody reads further lines, and a full pipe would stop the driver.
    std::thread::spawn(move || lines.for_each(drop));
    port
}
